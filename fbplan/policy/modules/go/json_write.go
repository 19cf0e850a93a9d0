package fbroute

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strconv"
	"unicode/utf8"
)

// canonical is JSON with keys sorted by code point, no spaces, UTF-8: what digests are taken over and what decision
// records are compared by. encoding/json escapes more than it must, and so has other bytes.
func canonical(value any) []byte {
	return appendJSON(nil, value)
}

func appendJSON(to []byte, value any) []byte {
	switch value := value.(type) {
	case nil:
		return append(to, "null"...)
	case bool:
		return strconv.AppendBool(to, value)
	case int:
		return strconv.AppendInt(to, int64(value), 10)
	case int64:
		return strconv.AppendInt(to, value, 10)
	case *int64:
		if value == nil {
			return append(to, "null"...)
		}
		return strconv.AppendInt(to, *value, 10)
	case number:
		return append(to, value...)
	case string:
		return appendText(to, value)
	case []any:
		return appendList(to, value)
	case map[string]any:
		return appendObject(to, value)
	default:
		panic(fmt.Sprintf("fbroute: %T in a document", value))
	}
}

func appendList(to []byte, values []any) []byte {
	to = append(to, '[')
	for index, value := range values {
		if index > 0 {
			to = append(to, ',')
		}
		to = appendJSON(to, value)
	}
	return append(to, ']')
}

func appendObject(to []byte, values map[string]any) []byte {
	to = append(to, '{')
	for index, key := range sortedKeys(values) {
		if index > 0 {
			to = append(to, ',')
		}
		to = append(appendText(to, key), ':')
		to = appendJSON(to, values[key])
	}
	return append(to, '}')
}

func appendText(to []byte, text string) []byte {
	to = append(to, '"')
	for at := 0; at < len(text); at++ {
		switch unit := text[at]; unit {
		case '"', '\\':
			to = append(to, '\\', unit)
		case '\n':
			to = append(to, '\\', 'n')
		case '\r':
			to = append(to, '\\', 'r')
		case '\t':
			to = append(to, '\\', 't')
		case '\b':
			to = append(to, '\\', 'b')
		case '\f':
			to = append(to, '\\', 'f')
		default:
			if unit < ' ' {
				to = fmt.Appendf(to, `\u%04x`, unit)
			} else {
				to = append(to, unit)
			}
		}
	}
	return append(to, '"')
}

func sortedKeys[V any](values map[string]V) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys) // by bytes, which for UTF-8 is by code point
	return keys
}

// digestOf is sha256 of the canonical form of everything but `digest`; not ok for half of a surrogate pair.
func digestOf(document map[string]any) (digest string, ok bool) {
	body := make(map[string]any, len(document))
	for key, value := range document {
		if key != "digest" {
			body[key] = value
		}
	}
	written := canonical(body)
	hashed := sha256.Sum256(written)
	return "sha256:" + hex.EncodeToString(hashed[:]), utf8.Valid(written)
}
