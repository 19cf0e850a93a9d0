package fbroute

import (
	"fmt"
	"strings"
)

var ruleWords = map[string]string{
	"1.role":      "takes no writes of this repository",
	"1.state":     "its state is not active",
	"1.pinned":    "does not hold the key that is overwritten, or the upload",
	"1.size":      "smaller than the object",
	"1.tried":     "tried before in this request",
	"2.unlimited": "open: no cap",
	"2.unknown":   "its use is not known",
	"2.expired":   "its grant has run out, no newer usage came",
	"2.born":      "its grant is older than this process",
	"3.breaker":   "rests after failures",
	"3.throttle":  "asked for a pause",
	"3.node":      "its node is not online",
	"4.hold":      "closed by its cap until use has fallen or a new period begins",
	"4.min":       "closed by its cap a short while ago",
	"4.ramp":      "opening again, not yet for this writer",
	"6.expired":   "the policy is too old to write by",
	"8.quota":     "the store says its quota is used up",
}

var cappedWords = map[string]string{
	"2.open": "open",
	"2.last": "past its soft cap",
	"2.hint": "past a cap on stored or read bytes",
}

var classWords = map[string]string{
	"quota":         "quota used up",
	"quota_suspect": "refused, perhaps for quota",
	"throttle":      "asked to slow down",
	"transient":     "failed for now",
	"auth":          "the key was refused",
	"clock":         "the clock is off",
	"request":       "the request was refused",
}

var thenWords = map[string]string{
	"hop":    "tried another bucket",
	"retry":  "tried once more",
	"wait":   "waited as asked and tried once more",
	"reload": "loaded the credentials again",
	"head":   "looked whether it is there",
	"stop":   "stopped",
}

func percent(c Candidate) string {
	share := int64(100)
	if c.Limit != nil && *c.Limit != 0 {
		share = scaled(sum(c.Used, c.Own), 100, *c.Limit)
	}
	return fmt.Sprintf("%d%% used", share)
}

// words is how a candidate stands; simple is the record's.
func (c Candidate) words(simple bool) string {
	if word := cappedWords[c.Rule]; word != "" {
		return word + ": " + percent(c)
	}
	if c.Rule == "2.closed" {
		return c.closedWords(simple) + ": " + percent(c)
	}
	if strings.HasPrefix(c.Rule, "4.") {
		return ruleWords[c.Rule] + ": " + percent(c)
	}
	return ruleWords[c.Rule]
}

func (c Candidate) closedWords(simple bool) string {
	if c.Room != 0 {
		return "the rest of its cap is too small"
	}
	// a fleet may have nothing granted far under the cap: at its start, or while statistics lag
	if simple || c.Limit == nil || sum(c.Used, c.Own) >= *c.Limit {
		return "at its hard cap"
	}
	return "nothing is granted now"
}

// Why tells a decision record: one line for the outcome, one for each candidate and each attempt.
func (r Record) Why() string {
	var told strings.Builder
	fmt.Fprintln(&told, r.outcomeWords())
	for index, made := range r.Decisions {
		if index > 0 {
			fmt.Fprintf(&told, "then, %d ms after the start:\n", made.AtMS-r.AtMS)
		}
		made.tell(&told, r.Simple)
		for _, attempt := range r.Attempts {
			if attempt.Decision == index {
				fmt.Fprintln(&told, attempt.words())
			}
		}
	}
	for _, alarm := range r.Alarms {
		fmt.Fprintln(&told, "alarm: "+alarm)
	}
	return told.String()
}

func (d Decision) tell(told *strings.Builder, simple bool) {
	width := 0
	for _, candidate := range d.Candidates {
		width = max(width, len(candidate.Bucket))
	}
	for _, candidate := range d.Candidates {
		mark, again := " ", ""
		if candidate.Bucket == d.Bucket {
			mark = "→"
		}
		if candidate.RetryAtMS != nil {
			again = ", ask again at " + stampOf(*candidate.RetryAtMS)
		}
		stands := candidate.words(simple)
		fmt.Fprintf(told, "  %s %-*s  %s%s (%s)\n", mark, width, candidate.Bucket, stands, again, candidate.Rule)
	}
}

func (r Record) outcomeWords() string {
	showing := "no usage"
	if r.Seq != nil && *r.Seq != 0 {
		showing = fmt.Sprintf("usage %d", *r.Seq)
	}
	basis := fmt.Sprintf("policy %d, %s, %s", r.Generation, showing, stampOf(r.AtMS))
	switch r.Outcome {
	case "stored":
		return fmt.Sprintf("%d bytes of %s went to %s (%s)", r.Size, r.Repository, r.Bucket, basis)
	case "read_only":
		again := ""
		if r.RetryAtMS != nil {
			again = " before " + stampOf(*r.RetryAtMS)
		}
		return fmt.Sprintf("no bucket takes %d bytes of %s%s (%s)", r.Size, r.Repository, again, basis)
	case "exists":
		return fmt.Sprintf("the key is there already, in %s: only a write with overwrite replaces it (%s)", r.Bucket, basis)
	default:
		return fmt.Sprintf("%d bytes of %s were not stored: rule %s (%s)", r.Size, r.Repository, r.Rule, basis)
	}
}

func (a Attempt) words() string {
	took := a.EndMS - a.AtMS
	if a.Class == "" {
		return fmt.Sprintf("    %s: stored after %d ms", a.Bucket, took)
	}
	said, settled := "no answer", ""
	if a.Status != 0 {
		said = fmt.Sprint(a.Status)
	}
	if a.Code != "" {
		said += " " + a.Code
	}
	if a.Settled != "" {
		settled = ", a look there found it " + a.Settled
	}
	then := thenWords[a.Then]
	if then == "" {
		then = "stored after all"
	}
	return fmt.Sprintf("    %s: %s after %d ms: %s%s; %s (%s)", a.Bucket, said, took, classWords[a.Class], settled, then, a.Rule)
}
