// The conformance runner for Go: a question a line on stdin (schemas/vectors/README.md). It is built together with the
// module, as one program, so that it can ask what no application needs.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

type question struct {
	Kind         string
	Off          []string
	Answer       string
	Policy       json.RawMessage
	Usages       map[string]json.RawMessage
	Repository   string
	Writer       string
	Simple       bool
	ExpectsUsage bool   `json:"expects_usage"`
	ConfirmedMS  int64  `json:"confirmed_ms"`
	BornMS       *int64 `json:"born_ms"`
	Steps        []step
	Lines        []line
}

type step struct {
	AtMS  int64 `json:"at_ms"`
	Usage *string
	Write struct {
		Size         int64
		IsRepeatable *bool `json:"is_repeatable"`
		Only         string
	}
	Script []event
}

type event struct {
	MS           int64
	Status       int
	Code         string
	RetryAfterMS *int64 `json:"retry_after_ms"`
	WasSent      *bool  `json:"was_sent"`
	Dice         int64
	Found        string
}

type line struct {
	Status               int
	Code, Writer, Bucket string
	Seq                  int64
	File, Text           string
	NowMS                int64 `json:"now_ms"`
	AsOfMS               int64 `json:"as_of_ms"`
	Used, Soft, Hard     int64
	PollMS               int64 `json:"poll_ms"`
	LagMS                int64 `json:"lag_ms"`
	TTLMS                int64 `json:"ttl_ms"`
	SkewMS               int64 `json:"skew_ms"`
	UploadMS             int64 `json:"upload_ms"`
	Earlier              []struct {
		Tier      string
		Bytes     int64
		ExpiresMS int64 `json:"expires_ms"`
	}
}

func main() {
	questions := bufio.NewReader(os.Stdin)
	for {
		text, err := questions.ReadBytes('\n')
		if err != nil {
			return
		}
		os.Stdout.Write(append(canonical(answerTo(text)), '\n'))
	}
}

// answerTo also answers a question that the module fails at: the fuzz must see that fault and go on.
func answerTo(text []byte) (made any) {
	defer func() {
		if fault := recover(); fault != nil {
			made = map[string]any{"error": fmt.Sprintf("fault: %v", fault)}
		}
	}()
	var asked question
	if err := json.Unmarshal(text, &asked); err != nil {
		panic(err)
	}
	switch asked.Kind {
	case "writes":
		return writes(asked)
	case "rules":
		return documents(sortedKeys(Rules), func(rule string) any { return rule })
	case "files":
		return files(asked.Lines)
	case "classes":
		return documents(asked.Lines, func(l line) any { return classify(l.Status, l.Code) })
	case "turns":
		return documents(asked.Lines, func(l line) any { return turn(l.Writer, l.Bucket, l.Seq) })
	case "references":
		return documents(asked.Lines, func(l line) any { return referenceIn(l.Text) })
	case "times":
		return documents(asked.Lines, func(l line) any { return timeIn(l.Text) })
	case "grants":
		made := []any{}
		for index, l := range asked.Lines {
			made = append(made, grantsOf(index, l))
		}
		return made
	default:
		return map[string]any{"error": "kind"}
	}
}

func writes(asked question) any {
	rules, fault := readPolicy(content(asked.Policy))
	usages := map[string]*usage{}
	for _, name := range sortedKeys(asked.Usages) {
		if fault == nil {
			usages[name], fault = readUsage(content(asked.Usages[name]))
		}
	}
	if fault != nil {
		return map[string]any{"error": fault.Reason}
	}
	routed := rules.repositories[asked.Repository]
	if routed == nil {
		return map[string]any{"error": "repository"}
	}
	off := map[string]bool{}
	for _, rule := range asked.Off {
		off[rule] = true
	}
	known := newState()
	return documents(asked.Steps, func(s step) any {
		v := &view{
			policy: rules, repository: routed, confirmedMS: asked.ConfirmedMS,
			writer: asked.Writer, simple: asked.Simple, expectsUsage: asked.ExpectsUsage, bornMS: asked.BornMS, off: off,
		}
		if s.Usage != nil {
			v.usage = usages[*s.Usage]
		}
		made := recordOf(play(v, known, s))
		if asked.Answer == "words" {
			return made.Why()
		}
		return any(made.document())
	})
}

// content is that of a file: a string is the content itself, anything else is a document as it stands in it.
func content(file json.RawMessage) []byte {
	if len(file) == 0 {
		panic("a file is missing")
	}
	var text string
	if bytes.HasPrefix(file, []byte(`"`)) && json.Unmarshal(file, &text) == nil {
		return []byte(text)
	}
	return file
}

func play(v *view, known *state, s step) *flight {
	asked := request{s.Write.Size, s.Write.IsRepeatable == nil || *s.Write.IsRepeatable, s.Write.Only}
	now, script := s.AtMS, s.Script
	next := func(otherwise event) event {
		if len(script) > 0 {
			otherwise, script = script[0], script[1:]
		}
		now += otherwise.MS
		return otherwise
	}
	f := begin(v, known, now, asked)
	for actions := 0; actions < 100 && !f.action.isEnd(); actions++ { // a rule that is left out may leave it without an end
		switch f.action.does {
		case "try":
			e := next(event{MS: 10, Status: 200})
			wasSent := e.WasSent == nil || *e.WasSent
			f.told(known, now, answer{e.Status, e.Code, e.RetryAfterMS, wasSent, e.Dice})
		case "head":
			found := next(event{MS: 10, Found: "absent"}).Found
			if found == "" {
				found = "unknown"
			}
			f.settled(known, now, found)
		default:
			now += f.action.ms
			f.proceed(known, now)
		}
	}
	return f
}

func referenceIn(text string) any {
	found, err := ParseReference(text)
	if err != nil {
		return nil
	}
	return map[string]any{
		"repository": found.Repository, "bucket": found.Bucket, "key": found.Key, "etag": textOrNull(found.ETag),
		"text": found.String(),
	}
}

func timeIn(text string) any {
	ms, isTime := stampMS(text)
	if !isTime {
		return nil
	}
	return map[string]any{"ms": ms, "written": stampOf(ms)}
}

func grantsOf(index int, l line) any {
	terms := Terms{l.PollMS, l.LagMS, l.TTLMS, l.SkewMS, l.UploadMS}
	earlier := make([]Grant, len(l.Earlier))
	for at, grant := range l.Earlier {
		earlier[at] = Grant{grant.Tier, grant.Bytes, grant.ExpiresMS}
	}
	told := func(tier string, capBytes int64) any {
		made := GrantOf(tier, capBytes, l.Used, earlier, l.NowMS, l.AsOfMS, terms)
		id := fmt.Sprintf("%d.%s", index, tier)
		return map[string]any{"id": id, "tier": tier, "bytes": made.Bytes, "expires_ms": made.ExpiresMS}
	}
	return map[string]any{"rounds": terms.Rounds(), "grants": []any{told("soft", l.Soft), told("hard", l.Hard)}}
}

func files(lines []line) any {
	var heldPolicy *policy
	var heldUsage *usage
	return documents(lines, func(l line) any {
		var fault *Unusable
		if l.File == "policy" {
			var found *policy
			if found, fault = nextPolicy(heldPolicy, []byte(l.Text)); fault == nil {
				heldPolicy = found
			}
		} else {
			var found *usage
			if found, fault = nextUsage(heldUsage, heldPolicy, []byte(l.Text)); fault == nil {
				heldUsage = found
			}
		}
		if fault == nil {
			return nil
		}
		return fault.Reason
	})
}
