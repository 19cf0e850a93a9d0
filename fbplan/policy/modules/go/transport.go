package fbroute

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Place is one bucket as a repository reaches it. A client may be kept by (endpoint, protocol, key id), never by less.
type Place struct {
	Repository string
	Bucket     string
	// Address is what a request names as the bucket.
	Address    string
	Folder     string
	Protocol   string
	Endpoint   string
	WriteKeyID string
	ReadKeyID  string
}

// Transport is the seam to a store. One call is one request, without retries of its own. What is no success is a
// *TransportFailure; any other error counts as no answer. `timeout` is the longest wait for a sign of life.
type Transport interface {
	Put(ctx context.Context, place Place, key string, upload Upload, timeout time.Duration) (Stored, error)
	// Head gives nil when the key is not there.
	Head(ctx context.Context, place Place, key string, timeout time.Duration) (*Head, error)
	// Get fails with status 404 when the key is not there. The caller closes the content.
	Get(ctx context.Context, place Place, key string, timeout time.Duration) (*Got, error)
	// Delete of a key that is not there is a success.
	Delete(ctx context.Context, place Place, key string, timeout time.Duration) error
	// List gives all pages.
	List(ctx context.Context, place Place, prefix string, timeout time.Duration) ([]Entry, error)
	// Reload loads the credentials again; requests under way finish with the old ones.
	Reload(ctx context.Context) error
}

// Upload is one object on its way.
type Upload struct {
	Body     io.Reader
	Size     int64
	Metadata map[string]string
	// SHA256 of the body in hexadecimal digits; "" when it is not known before the body is sent.
	SHA256 string
	// WriteOnce asks the store to refuse a key that is there: `If-None-Match: *` and what corresponds to it.
	WriteOnce   bool
	ContentType string
}

// Stored is what a store says of a put.
type Stored struct {
	ETag string
}

// Head is what a store says of an object. Keys of the metadata are in lower case.
type Head struct {
	Size     int64
	ETag     string
	Metadata map[string]string
}

// Got is an object. Its content is read from the network, and is to be closed.
type Got struct {
	Head
	Content io.ReadCloser
}

// Entry is one line of a listing.
type Entry struct {
	Key  string
	Size int64
	ETag string
}

// TransportFailure is a request that was not answered with success.
type TransportFailure struct {
	// Status of HTTP, 0 when no answer came.
	Status int
	// Code is the store's own word (`QUOTA_EXCEEDED`).
	Code         string
	RetryAfterMS *int64
	// IsUnsent only when certainly no byte of the body left: a name that does not resolve, a refused connection.
	IsUnsent bool
	// Cause is the error below, if there is one.
	Cause error
}

func (f *TransportFailure) Error() string {
	said := "no answer"
	if f.Status != 0 {
		said = strings.TrimSpace(fmt.Sprintf("%d %s", f.Status, f.Code))
	}
	if f.Cause != nil {
		said += ": " + f.Cause.Error()
	}
	return said
}

func (f *TransportFailure) Unwrap() error {
	return f.Cause
}

func failureOf(err error) *TransportFailure {
	var failure *TransportFailure
	if errors.As(err, &failure) {
		return failure
	}
	return &TransportFailure{Cause: err}
}

func isAbsent(err error) bool {
	return failureOf(err).Status == 404
}

func placeOf(found *policy, by *repository, name string) Place {
	to := found.buckets[name]
	folder := to.folders[by.name]
	addresses := map[string]string{"name": to.address, "container": to.container, "folder": folder}
	return Place{
		Repository: by.name,
		Bucket:     name,
		Address:    addresses[by.address],
		Folder:     folder,
		Protocol:   by.protocol,
		Endpoint:   by.endpoint,
		WriteKeyID: by.keyIDs["write"],
		ReadKeyID:  by.keyIDs["read"],
	}
}
