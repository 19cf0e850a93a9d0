package fbroute

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	mostDigits = 4_300
	mostDepth  = 900
)

// number is a JSON integer as it stands in the text: a document may hold some that fit into no type.
type number string

// parseJSON reads one value and nothing else: nil, bool, number, string, []any or map[string]any.
//
// encoding/json replaces half surrogate pairs and keeps the last of two equal keys, so that its digests would differ.
// A half surrogate is kept here as three bytes that are no UTF-8.
func parseJSON(text string) (any, *Unusable) {
	if !utf8.ValidString(text) {
		return nil, torn()
	}
	reader := &jsonReader{text: text}
	value := reader.value(0)
	if reader.fault == nil && reader.next() != 0 {
		reader.fault = torn()
	}
	return value, reader.fault
}

func torn() *Unusable {
	return &Unusable{"torn", "it is not one whole JSON document"}
}

// jsonReader stops at the first fault: after it every method gives nothing.
type jsonReader struct {
	text  string
	at    int
	fault *Unusable
}

func (r *jsonReader) fail(fault *Unusable) {
	if r.fault == nil {
		r.fault = fault
	}
	r.at = len(r.text)
}

// next is the next byte that is no white space, 0 at the end; it is not consumed.
func (r *jsonReader) next() byte {
	for r.at < len(r.text) && strings.IndexByte(" \t\n\r", r.text[r.at]) >= 0 {
		r.at++
	}
	if r.at == len(r.text) {
		return 0
	}
	if r.text[r.at] == 0 {
		r.fail(torn())
	}
	return r.peek()
}

func (r *jsonReader) peek() byte {
	if r.at >= len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *jsonReader) takes(wanted byte) bool {
	if r.next() != wanted {
		return false
	}
	r.at++
	return true
}

func (r *jsonReader) value(depth int) any {
	if depth > mostDepth {
		r.fail(torn())
		return nil
	}
	switch r.next() {
	case '{':
		return r.object(depth)
	case '[':
		return r.list(depth)
	case '"':
		r.at++
		return r.string()
	case 't':
		r.word("true")
		return true
	case 'f':
		r.word("false")
		return false
	case 'n':
		r.word("null")
		return nil
	default:
		return r.number()
	}
}

func (r *jsonReader) word(written string) {
	if !strings.HasPrefix(r.text[r.at:], written) {
		r.fail(torn())
		return
	}
	r.at += len(written)
}

func (r *jsonReader) number() number {
	rest := r.text[r.at:]
	for _, constant := range []string{"NaN", "Infinity", "-Infinity"} {
		if strings.HasPrefix(rest, constant) {
			r.fail(noInteger())
			return ""
		}
	}
	digits := strings.TrimPrefix(rest, "-")
	length := digitsIn(digits)
	if strings.HasPrefix(digits, "0") {
		length = 1
	}
	if length == 0 {
		r.fail(torn())
		return ""
	}
	if isFraction(digits[length:]) {
		r.fail(noInteger())
		return ""
	}
	if length > mostDigits {
		r.fail(torn())
		return ""
	}
	r.at += len(rest) - len(digits) + length
	if digits[:length] == "0" {
		return "0" // -0 is written so
	}
	return number(rest[:len(rest)-len(digits)+length])
}

func noInteger() *Unusable {
	return &Unusable{"shape", "it holds a number that is no integer"}
}

func digitsIn(text string) int {
	length := 0
	for length < len(text) && '0' <= text[length] && text[length] <= '9' {
		length++
	}
	return length
}

// isFraction tells whether a fraction or an exponent follows the digits of a number.
func isFraction(rest string) bool {
	if strings.HasPrefix(rest, ".") {
		return digitsIn(rest[1:]) > 0
	}
	if !strings.HasPrefix(rest, "e") && !strings.HasPrefix(rest, "E") {
		return false
	}
	rest = rest[1:]
	if strings.HasPrefix(rest, "+") || strings.HasPrefix(rest, "-") {
		rest = rest[1:]
	}
	return digitsIn(rest) > 0
}

func (r *jsonReader) string() string {
	var made strings.Builder
	for r.fault == nil {
		start := r.at
		for r.at < len(r.text) && r.text[r.at] >= ' ' && r.text[r.at] != '"' && r.text[r.at] != '\\' {
			r.at++
		}
		made.WriteString(r.text[start:r.at])
		mark := r.peek()
		r.at++
		switch mark {
		case '"':
			return made.String()
		case '\\':
			r.escape(&made)
		default:
			r.fail(torn())
		}
	}
	return ""
}

func (r *jsonReader) escape(made *strings.Builder) {
	const letters, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	letter := r.peek()
	r.at++
	if found := strings.IndexByte(letters, letter); found >= 0 && letter != 0 {
		made.WriteByte(meant[found])
		return
	}
	unit, isUnit := r.unit(r.at)
	if letter != 'u' || !isUnit {
		r.fail(torn())
		return
	}
	r.at += 4
	if utf16.IsSurrogate(unit) && strings.HasPrefix(r.text[r.at:], `\u`) {
		second, _ := r.unit(r.at + 2)
		if whole := utf16.DecodeRune(unit, second); whole != utf8.RuneError {
			r.at += 6
			made.WriteRune(whole)
			return
		}
	}
	if utf16.IsSurrogate(unit) {
		made.Write([]byte{0xed, byte(0x80 | unit>>6&0x3f), byte(0x80 | unit&0x3f)})
		return
	}
	made.WriteRune(unit)
}

// unit is what the four hexadecimal digits at a place say.
func (r *jsonReader) unit(at int) (rune, bool) {
	if at+4 > len(r.text) {
		return 0, false
	}
	found, err := strconv.ParseUint(r.text[at:at+4], 16, 16)
	return rune(found), err == nil
}
