package fbroute

// view is what one decision looks at besides the state: the pair of files a request began with, and who is asking.
type view struct {
	policy     *policy
	repository *repository
	usage      *usage
	// confirmedMS is when the policy was last seen in force.
	confirmedMS int64
	writer      string
	// simple: one process that counts its own bytes, instead of a fleet that lives on grants.
	simple bool
	// expectsUsage: a process that counts for itself may do without a usage file, but not lose one.
	expectsUsage bool
	// bornMS is when this process started, if it leaves alone the grants that a process before it may have used.
	bornMS *int64
	// off are rules that are left out. For the tests: a vector that does not notice proves nothing.
	off map[string]bool
}

func (v *view) has(rule string) bool {
	return !v.off[rule]
}

func (v *view) seq() int64 {
	if v.usage == nil {
		return 0
	}
	return v.usage.seq
}

// hasExpired tells whether nobody has confirmed the policy for so long that it must not be written by.
func (v *view) hasExpired(nowMS int64) bool {
	found := v.repository
	return found.onExpired == "read_only" && nowMS >= sum(v.confirmedMS, found.expiresAfterMS)
}

func (v *view) bucket(name string) *bucket {
	return v.policy.buckets[name]
}

func (v *view) use(name string) *bucketUse {
	if v.usage == nil {
		return nil
	}
	return v.usage.buckets[name]
}

// writers is how many share what is left of a bucket.
func (v *view) writers(name string) int64 {
	if !v.has("2.share") {
		return 1
	}
	found := max(1, v.bucket(name).writers)
	if use := v.use(name); use != nil {
		found = max(found, use.writers)
	}
	return found
}

// isTooYoung tells whether a process of the same name may have written under these grants before this one started.
func (v *view) isTooYoung(publishedMS int64) bool {
	return v.bornMS != nil && v.has("2.born") && publishedMS <= sum(*v.bornMS, v.repository.skewMS)
}

// nextPollMS is when the next usage may be there.
func (v *view) nextPollMS(nowMS int64) int64 {
	if v.usage == nil {
		return nowMS + pollMS
	}
	if due := v.usage.publishedMS + v.usage.pollMS; due > nowMS {
		return due
	}
	return nowMS + v.usage.pollMS
}

// request is one write.
type request struct {
	size int64
	// isRepeatable: the body can be sent again from its beginning.
	isRepeatable bool
	// only is the bucket that holds the key, when it is overwritten.
	only string
}
