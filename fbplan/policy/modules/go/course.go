package fbroute

import "slices"

// One write from the first decision to its end, as a machine without input or output. Rules 7 to 9.
//
//	begin ─→ try ─→ stored
//	          │ ├─→ head ──→ stored | exists
//	          │ ├─→ wait, reload ─→ try
//	          │ └─→ (another bucket) try
//	          └───→ stop
//
// Whoever drives it does what an action says and comes back with what happened.

// begin is the first decision and what it leads to: a try, or the end.
func begin(v *view, s *state, nowMS int64, asked request) *flight {
	made := &flight{view: v, asked: asked, beganMS: nowMS, answer: answer{wasSent: true}}
	made.choose(s, nowMS)
	return made
}

// proceed: what was to be waited for or loaded again is done; the same bucket once more, if it still takes the write.
func (f *flight) proceed(s *state, nowMS int64) {
	name := f.last().Bucket
	if f.action.does == "reload" {
		if rule := f.limit(s, nowMS); rule != "" {
			f.stop("failed", rule)
			return
		}
		s.retry(nowMS)
	}
	made := decide(f.view, s, nowMS, f.asked, f.tried)
	// the first try was counted, so that there may be no room for a second
	if again := made.candidate(name); again.Tier == "closed" && again.Rule != "3.node" {
		s.note(made)
		f.hop(s, nowMS)
		return
	}
	f.try(s, nowMS, name)
}

// told: a try has ended.
func (f *flight) told(s *state, nowMS int64, came answer) {
	attempt, off := f.last(), f.view.off
	name := attempt.Bucket
	attempt.EndMS, attempt.Status, attempt.Code = nowMS, came.status, came.code
	if 200 <= came.status && came.status < 300 {
		s.succeed(name)
		f.end("stored", action{does: "stored", bucket: name}, "")
		return
	}
	earlier := f.transientTries(name)
	attempt.Class = classify(came.status, came.code)
	attempt.Rule = "8." + attempt.Class
	f.answer = came
	isUnknown := attempt.Class == "transient" && came.wasSent
	if attempt.Class == "request" && saysExists(came.status, came.code) {
		// perhaps the first try is what stands there
		isUnknown = earlier > 0
		if !isUnknown && !off["8.request"] {
			s.answer(name)
			f.end("stop", action{does: "exists", bucket: name}, "8.request")
			return
		}
	}
	if isUnknown && !off["7.head"] {
		if left := f.leftMS(nowMS); left > 0 {
			f.action = action{"head", name, min(left, f.view.repository.perTryMS)}
			return
		}
		attempt.Settled = "unknown"
	}
	f.class(s, nowMS)
}

// settled: a HEAD has ended: `equal`, `absent`, `different`, or `unknown` when it failed too.
func (f *flight) settled(s *state, nowMS int64, found string) {
	attempt := f.last()
	attempt.Settled, attempt.EndMS = found, nowMS
	switch found {
	case "equal":
		s.succeed(attempt.Bucket)
		f.end("stored", action{does: "stored", bucket: attempt.Bucket}, "7.head")
	case "different":
		s.answer(attempt.Bucket)
		f.end("stop", action{does: "exists", bucket: attempt.Bucket}, "7.head")
	default:
		f.class(s, nowMS)
	}
}

func (f *flight) choose(s *state, nowMS int64) {
	made := decide(f.view, s, nowMS, f.asked, f.tried)
	s.note(made)
	f.decisions = append(f.decisions, made)
	if made.Bucket != "" {
		f.try(s, nowMS, made.Bucket)
		return
	}
	f.action, f.rule = action{does: "read_only"}, made.Rule
	// when quota alone stood in the way, nothing is broken
	if slices.ContainsFunc(f.attempts, func(a Attempt) bool { return a.Class != "quota" }) {
		f.action.does = "failed"
	}
}

func (f *flight) try(s *state, nowMS int64, name string) {
	s.charge(f.view, nowMS, name, f.asked.size)
	attempt := Attempt{Decision: len(f.decisions) - 1, Bucket: name, AtMS: nowMS, Charge: f.asked.size, Rule: "7.charge"}
	if !f.view.has("7.charge") {
		attempt.Charge = 0
	}
	f.attempts = append(f.attempts, attempt)
	f.action = action{"try", name, max(1, min(f.view.repository.perTryMS, f.leftMS(nowMS)))}
}

func (f *flight) hop(s *state, nowMS int64) {
	rule := f.limit(s, nowMS)
	if rule == "" && f.hops >= f.view.repository.maxHops && f.view.has("9.hops") {
		rule = "9.hops"
	}
	if rule != "" {
		f.stop("failed", rule)
		return
	}
	f.last().Then = "hop"
	f.tried = append(f.tried, f.last().Bucket)
	f.hops++
	s.retry(nowMS)
	f.choose(s, nowMS)
}

// again is the same bucket once more, after a wait.
func (f *flight) again(s *state, nowMS, pauseMS int64, then string) {
	if rule := f.limit(s, nowMS+pauseMS); rule != "" {
		f.stop("failed", rule)
		return
	}
	s.retry(nowMS)
	f.end(then, action{"wait", f.last().Bucket, pauseMS}, "")
}

// limit is the rule that forbids another try of any kind.
func (f *flight) limit(s *state, atMS int64) string {
	switch {
	case !f.canRepeat() && f.view.has("7.once"):
		return "7.once"
	case f.leftMS(atMS) <= 0 && f.view.has("9.deadline"):
		return "9.deadline"
	case s.tokensAt(atMS) < oneToken && f.view.has("9.tokens"):
		return "9.tokens"
	}
	return ""
}
