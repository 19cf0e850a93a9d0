package fbroute

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	algorithm       = "AWS4-HMAC-SHA256"
	unsignedPayload = "UNSIGNED-PAYLOAD"
	emptySHA256     = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Credentials are an access key. No verb of fmt shows them.
type Credentials struct {
	keyID, secret string
}

// NewCredentials is an access key of a repository.
func NewCredentials(keyID, secret string) Credentials {
	return Credentials{keyID, secret}
}

// Format implements fmt.Formatter.
func (Credentials) Format(to fmt.State, _ rune) {
	_, _ = io.WriteString(to, "***")
}

// sign signs a request by AWS Signature Version 4: its host and every x-amz header.
func sign(request *http.Request, by Credentials, region string, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	request.Header.Set("x-amz-date", stamp)
	scope := stamp[:8] + "/" + region + "/s3/aws4_request"
	headers := map[string]string{"host": request.URL.Host}
	for name, values := range request.Header {
		if name := strings.ToLower(name); strings.HasPrefix(name, "x-amz-") {
			headers[name] = strings.Join(strings.Fields(strings.Join(values, ",")), " ")
		}
	}
	names := sortedKeys(headers)
	lines := []string{request.Method, request.URL.EscapedPath(), request.URL.RawQuery}
	for _, name := range names {
		lines = append(lines, name+":"+headers[name])
	}
	signed := strings.Join(names, ";")
	lines = append(lines, "", signed, headers["x-amz-content-sha256"])
	hashed := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	text := strings.Join([]string{algorithm, stamp, scope, hex.EncodeToString(hashed[:])}, "\n")
	key := []byte("AWS4" + by.secret)
	for _, part := range strings.Split(scope, "/") {
		key = keyed(key, part)
	}
	request.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%x",
		algorithm, by.keyID, scope, signed, keyed(key, text)))
}

func keyed(key []byte, text string) []byte {
	hashed := hmac.New(sha256.New, key)
	hashed.Write([]byte(text))
	return hashed.Sum(nil)
}
