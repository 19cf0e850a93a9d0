package fbroute

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const start = 1_795_000_000_000

// memory is a store of three buckets; `fails` gives the failure of the next puts to a bucket.
type memory struct {
	Transport
	lock  sync.Mutex
	held  map[string]string
	fails map[string][]error
	// first is the first byte of each body that a failing put read, before it failed.
	took []string
	late func()
}

func (m *memory) Put(ctx context.Context, place Place, key string, upload Upload, _ time.Duration) (Stored, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if failing := m.fails[place.Bucket]; len(failing) > 0 {
		part := make([]byte, 2)
		count, _ := io.ReadFull(upload.Body, part)
		m.took = append(m.took, place.Bucket+":"+string(part[:count]))
		m.fails[place.Bucket] = failing[1:]
		if m.late != nil {
			m.late()
		}
		go func() { _, _ = io.Copy(io.Discard, upload.Body) }() // as net/http may do
		return Stored{}, failing[0]
	}
	content, err := io.ReadAll(upload.Body)
	m.held[place.Bucket+"/"+key] = string(content)
	return Stored{`"e"`}, err
}

func (m *memory) Head(_ context.Context, place Place, key string, _ time.Duration) (*Head, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	content, isThere := m.held[place.Bucket+"/"+key]
	if !isThere {
		return nil, nil
	}
	return &Head{Size: int64(len(content))}, nil
}

func (m *memory) Reload(context.Context) error { return nil }

// opened is a router over a policy with caps of a so many bytes for the buckets a, b and c.
func opened(t *testing.T, limit int64, options Options) (*Router, *memory) {
	path := filepath.Join(t.TempDir(), "policy.json")
	publish(t, path, limit, 1)
	options.Writer = "w1"
	options.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	if options.ClockMS == nil {
		options.ClockMS = func() int64 { return start }
	}
	to := &memory{held: map[string]string{}, fails: map[string][]error{}}
	return Open(path, to, options), to
}

func publish(t *testing.T, path string, limit int64, generation int) {
	t.Helper()
	var document map[string]any
	zero := "sha256:" + strings.Repeat("0", 64)
	text := fmt.Sprintf(`{"format":"fbplan.routing/1","min_reader":1,"generation":%d,"spec_digest":"%s","content_digest":"%s",
		"repositories":{"app":{"repo_id":"r","protocol":"S3","order":["a","b","c"]}},"buckets":{`, generation, zero, zero)
	for index, name := range []string{"a", "b", "c"} {
		if index > 0 {
			text += ","
		}
		text += fmt.Sprintf(`"%s":{"bucket_id":"%s","container":"%s","storage_type":"S3","folders":{"app":""},
			"meters":[{"meter":"ingress_bytes","limit":%d,"soft_ppm":1000000}]}`, name, name, name, limit)
	}
	parsed, fault := parseJSON(text + "}}")
	if fault != nil {
		t.Fatal(fault)
	}
	document = parsed.(map[string]any)
	document["digest"], _ = digestOf(document)
	temporary := path + ".new"
	if err := os.WriteFile(temporary, canonical(document), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, path); err != nil {
		t.Fatal(err)
	}
}

func TestManyGoroutinesPassNoCapAndFollowANewPolicy(t *testing.T) {
	var lock sync.Mutex
	now := int64(start)
	tick := func() int64 {
		lock.Lock()
		defer lock.Unlock()
		now += 7
		return now
	}
	router, to := opened(t, 1000, Options{ClockMS: tick})
	var writers sync.WaitGroup
	for writer := 0; writer < 8; writer++ {
		writers.Add(1)
		go func(writer int) {
			defer writers.Done()
			for index := 0; index < 60; index++ {
				_, err := router.Put(context.Background(), fmt.Sprintf("%d-%d", writer, index), strings.NewReader("0123456789"), PutOptions{})
				if err != nil && !errors.Is(err, ErrReadOnly) {
					t.Error(err)
				}
				_, _ = router.Choose(5)
				_ = router.Counts()
			}
		}(writer)
	}
	publish(t, router.source.policy.path, 1200, 2)
	writers.Wait()
	router.source.refresh(true)
	total, stored := 0, router.Counts()["stored"]
	for _, name := range []string{"a", "b", "c"} {
		held := 0
		for key, content := range to.held {
			if strings.HasPrefix(key, name) {
				held += len(content)
			}
		}
		if held > 1200 {
			t.Errorf("%s has %d bytes", name, held)
		}
		total += held
	}
	// 480 writes of 10 bytes are more than all caps together
	if total != int(stored)*10 || stored == 480 || stored < 300 || router.source.pair.Load().policy.generation != 2 {
		t.Error(total, router.Counts())
	}
}

func TestABodyThatCannotSeekIsNeverHalfWrittenTwice(t *testing.T) {
	router, to := opened(t, 1_000_000, Options{SpoolLimit: 10})
	to.fails["a"] = []error{&TransportFailure{Status: 500}}
	stream := struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 100))}
	_, err := router.Put(context.Background(), "k", stream, PutOptions{})
	if err == nil || !strings.Contains(err.Error(), "needs its size") {
		t.Error(err)
	}
	_, err = router.Put(context.Background(), "k", stream, PutOptions{Size: known(100)})
	var failed *WriteFailed
	if !errors.Is(err, ErrNotStored) || !errors.As(err, &failed) || failed.Record.Rule != "7.once" || len(to.held) != 0 {
		t.Error(err, to.held)
	}
	to.fails["a"] = []error{&TransportFailure{Status: 507}}
	short := struct{ io.Reader }{strings.NewReader("spooled")}
	placed, err := router.Put(context.Background(), "s", short, PutOptions{})
	if err != nil || placed.Reference.Bucket != "b" || to.held["b/s"] != "spooled" {
		t.Error(err, to.held)
	}
}

func TestABodyIsSentAgainFromWhereItStoodAndTheTryBeforeReadsNoMoreOfIt(t *testing.T) {
	router, to := opened(t, 1_000_000, Options{})
	to.fails["a"] = []error{&TransportFailure{Status: 500}, &TransportFailure{Status: 507}}
	content := strings.NewReader("--" + strings.Repeat("0123456789", 10_000))
	_, _ = content.Seek(2, io.SeekStart)
	placed, err := router.Put(context.Background(), "k", content, PutOptions{})
	if err != nil || fmt.Sprint(to.took) != "[a:01 a:01]" || to.held["b/k"] != strings.Repeat("0123456789", 10_000) {
		t.Error(err, to.took, placed)
	}
}

func TestACallerWhoGivesUpHasHisOwnErrorAndTheBucketIsNotBlamed(t *testing.T) {
	router, to := opened(t, 1000, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	to.late = cancel
	to.fails["a"] = []error{errors.New("reset")}
	_, err := router.Put(ctx, "k", strings.NewReader("x"), PutOptions{})
	if !errors.Is(err, context.Canceled) || router.state.local("a").failures != 0 {
		t.Error(err)
	}
	to.late = nil
	if placed, err := router.Put(context.Background(), "k", strings.NewReader("x"), PutOptions{}); err != nil || placed.Reference.Bucket != "a" {
		t.Error(placed, err)
	}
}

func TestARecordIsCanonicalJSONAndTellsItself(t *testing.T) {
	router, _ := opened(t, 1000, Options{})
	placed, err := router.Put(context.Background(), "k", bytes.NewReader([]byte("hi")), PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	written, err := json.Marshal(placed.Record)
	if err != nil || !bytes.Equal(written, canonical(placed.Record.document())) {
		t.Error(string(written), err)
	}
	if why := placed.Record.Why(); !strings.HasPrefix(why, "2 bytes of app went to a (policy 1, no usage, 2026-11-18T") {
		t.Error(why)
	}
}

func TestWithoutAPolicyNothingIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	router := Open(path, &memory{}, Options{})
	_, err := router.Put(context.Background(), "k", strings.NewReader("x"), PutOptions{})
	if !errors.Is(err, ErrNoPolicy) || router.Counts()["policy.unreadable"] != 1 {
		t.Error(err, router.Counts())
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, late := Open(path, &memory{}, Options{}).Put(context.Background(), "k", strings.NewReader("x"), PutOptions{})
	for why, err := range map[string]error{"there is no such file": err, "its format is not fbplan.routing/1": late} {
		told := "no routing policy was ever good, nothing is written: " + path + ": " + why + "; run: fbplan policy check " + path
		if err == nil || err.Error() != told {
			t.Error(err)
		}
	}
}

func TestAnEmptyKeyIsRefusedBeforeAnyRequest(t *testing.T) {
	// any request to this transport would be one to nil
	path := filepath.Join(t.TempDir(), "policy.json")
	publish(t, path, 1000, 1)
	router, ctx := Open(path, nil, Options{}), context.Background()
	calls := map[string]func(key string) error{
		"put": func(key string) error {
			_, err := router.Put(ctx, key, strings.NewReader("x"), PutOptions{})
			return err
		},
		"overwrite": func(key string) error {
			_, err := router.Put(ctx, key, strings.NewReader("x"), PutOptions{Overwrite: true})
			return err
		},
		"get":    func(key string) error { _, err := router.Get(ctx, key); return err },
		"locate": func(key string) error { _, err := router.Locate(ctx, key); return err },
		"delete": func(key string) error { _, err := router.Delete(ctx, key); return err },
	}
	for name, call := range calls {
		if err := call(""); !errors.Is(err, ErrNotAKey) || err.Error() != "no key: it is empty; name an object; Router.List tells the keys that are there" {
			t.Error(name, err)
		}
		if err := call("\xff"); !errors.Is(err, ErrNotAKey) {
			t.Error(name, err)
		}
	}
	if _, err := router.Get(ctx, "fbref1:app/a/"); !errors.Is(err, ErrNotAReference) {
		t.Error(err)
	}
	if told := fmt.Sprint(router.Counts()); told != "map[policy.taken:1]" {
		t.Error(told)
	}
}
