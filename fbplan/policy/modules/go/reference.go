package fbroute

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

var referenceForm = regexp.MustCompile(
	`^fbref1:([A-Za-z0-9][A-Za-z0-9_-]{0,62})/([A-Za-z0-9][A-Za-z0-9_-]{0,62})` +
		`/((?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+)(?:;v=((?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+))?$`)

// ErrNotAReference is the error of text that is no placement reference.
var ErrNotAReference = errors.New("no placement reference")

// Reference is where an object was placed. Its text is stored beside the data: `fbref1:REPOSITORY/BUCKET/KEY;v=ETAG`.
type Reference struct {
	Repository string
	Bucket     string
	Key        string
	// ETag is "" if the store named none.
	ETag string
}

func (r Reference) String() string {
	text := "fbref1:" + r.Repository + "/" + r.Bucket + "/" + encoded(r.Key)
	if r.ETag != "" {
		text += ";v=" + encoded(r.ETag)
	}
	return text
}

// ParseReference is the reference that a text is.
func ParseReference(text string) (Reference, error) {
	found := referenceForm.FindStringSubmatch(text)
	if found == nil {
		return Reference{}, fmt.Errorf("%.80q: %w: fbref1:REPOSITORY/BUCKET/KEY;v=ETAG", text, ErrNotAReference)
	}
	made := Reference{found[1], found[2], decoded(found[3]), decoded(found[4])}
	if !utf8.ValidString(made.Key) || !utf8.ValidString(made.ETag) {
		return Reference{}, fmt.Errorf("%.80q: %w: it holds a key that is not UTF-8", text, ErrNotAReference)
	}
	return made, nil
}

const hexDigits = "0123456789ABCDEF"

// encoded is percent-encoded but for letters, digits and `-._~`, slashes too.
func encoded(text string) string {
	var made strings.Builder
	for at := 0; at < len(text); at++ {
		unit := text[at]
		isPlain := 'a' <= unit && unit <= 'z' || 'A' <= unit && unit <= 'Z' || '0' <= unit && unit <= '9'
		if isPlain || strings.IndexByte("-._~", unit) >= 0 {
			made.WriteByte(unit)
		} else {
			made.Write([]byte{'%', hexDigits[unit>>4], hexDigits[unit&15]})
		}
	}
	return made.String()
}

// decoded is the reverse of encoded, for text that the form of a reference let through.
func decoded(text string) string {
	var made strings.Builder
	for at := 0; at < len(text); at++ {
		if text[at] != '%' {
			made.WriteByte(text[at])
			continue
		}
		high, low := strings.IndexByte(hexDigits, text[at+1]), strings.IndexByte(hexDigits, text[at+2])
		made.WriteByte(byte(high<<4 | low))
		at += 2
	}
	return made.String()
}
