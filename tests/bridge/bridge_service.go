// A service that keeps objects: it is built together with the module, and does what it is told on stdin, a line each.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

type order struct {
	Command, Key, Text, Where, ID, Secret string
	Zeros                                 int64
	Stream, Overwrite                     bool
	Count                                 int
}

type service struct {
	router *Router
	lock   sync.Mutex
	key    Credentials
	alarms []string
}

func main() {
	s := &service{}
	load := func() (Credentials, error) {
		s.lock.Lock()
		defer s.lock.Unlock()
		return s.key, nil
	}
	s.key = NewCredentials(os.Getenv("FB_KEY_ID"), os.Getenv("FB_SECRET"))
	s.router = Open(os.Getenv("POLICY"), NewS3(load, S3Options{}), Options{
		Usage:      os.Getenv("USAGE"),
		Writer:     "w1",
		LastGood:   os.Getenv("LAST_GOOD"),
		SpoolLimit: 1000,
		Alarm: func(name string, _ map[string]string) {
			s.lock.Lock()
			defer s.lock.Unlock()
			s.alarms = append(s.alarms, name)
		},
	})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var told order
		if err := json.Unmarshal(lines.Bytes(), &told); err != nil {
			panic(err)
		}
		answer, err := json.Marshal(s.do(context.Background(), told))
		if err != nil {
			panic(err)
		}
		fmt.Println(string(answer))
	}
}

func (s *service) do(ctx context.Context, told order) any {
	switch told.Command {
	case "put":
		return s.put(ctx, told)
	case "get":
		return s.get(ctx, told.Where)
	case "delete":
		deleted, err := s.router.Delete(ctx, told.Where)
		return either(deleted, err)
	case "list":
		listing, err := s.router.List(ctx, told.Where)
		return either(listing, err)
	case "key":
		s.lock.Lock()
		defer s.lock.Unlock()
		s.key = NewCredentials(told.ID, told.Secret)
	case "many":
		return s.many(ctx, told)
	case "choose":
		made, err := s.router.Choose(told.Zeros)
		return either(made, err)
	case "state":
		s.lock.Lock()
		defer s.lock.Unlock()
		return map[string]any{"alarms": s.alarms, "counts": s.router.Counts(), "shown": fmt.Sprintf("%+v %#v %d", s.key, s.key, s.key)}
	}
	return nil
}

func (s *service) put(ctx context.Context, told order) any {
	var content io.Reader = strings.NewReader(told.Text + strings.Repeat("\x00", int(told.Zeros)))
	options := PutOptions{Overwrite: told.Overwrite}
	if told.Stream { // which cannot seek
		content = struct{ io.Reader }{content}
		options.Size = known(int64(len(told.Text)) + told.Zeros)
	}
	placed, err := s.router.Put(ctx, told.Key, content, options)
	if err != nil {
		return fault(err)
	}
	return map[string]any{"bucket": placed.Reference.Bucket, "reference": placed.Reference.String(), "record": placed.Record}
}

func (s *service) get(ctx context.Context, where string) any {
	got, err := s.router.Get(ctx, where)
	if err != nil {
		return fault(err)
	}
	defer got.Content.Close()
	content, err := io.ReadAll(got.Content)
	return either(map[string]any{"text": string(content), "size": got.Size, "metadata": got.Metadata}, err)
}

// many writes from several goroutines at once, and gives the number of objects in each bucket.
func (s *service) many(ctx context.Context, told order) any {
	var writers sync.WaitGroup
	went := map[string]int{}
	for writer := 0; writer < 8; writer++ {
		writers.Add(1)
		go func(writer int) {
			defer writers.Done()
			for index := 0; index < told.Count; index++ {
				placed, err := s.router.Put(ctx, fmt.Sprintf("%d-%d", writer, index), strings.NewReader(told.Text), PutOptions{})
				s.lock.Lock()
				if err != nil {
					went[err.Error()]++
				} else {
					went[placed.Reference.Bucket]++
				}
				s.lock.Unlock()
			}
		}(writer)
	}
	writers.Wait()
	return went
}

func either(value any, err error) any {
	if err != nil {
		return fault(err)
	}
	return value
}

func fault(err error) any {
	kinds := map[string]error{
		"no policy": ErrNoPolicy, "read only": ErrReadOnly, "not stored": ErrNotStored, "refused": ErrRefused,
		"credentials": ErrCredentialsRefused, "exists": ErrAlreadyExists, "not found": ErrNotFound, "unavailable": ErrUnavailable,
		"no reference": ErrNotAReference,
	}
	made := map[string]any{"error": err.Error()}
	var is []any
	for _, kind := range sortedKeys(kinds) {
		if errors.Is(err, kinds[kind]) {
			is = append(is, kind)
		}
	}
	made["is"] = is
	var failed *WriteFailed
	if errors.As(err, &failed) {
		made["retry_at"], made["reasons"], made["record"] = failed.RetryAt(), failed.Reasons(), failed.Record
	}
	return made
}
