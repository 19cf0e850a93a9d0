package fbroute

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

var never = 30 * time.Second

func store(t *testing.T, answer http.HandlerFunc) (*S3, Place) {
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	load := func() (Credentials, error) { return NewCredentials("id", "canary"), nil }
	return NewS3(load, S3Options{}), Place{Bucket: "a", Address: "a", Endpoint: server.URL}
}

// The examples of "Authenticating Requests: Using the Authorization Header" in the S3 API reference.
func TestSignaturesAreThoseOfTheDocumentation(t *testing.T) {
	wanted := map[string]string{
		"lifecycle=":          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		"max-keys=2&prefix=J": "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
	}
	for query, signature := range wanted {
		asked, _ := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/?"+query, nil)
		asked.Header.Set("x-amz-content-sha256", emptySHA256)
		by := NewCredentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
		sign(asked, by, "us-east-1", time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
		if found := asked.Header.Get("Authorization"); !strings.HasSuffix(found, "Signature="+signature) {
			t.Errorf("%s: %s", query, found)
		}
	}
}

func TestAListingHasEveryPageAndTheKeysAsTheyAre(t *testing.T) {
	s3, place := store(t, func(to http.ResponseWriter, asked *http.Request) {
		page := `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>%t</IsTruncated>
			<NextContinuationToken>a+b/=</NextContinuationToken><Contents><Key>%s</Key><Size>3</Size><ETag>"e"</ETag></Contents></ListBucketResult>`
		switch token := asked.URL.Query().Get("continuation-token"); token {
		case "":
			fmt.Fprintf(to, page, true, "k%20%C3%BC%2B")
		case "a+b/=":
			fmt.Fprintf(to, page, false, "z%01")
		default:
			t.Errorf("token %q", token)
		}
	})
	found, err := s3.List(context.Background(), place, "p", never)
	if fmt.Sprintf("%q %v", found, err) != `[{"k ü+" '\x03' "\"e\""} {"z\x01" '\x03' "\"e\""}] <nil>` {
		t.Errorf("%q %v", found, err)
	}
}

func TestWhatIsRefusedSaysStatusCodeAndPause(t *testing.T) {
	var after string
	s3, place := store(t, func(to http.ResponseWriter, asked *http.Request) {
		to.Header().Set("Retry-After", after)
		to.WriteHeader(503)
		_, _ = io.WriteString(to, "<Error><Code>SlowDown</Code></Error>")
	})
	for written, wanted := range map[string]int64{"7": 7000, "Thu, 01 Jan 1970 00:00:00 GMT": 0, "soon": -1, "-1": -1, "": -1} {
		after = written
		_, err := s3.Get(context.Background(), place, "k", never)
		failure, pause := failureOf(err), int64(-1)
		if failure.RetryAfterMS != nil {
			pause = *failure.RetryAfterMS
		}
		if failure.Status != 503 || failure.Code != "SlowDown" || pause != wanted {
			t.Errorf("%q: %+v, pause %d", written, failure, pause)
		}
	}
}

func TestWhatNeverLeftIsSaidToBeUnsent(t *testing.T) {
	s3, place := store(t, nil)
	server := httptest.NewServer(nil)
	place.Endpoint = server.URL
	server.Close()
	_, err := s3.Put(context.Background(), place, "k", Upload{Body: strings.NewReader("x"), Size: 1}, never)
	if failure := failureOf(err); !failure.IsUnsent || strings.Contains(err.Error(), "/a/k") {
		t.Errorf("%+v", failure)
	}
	place.Endpoint = ""
	if _, err := s3.Head(context.Background(), place, "k", never); err == nil {
		t.Error("no endpoint")
	}
}

func TestCredentialsThatCannotBeLoadedAreRefusedOnes(t *testing.T) {
	lost := errors.New("vault sealed")
	s3 := NewS3(func() (Credentials, error) { return Credentials{}, lost }, S3Options{})
	_, err := s3.Head(context.Background(), Place{}, "k", never)
	if failure := failureOf(err); failure.Status != 401 || !errors.Is(err, lost) {
		t.Errorf("%+v", failure)
	}
}

type silent struct{}

func (silent) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("silent") }

func TestNoSecretIsShown(t *testing.T) {
	by := NewCredentials("id", "canary")
	s3 := NewS3(func() (Credentials, error) { return by, nil }, S3Options{RoundTripper: silent{}})
	router := Open("none", s3, Options{})
	if err := s3.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, shown := range []any{by, &by, s3, router, *s3.loaded.Load(), []Credentials{by}, map[string]any{"k": by}} {
			if text := fmt.Sprintf(verb, shown); strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") {
				t.Errorf("%s shows %s", verb, text)
			}
		}
	}
}

func TestAKeyIsSentAsItIs(t *testing.T) {
	var seen *url.URL
	s3, place := store(t, func(_ http.ResponseWriter, asked *http.Request) { seen = asked.URL })
	for _, key := range []string{"a/../b", "//", "%2F", "ü 😀\n", "a+b?c#d", "~'()*!$&,;=:@"} {
		if err := s3.Delete(context.Background(), place, key, never); err != nil {
			t.Fatal(err)
		}
		if seen.Path != "/a/"+key || strings.ContainsAny(seen.EscapedPath(), "+'()*!$&,;=:@") {
			t.Errorf("%q went as %q", key, seen.EscapedPath())
		}
	}
}
