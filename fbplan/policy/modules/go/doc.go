// Package fbroute chooses which bucket takes the next write, by a routing policy that fbplan publishes.
//
//	load := func() (fbroute.Credentials, error) {
//		return fbroute.NewCredentials(os.Getenv("FB_KEY_ID"), os.Getenv("FB_KEY_SECRET")), nil
//	}
//	router := fbroute.Open("routing-policy.json", fbroute.NewS3(load, fbroute.S3Options{}), fbroute.Options{})
//	placed, err := router.Put(ctx, "hello.txt", strings.NewReader("hi"), fbroute.PutOptions{})
//	got, err := router.Get(ctx, placed.Reference.String())
//
// It needs Go 1.21 and the standard library. Its decisions are those of the Python module fbplan.runtime, to the byte of
// the decision record. Times are Unix milliseconds, sizes bytes, shares parts per million.
package fbroute
