package fbroute

import "slices"

// action is what to do next: `try`, `head`, `wait`, `reload`; or the end: `stored`, `exists`, `read_only`, `refused`,
// `failed`. `ms` is the timeout of a try or a head, and the length of a wait.
type action struct {
	does   string
	bucket string
	ms     int64
}

func (a action) isEnd() bool {
	return slices.Contains([]string{"stored", "exists", "read_only", "refused", "failed"}, a.does)
}

// answer is what came of a try. Status 2xx is success, 0 is no answer.
type answer struct {
	status       int
	code         string
	retryAfterMS *int64
	// wasSent: bytes of the body may have reached the server.
	wasSent bool
	// dice is a random number below 2^32, for the jitter of a pause.
	dice int64
}

// Attempt is one try, and what was made of it.
type Attempt struct {
	// Decision is the index of the decision that led to it.
	Decision int
	Bucket   string
	AtMS     int64
	EndMS    int64
	Charge   int64
	Status   int
	Code     string
	// Class of the answer; "" is success.
	Class string
	Rule  string
	// Settled is what a HEAD found after an outcome that was not known: `equal`, `absent`, `different` or `unknown`.
	Settled string
	Then    string
}

// flight is one write under way. It keeps the pair of files that it began with, and belongs to one goroutine.
type flight struct {
	view      *view
	asked     request
	beganMS   int64
	decisions []Decision
	attempts  []Attempt
	alarms    []string
	tried     []string
	hops      int64
	reloads   int
	// answer is that of the last try, which a HEAD may have to settle.
	answer answer
	action action
	// rule is the one that ended it.
	rule string
}

func (f *flight) leftMS(nowMS int64) int64 {
	return f.beganMS + f.view.repository.deadlineMS - nowMS
}

// last is the attempt under way.
func (f *flight) last() *Attempt {
	return &f.attempts[len(f.attempts)-1]
}

func (f *flight) end(then string, next action, rule string) {
	f.last().Then = then
	f.action, f.rule = next, rule
}

func (f *flight) stop(does, rule string) {
	f.end("stop", action{does: does, bucket: f.last().Bucket}, rule)
}

func (f *flight) alarm(name string) {
	if !slices.Contains(f.alarms, name) {
		f.alarms = append(f.alarms, name)
		slices.Sort(f.alarms)
	}
}

func (f *flight) canRepeat() bool {
	return f.asked.isRepeatable || !f.answer.wasSent
}

// isUnderCap tells whether what is known says that there is room left in a bucket.
func (f *flight) isUnderCap(name string) bool {
	found := f.decisions[len(f.decisions)-1].candidate(name)
	for _, limited := range f.view.bucket(name).written {
		if sum(found.Used, found.Own) >= limited.hard {
			return false
		}
	}
	return true
}

// transientTries is how often a bucket failed in this request in a way that looks transient.
func (f *flight) transientTries(name string) int {
	tries := 0
	for _, attempt := range f.attempts {
		if attempt.Bucket == name && attempt.Class == "transient" {
			tries++
		}
	}
	return tries
}
