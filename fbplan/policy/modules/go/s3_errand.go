package fbroute

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const mostOfAnAnswer = 1 << 20

// errand is one request before it is signed.
type errand struct {
	method  string
	place   Place
	key     string
	query   map[string]string
	headers http.Header
	body    io.Reader
	size    int64
	// sha256 of the body; "" sends it unsigned.
	sha256 string
}

// send is the answer when it is a success; its body is still to be read. `timeout` is for each silence, so that a large
// object may take its time while it moves.
func (s *S3) send(ctx context.Context, sent errand, timeout time.Duration) (*http.Response, error) {
	credentials, err := s.credentials()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	silence := time.AfterFunc(timeout, cancel)
	request, err := s.request(ctx, sent, silence, timeout)
	if err == nil {
		sign(request, credentials, s.options.Region, time.Now())
		var answer *http.Response
		if answer, err = s.client.Do(request); err == nil {
			silence.Stop()
			answer.Body = &incoming{answer.Body, silence, timeout, cancel}
			if 200 <= answer.StatusCode && answer.StatusCode < 300 {
				return answer, nil
			}
			defer answer.Body.Close()
			return nil, refusal(answer)
		}
	}
	silence.Stop()
	cancel()
	return nil, &TransportFailure{IsUnsent: isUnsent(err), Cause: withoutURL(err)}
}

// request is the errand as HTTP. Raw path and path say the same; net/http sends the raw one, which is what is signed.
func (s *S3) request(ctx context.Context, sent errand, silence *time.Timer, timeout time.Duration) (*http.Request, error) {
	endpoint := s.options.Endpoint
	if endpoint == "" {
		endpoint = sent.place.Endpoint
	}
	at, err := url.Parse(endpoint)
	if err != nil || at.Host == "" || sent.place.Address == "" {
		return nil, fmt.Errorf("endpoint %q, bucket %q: no address to send to", endpoint, sent.place.Address)
	}
	at.Path = strings.TrimSuffix(at.Path, "/") + "/" + sent.place.Address
	if sent.key != "" {
		at.Path += "/" + sent.key
	}
	at.RawPath = strings.ReplaceAll(encoded(at.Path), "%2F", "/")
	at.RawQuery = queryOf(sent.query)
	request, err := http.NewRequestWithContext(ctx, sent.method, at.String(), nil)
	if err != nil {
		return nil, err
	}
	if sent.headers != nil {
		request.Header = sent.headers
	}
	request.Header.Set("x-amz-content-sha256", emptySHA256)
	if sent.body == nil {
		return request, nil
	}
	request.Header.Set("x-amz-content-sha256", unsignedPayload)
	if sent.sha256 != "" {
		request.Header.Set("x-amz-content-sha256", sent.sha256)
	}
	request.ContentLength = sent.size
	if sent.size == 0 {
		request.Body = http.NoBody // an empty body of unknown length would go in chunks
	} else {
		request.Body = &outgoing{io.NopCloser(sent.body), silence, timeout}
	}
	return request, nil
}

func queryOf(query map[string]string) string {
	pairs := make([]string, 0, len(query))
	for _, name := range sortedKeys(query) {
		pairs = append(pairs, encoded(name)+"="+encoded(query[name]))
	}
	return strings.Join(pairs, "&")
}

// outgoing is a body on its way: how long its source takes is the caller's affair, how long the network takes is not.
type outgoing struct {
	io.ReadCloser
	silence *time.Timer
	timeout time.Duration
}

func (o *outgoing) Read(into []byte) (int, error) {
	o.silence.Stop()
	defer o.silence.Reset(o.timeout)
	return o.ReadCloser.Read(into)
}

// incoming is a body as it comes: only while somebody reads it, silence counts.
type incoming struct {
	io.ReadCloser
	silence *time.Timer
	timeout time.Duration
	cancel  context.CancelFunc
}

func (i *incoming) Read(into []byte) (int, error) {
	i.silence.Reset(i.timeout)
	defer i.silence.Stop()
	return i.ReadCloser.Read(into)
}

func (i *incoming) Close() error {
	defer i.cancel()
	return i.ReadCloser.Close()
}

func refusal(answer *http.Response) *TransportFailure {
	var told struct{ Code string }
	_ = xml.NewDecoder(io.LimitReader(answer.Body, mostOfAnAnswer)).Decode(&told) // else there is only a status
	return &TransportFailure{Status: answer.StatusCode, Code: told.Code, RetryAfterMS: retryAfterMS(answer)}
}

func retryAfterMS(answer *http.Response) *int64 {
	text := answer.Header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil && seconds >= 0 {
		return known(seconds * 1000)
	}
	if at, err := http.ParseTime(text); err == nil {
		return known(max(0, time.Until(at).Milliseconds()))
	}
	return nil
}

// isUnsent: the connection was never made.
func isUnsent(err error) bool {
	var dialled *net.OpError
	var named *net.DNSError
	return errors.As(err, &named) || (errors.As(err, &dialled) && dialled.Op == "dial")
}

// withoutURL keeps keys and queries out of the words.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
