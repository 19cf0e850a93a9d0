//go:build go1.25

package fbroute

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener without a network, so that the time in it is that of the test.
type pipes struct {
	opened chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case opened := <-p.opened:
		return opened, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

// timed runs a test in a time that goes on when everything waits.
func timed(t *testing.T, answer http.HandlerFunc, run func(t *testing.T, s3 *S3, place Place)) {
	synctest.Test(t, func(t *testing.T) {
		listener := &pipes{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{Handler: answer}
		go func() { _ = server.Serve(listener) }()
		client := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			listener.opened <- theirs
			return ours, nil
		}}
		load := func() (Credentials, error) { return NewCredentials("id", "canary"), nil }
		run(t, NewS3(load, S3Options{RoundTripper: client}), Place{Bucket: "a", Address: "a", Endpoint: "http://store"})
		client.CloseIdleConnections()
		_ = server.Close()
	})
}

const timeout, shorter, longer = time.Second, time.Second * 9 / 10, 5 * time.Second

func trickle(to http.ResponseWriter, asked *http.Request) {
	content, _ := io.ReadAll(asked.Body)
	for range len(content) + 4 {
		time.Sleep(shorter)
		_, _ = io.WriteString(to, "x")
		to.(http.Flusher).Flush()
	}
}

func TestABodyThatMovesMayTakeLongerThanTheTimeout(t *testing.T) {
	timed(t, trickle, func(t *testing.T, s3 *S3, place Place) {
		began := time.Now()
		got, err := s3.Get(context.Background(), place, "k", timeout)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Content.Close()
		content, err := io.ReadAll(got.Content)
		if string(content) != "xxxx" || err != nil || time.Since(began) != 4*shorter {
			t.Errorf("%q %v %s", content, err, time.Since(began))
		}
	})
}

func TestASilenceAsLongAsTheTimeoutEndsARequest(t *testing.T) {
	silent := func(_ http.ResponseWriter, asked *http.Request) {
		_, _ = io.Copy(io.Discard, asked.Body)
		<-asked.Context().Done()
	}
	timed(t, silent, func(t *testing.T, s3 *S3, place Place) {
		began := time.Now()
		_, err := s3.Put(context.Background(), place, "k", Upload{Body: strings.NewReader("xy"), Size: 2}, timeout)
		if failure := failureOf(err); failure.Status != 0 || failure.IsUnsent || time.Since(began) != timeout {
			t.Errorf("%+v after %s", failure, time.Since(began))
		}
	})
}

func TestASilenceInTheMiddleOfAnAnswerEndsIt(t *testing.T) {
	half := func(to http.ResponseWriter, asked *http.Request) {
		to.Header().Set("Content-Length", "2")
		_, _ = io.WriteString(to, "x")
		to.(http.Flusher).Flush()
		<-asked.Context().Done()
	}
	timed(t, half, func(t *testing.T, s3 *S3, place Place) {
		got, err := s3.Get(context.Background(), place, "k", timeout)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Content.Close()
		if content, err := io.ReadAll(got.Content); err == nil || string(content) != "x" {
			t.Errorf("%q %v", content, err)
		}
	})
}

// slow is a source that takes its time for each byte.
type slow struct{ io.Reader }

func (s slow) Read(into []byte) (int, error) {
	time.Sleep(longer)
	return s.Reader.Read(into[:1])
}

func TestASlowSourceAndASlowReaderAreNoSilence(t *testing.T) {
	timed(t, trickle, func(t *testing.T, s3 *S3, place Place) {
		source := slow{strings.NewReader("xy")}
		if _, err := s3.Put(context.Background(), place, "k", Upload{Body: source, Size: 2}, timeout); err != nil {
			t.Error(err)
		}
		got, err := s3.Get(context.Background(), place, "k", timeout)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Content.Close()
		for {
			time.Sleep(longer)
			if _, err := io.ReadFull(got.Content, make([]byte, 1)); err == io.EOF {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}
