package fbroute

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

const (
	largestFile = 256 << 20
	// reader is the version of this reader; a file whose `min_reader` is higher is not for it.
	reader = 1
)

// Unusable is a file that cannot be used, so that what was good before stays in force.
//
// Reason is one of: unreadable, torn, format, reader, digest, shape, meter, older, conflict.
type Unusable struct {
	Reason string
	Told   string
}

func (u *Unusable) Error() string {
	return u.Told
}

// parseDocument is the document in `raw`, whole and untouched: JSON, of the expected format, for this reader, its digest
// right.
func parseDocument(raw []byte, format string) (*part, *Unusable) {
	if len(raw) > largestFile {
		return nil, &Unusable{"shape", fmt.Sprintf("it is larger than %d bytes", largestFile)}
	}
	value, fault := parseJSON(string(raw))
	if fault != nil {
		return nil, fault
	}
	document, isObject := value.(map[string]any)
	if !isObject || document["format"] != format {
		return nil, &Unusable{"format", "its format is not " + format}
	}
	if wanted, isStated := document["min_reader"]; isStated {
		version, isInteger := integerIn(wanted)
		if !isInteger {
			return nil, &Unusable{"shape", "min_reader is no integer"}
		}
		if version > reader {
			return nil, &Unusable{"reader", fmt.Sprintf("it needs reader %d, this is %d", version, reader)}
		}
	}
	stated, isText := digestOf(document)
	if !isText {
		return nil, &Unusable{"torn", "it holds text that is no text"}
	}
	if document["digest"] != stated {
		return nil, &Unusable{"digest", "its digest does not match: it was altered by hand or damaged"}
	}
	return &part{held: document, fault: new(*Unusable)}, nil
}

func integerIn(value any) (int64, bool) {
	written, isNumber := value.(number)
	if !isNumber {
		return 0, false
	}
	found, err := strconv.ParseInt(string(written), 10, 64)
	return found, err == nil && -maxInteger <= found && found <= maxInteger
}

// part is one JSON object of a document and where it stands. Keys that nobody asks for are ignored. The first key that
// is missing, of the wrong type or an unknown word is the fault of the whole document; what is read after it is empty.
type part struct {
	at    string
	held  map[string]any
	fault **Unusable
}

func (p *part) has(key string) bool {
	_, isHeld := p.held[key]
	return isHeld
}

func (p *part) refuse(told string) {
	if *p.fault == nil {
		*p.fault = &Unusable{"shape", told}
	}
}

func (p *part) wrong(key, told string) {
	p.refuse(strings.TrimPrefix(p.at+"."+key, ".") + ": " + told)
}

// integer has a default: what a key that is left out means.
func (p *part) integer(key string, otherwise, low, high int64) int64 {
	if !p.has(key) {
		return otherwise
	}
	return p.stated(key, low, high)
}

// stated is an integer that must be there.
func (p *part) stated(key string, low, high int64) int64 {
	found, isInteger := integerIn(p.held[key])
	if !isInteger || found < low || found > high {
		p.wrong(key, fmt.Sprintf("no integer from %d to %d", low, high))
		return max(low, 0)
	}
	return found
}

// integerOrNone is an integer, or null where null has a meaning; leaving the key out is a fault.
func (p *part) integerOrNone(key string) *int64 {
	if p.has(key) && p.held[key] == nil {
		return nil
	}
	return known(p.stated(key, 0, maxInteger))
}

func (p *part) text(key string) string {
	found, isText := p.held[key].(string)
	if !isText || found == "" {
		p.wrong(key, "no text")
	}
	return found
}

// textOr is text that may be left out; null is no way to leave it out.
func (p *part) textOr(key, otherwise string) string {
	if !p.has(key) {
		return otherwise
	}
	return p.text(key)
}

// word is one of some words; `otherwise` is what a key that is left out means, "" that it must be there.
func (p *part) word(key, otherwise string, words ...string) string {
	found, isText := p.held[key].(string)
	if !p.has(key) && otherwise != "" {
		return otherwise
	}
	for _, word := range words {
		if isText && found == word {
			return found
		}
	}
	p.wrong(key, "none of "+strings.Join(words, ", "))
	return ""
}

func (p *part) digest(key string) string {
	found := p.text(key)
	if !digestForm.MatchString(found) {
		p.wrong(key, "no digest")
	}
	return found
}

func (p *part) time(key string) int64 {
	found, isTime := stampMS(p.text(key))
	if !isTime {
		p.wrong(key, "no RFC 3339 time in UTC")
	}
	return found
}
