package fbroute

import (
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// S3Options may be left empty.
type S3Options struct {
	// Endpoint takes the place of the one in the policy.
	Endpoint string
	// Region that requests are signed for; "" means us-east-1.
	Region string
	// RoundTripper sends the requests; it must not retry, nor undo a Content-Encoding.
	RoundTripper http.RoundTripper
}

// S3 is a Transport over the S3 protocol: path style, signed by SigV4.
type S3 struct {
	load    func() (Credentials, error)
	options S3Options
	client  http.Client
	loaded  atomic.Pointer[Credentials]
}

// NewS3 asks `load` for the credentials before the first request, and again when they are refused.
func NewS3(load func() (Credentials, error), options S3Options) *S3 {
	if options.Region == "" {
		options.Region = "us-east-1"
	}
	if options.RoundTripper == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.DisableCompression = true // what was stored compressed is given back so
		own.MaxIdleConnsPerHost = 64
		options.RoundTripper = own
	}
	asIs := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &S3{load: load, options: options, client: http.Client{Transport: options.RoundTripper, CheckRedirect: asIs}}
}

// Reload loads the credentials again.
func (s *S3) Reload(context.Context) error {
	_, err := s.reloaded()
	return err
}

func (s *S3) credentials() (Credentials, error) {
	if loaded := s.loaded.Load(); loaded != nil {
		return *loaded, nil
	}
	return s.reloaded()
}

func (s *S3) reloaded() (Credentials, error) {
	found, err := s.load()
	if err != nil {
		return found, &TransportFailure{Status: 401, IsUnsent: true, Cause: err}
	}
	s.loaded.Store(&found)
	return found, nil
}

// Put writes an object.
func (s *S3) Put(ctx context.Context, place Place, key string, upload Upload, timeout time.Duration) (Stored, error) {
	headers := http.Header{}
	for name, value := range upload.Metadata {
		headers.Set("x-amz-meta-"+name, value)
	}
	if upload.WriteOnce {
		headers.Set("If-None-Match", "*")
	}
	if upload.ContentType != "" {
		headers.Set("Content-Type", upload.ContentType)
	}
	sent := errand{method: "PUT", place: place, key: key, headers: headers, body: upload.Body, size: upload.Size, sha256: upload.SHA256}
	answer, err := s.answered(ctx, sent, timeout)
	if err != nil {
		return Stored{}, err
	}
	return Stored{answer.Header.Get("ETag")}, nil
}

// Head is what the store says of an object, nil when it is not there.
func (s *S3) Head(ctx context.Context, place Place, key string, timeout time.Duration) (*Head, error) {
	answer, err := s.answered(ctx, errand{method: "HEAD", place: place, key: key}, timeout)
	if err != nil {
		if isAbsent(err) {
			return nil, nil
		}
		return nil, err
	}
	found := headOf(answer)
	return &found, nil
}

// Get is an object, whose content the caller closes.
func (s *S3) Get(ctx context.Context, place Place, key string, timeout time.Duration) (*Got, error) {
	answer, err := s.send(ctx, errand{method: "GET", place: place, key: key}, timeout)
	if err != nil {
		return nil, err
	}
	return &Got{headOf(answer), answer.Body}, nil
}

// Delete deletes an object.
func (s *S3) Delete(ctx context.Context, place Place, key string, timeout time.Duration) error {
	_, err := s.answered(ctx, errand{method: "DELETE", place: place, key: key}, timeout)
	if err != nil && isAbsent(err) {
		return nil
	}
	return err
}

type listPage struct {
	EncodingType          string
	IsTruncated           bool
	NextContinuationToken string
	Contents              []Entry
}

// List is every key that begins with a prefix.
func (s *S3) List(ctx context.Context, place Place, prefix string, timeout time.Duration) ([]Entry, error) {
	var entries []Entry
	query := map[string]string{"list-type": "2", "encoding-type": "url", "prefix": prefix}
	for {
		answer, err := s.send(ctx, errand{method: "GET", place: place, query: query}, timeout)
		if err != nil {
			return nil, err
		}
		var page listPage
		err = xml.NewDecoder(answer.Body).Decode(&page)
		answer.Body.Close()
		if err != nil {
			return nil, &TransportFailure{Cause: err}
		}
		for _, entry := range page.Contents {
			if page.EncodingType == "url" {
				if entry.Key, err = url.QueryUnescape(entry.Key); err != nil {
					return nil, &TransportFailure{Cause: err}
				}
			}
			entries = append(entries, entry)
		}
		if !page.IsTruncated || page.NextContinuationToken == "" {
			return entries, nil
		}
		query["continuation-token"] = page.NextContinuationToken
	}
}

func headOf(answer *http.Response) Head {
	metadata := map[string]string{}
	for name, values := range answer.Header {
		if name := strings.ToLower(name); strings.HasPrefix(name, "x-amz-meta-") {
			metadata[strings.TrimPrefix(name, "x-amz-meta-")] = strings.Join(values, ",")
		}
	}
	return Head{max(0, answer.ContentLength), answer.Header.Get("ETag"), metadata}
}

// answered is the answer with its body read away, so that the connection can be used again.
func (s *S3) answered(ctx context.Context, sent errand, timeout time.Duration) (*http.Response, error) {
	answer, err := s.send(ctx, sent, timeout)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, mostOfAnAnswer))
	if err != nil {
		return nil, &TransportFailure{Cause: err}
	}
	return answer, nil
}
