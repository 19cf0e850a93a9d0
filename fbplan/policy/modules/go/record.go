package fbroute

const recordFormat = "fbplan.decision/1"

// Record is the decision record of a write that has ended: what it considered, tried and came to.
type Record struct {
	Repository string
	Writer     string
	Generation int64
	// Seq of the usage; nil without one.
	Seq       *int64
	Simple    bool
	Size      int64
	AtMS      int64
	TookMS    int64
	Decisions []Decision
	Attempts  []Attempt
	// Charged is the bytes that were counted, over all attempts.
	Charged int64
	Alarms  []string
	// Outcome is `stored`, `exists`, `read_only`, `refused` or `failed`.
	Outcome string
	Bucket  string
	Rule    string
	// RetryAtMS is set when it is read-only and a time is known at which asking again makes sense.
	RetryAtMS *int64
}

func recordOf(f *flight) Record {
	v, last := f.view, f.decisions[len(f.decisions)-1]
	made := Record{
		Repository: v.repository.name,
		Writer:     v.writer,
		Generation: v.policy.generation,
		Simple:     v.simple,
		Size:       f.asked.size,
		AtMS:       f.beganMS,
		Decisions:  f.decisions,
		Attempts:   f.attempts,
		Alarms:     f.alarms,
		Outcome:    f.action.does,
		Bucket:     f.action.bucket,
		Rule:       f.rule,
	}
	if v.usage != nil {
		made.Seq = known(v.usage.seq)
	}
	if made.Rule == "" {
		made.Rule = last.Rule
	}
	if made.Outcome == "read_only" {
		made.RetryAtMS = last.RetryAtMS
	}
	ended := last.AtMS
	for index, attempt := range f.attempts {
		made.Charged += attempt.Charge
		if index == 0 || attempt.EndMS > ended {
			ended = attempt.EndMS
		}
	}
	made.TookMS = ended - f.beganMS
	if !v.has("9.record") {
		made.Attempts = nil
	}
	return made
}

// MarshalJSON is the record as every language writes it, equal to the byte.
func (r Record) MarshalJSON() ([]byte, error) {
	return canonical(r.document()), nil
}

func (r Record) document() map[string]any {
	return map[string]any{
		"format":      recordFormat,
		"repository":  r.Repository,
		"writer":      r.Writer,
		"generation":  r.Generation,
		"seq":         r.Seq,
		"simple":      r.Simple,
		"size":        r.Size,
		"at_ms":       r.AtMS,
		"took_ms":     r.TookMS,
		"decisions":   documents(r.Decisions, Decision.document),
		"attempts":    documents(r.Attempts, Attempt.document),
		"charged":     r.Charged,
		"alarms":      documents(r.Alarms, func(name string) any { return name }),
		"outcome":     r.Outcome,
		"bucket":      textOrNull(r.Bucket),
		"rule":        r.Rule,
		"retry_at_ms": r.RetryAtMS,
	}
}

func (d Decision) document() any {
	return map[string]any{
		"at_ms":       d.AtMS,
		"bucket":      textOrNull(d.Bucket),
		"rule":        d.Rule,
		"retry_at_ms": d.RetryAtMS,
		"candidates":  documents(d.Candidates, Candidate.document),
	}
}

func (c Candidate) document() any {
	return map[string]any{
		"bucket":      c.Bucket,
		"tier":        c.Tier,
		"rule":        c.Rule,
		"retry_at_ms": c.RetryAtMS,
		"used":        c.Used,
		"own":         c.Own,
		"limit":       c.Limit,
		"room":        c.Room,
	}
}

func (a Attempt) document() any {
	return map[string]any{
		"decision": a.Decision,
		"bucket":   a.Bucket,
		"at_ms":    a.AtMS,
		"end_ms":   a.EndMS,
		"charge":   a.Charge,
		"status":   a.Status,
		"code":     a.Code,
		"class":    textOrNull(a.Class),
		"rule":     a.Rule,
		"settled":  textOrNull(a.Settled),
		"then":     a.Then,
	}
}

func documents[T any](values []T, document func(T) any) []any {
	made := make([]any, len(values))
	for index, value := range values {
		made[index] = document(value)
	}
	return made
}

func textOrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
