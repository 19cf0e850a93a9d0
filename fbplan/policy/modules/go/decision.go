package fbroute

import "slices"

// Candidate is one bucket of the repository, and the rule by which it may or may not take the write.
type Candidate struct {
	Bucket string
	// Tier is `open`, `last` or `closed`.
	Tier      string
	Rule      string
	RetryAtMS *int64
	Used      int64
	Own       int64
	Limit     *int64
	Room      int64
}

// Decision is which bucket takes a write, and why every other does not. With Bucket "" it is read-only: RetryAtMS is the
// first time at which asking again makes sense, if any.
type Decision struct {
	AtMS       int64
	Bucket     string
	Rule       string
	Candidates []Candidate
	RetryAtMS  *int64
	holds      []holds
}

// holds of a bucket as they are from now on.
type holds struct {
	bucket     string
	soft, hard *hold
}

func (d *Decision) candidate(name string) Candidate {
	at := slices.IndexFunc(d.Candidates, func(c Candidate) bool { return c.Bucket == name })
	return d.Candidates[at]
}

// decide is rules 1 to 6: a pure function of the files (the view), of what this process knows (the state), the time and
// the request, which has `tried` some buckets already.
func decide(v *view, s *state, nowMS int64, asked request, tried []string) Decision {
	made := Decision{AtMS: nowMS}
	for index, name := range v.repository.attached {
		own := s.local(name)
		isOrdered := index < len(v.repository.order) // the order comes first
		if barred, isBarred := barredBy(v, own, nowMS, name, isOrdered, asked, tried); isBarred {
			made.Candidates = append(made.Candidates, barred)
			continue
		}
		found := standingOf(v, own, nowMS, name, asked.size)
		softCap, hardCap := capsOf(v.bucket(name))
		soft := heldBy(v, own.soft, nowMS, name, softCap, found.full.soft, found.scant.soft, found)
		hard := heldBy(v, own.hard, nowMS, name, hardCap, found.full.hard, found.scant.hard, found)
		made.holds = append(made.holds, holds{name, soft.hold, hard.hold})
		made.Candidates = append(made.Candidates, found.candidate(name, soft, hard))
	}
	made.Bucket, made.Rule = pick(v, s, nowMS, made.Candidates)
	if made.Bucket == "" {
		if v.has("6.retry_at") {
			made.RetryAtMS = earliest(made.Candidates)
		}
		if order := v.repository.order; !v.has("6.readonly") && len(order) > 0 {
			made.Bucket = order[0]
		}
	}
	return made
}

func capsOf(found *bucket) (soft, hard int64) {
	if len(found.written) == 0 {
		return 0, 0
	}
	return found.written[0].soft, found.written[0].hard
}

func (s standing) candidate(name string, soft, hard held) Candidate {
	made := Candidate{name, s.tier, s.rule, nil, s.used, s.own, s.limit, s.room}
	switch {
	case s.tier == "closed":
		made.RetryAtMS = s.retryAtMS
	case hard.rule != "":
		made.Tier, made.Rule, made.RetryAtMS = "closed", hard.rule, hard.retryAtMS
	case s.tier == "open" && soft.rule != "":
		made.Tier, made.Rule = "last", soft.rule
	}
	return made
}

func earliest(candidates []Candidate) *int64 {
	var first *int64
	for _, candidate := range candidates {
		if at := candidate.RetryAtMS; at != nil && (first == nil || *at < *first) {
			first = at
		}
	}
	return first
}

// note keeps what a decision found: caps that closed and caps that opened are remembered.
func (s *state) note(made Decision) {
	for _, found := range made.holds {
		if found.soft != nil || found.hard != nil || s.buckets[found.bucket] != nil {
			own := s.changed(found.bucket)
			own.soft, own.hard = found.soft, found.hard
		}
	}
}

// barredBy is rule 1, the age of the policy, and a store that said no: whatever else, this bucket is out.
func barredBy(v *view, own *local, nowMS int64, name string, isOrdered bool, asked request, tried []string) (Candidate, bool) {
	barred := Candidate{Bucket: name, Tier: "closed"}
	isTooLarge := func(limited meter) bool { return asked.size > limited.hard }
	switch found := v.bucket(name); {
	case v.hasExpired(nowMS) && v.has("6.expired"):
		barred.Rule = "6.expired"
	case !isOrdered && v.has("1.role"):
		barred.Rule = "1.role"
	case found.state != "active" && v.has("1.state"):
		barred.Rule = "1.state"
	case asked.only != "" && asked.only != name && v.has("1.pinned"):
		barred.Rule = "1.pinned"
	case slices.ContainsFunc(found.written, isTooLarge) && v.has("1.size"):
		barred.Rule = "1.size"
	case slices.Contains(tried, name) && v.has("1.tried"):
		barred.Rule = "1.tried"
	case own.quotaSeq == nil || v.seq() > *own.quotaSeq || !v.has("8.quota"):
	case v.usage != nil:
		barred.Rule, barred.RetryAtMS = "8.quota", after(v, nowMS)
	case nowMS < own.quotaUntilMS:
		barred.Rule, barred.RetryAtMS = "8.quota", known(own.quotaUntilMS)
	}
	return barred, barred.Rule != ""
}
