package fbroute

import "slices"

// class is rule 8: what the class of the last answer means.
func (f *flight) class(s *state, nowMS int64) {
	attempt := f.last()
	name, class := attempt.Bucket, attempt.Class
	if !f.view.has("8." + class) {
		if class == "request" {
			class = "quota_suspect"
		} else {
			class = "request"
		}
	}
	if class != "transient" {
		s.answer(name)
	}
	switch class {
	case "quota":
		if f.isUnderCap(name) {
			f.alarm("credit_mismatch")
		}
		s.runOut(f.view, nowMS, name)
		f.hop(s, nowMS)
	case "quota_suspect":
		s.suspect(nowMS)
		if len(s.suspects) == mostSuspects && f.isUnderCap(name) && f.view.has("8.suspects") {
			f.alarm("auth")
		}
		f.hop(s, nowMS)
	case "throttle":
		f.throttled(s, nowMS)
	case "transient":
		s.fail(nowMS, name)
		if f.transientTries(name) >= mostTries || s.local(name).failures >= breakerFailures {
			f.hop(s, nowMS)
			return
		}
		f.again(s, nowMS, leastPauseMS+f.answer.dice%jitterMS, "retry")
	case "auth", "clock":
		if f.reloads > 0 {
			f.alarm(class)
			f.stop("refused", attempt.Rule)
			return
		}
		// also when this write cannot go on: the next one needs the new key
		f.reloads = 1
		f.end("reload", action{does: "reload", bucket: name}, "")
	default:
		f.stop("refused", "8.request")
	}
}

func (f *flight) throttled(s *state, nowMS int64) {
	name, asked := f.last().Bucket, f.answer.retryAfterMS
	if asked == nil {
		f.hop(s, nowMS)
		return
	}
	s.pause(nowMS+*asked, name)
	hasWaited := slices.ContainsFunc(f.attempts, func(a Attempt) bool { return a.Bucket == name && a.Then == "wait" })
	isShort := *asked <= f.view.repository.perTryMS && *asked < f.leftMS(nowMS)
	if hasWaited || !isShort || !f.canRepeat() {
		f.hop(s, nowMS)
		return
	}
	f.again(s, nowMS, *asked, "wait")
}
