package fbroute

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
)

const (
	mostHeads  = 3
	notAsked   = "not asked: at most 3 buckets are asked for a key without a reference"
	negativeMS = 1_000
	negatives  = 1_024
	// readTimeoutMS where no policy says another.
	readTimeoutMS = 5_000
)

// Located is where a key was found.
type Located struct {
	Place Place
	Head  Head
}

// Deleted: Failed maps each bucket that did not answer to the reason; the key may still be there.
type Deleted struct {
	IsComplete bool
	Failed     map[string]string
}

// Placed is one key of a listing, and the first bucket in the order that holds it.
type Placed struct {
	Bucket string
	Entry
}

// Listing is the keys of all buckets, each once, sorted; not complete when a bucket did not answer.
type Listing struct {
	Entries    []Placed
	IsComplete bool
	Failed     map[string]string
}

// Get is the object by its reference (one request) or by its key.
func (r *Router) Get(ctx context.Context, where string) (*Got, error) {
	to, err := r.target(where)
	if err != nil {
		return nil, err
	}
	if !to.isReferred {
		located, err := r.Locate(ctx, where)
		if err != nil {
			return nil, err
		}
		to.places = []Place{located.Place}
	}
	failed := map[string]string{}
	for _, place := range to.places {
		got, err := r.transport.Get(ctx, place, to.key, milliseconds(to.timeoutMS))
		if err == nil {
			return got, nil
		}
		if !isAbsent(err) {
			failed[place.Bucket] = err.Error()
		}
	}
	return nil, missing(to.key, failed)
}

// Locate is which bucket holds the object. ErrNotFound only if every bucket said so, else ErrUnavailable.
func (r *Router) Locate(ctx context.Context, where string) (Located, error) {
	to, err := r.target(where)
	if err != nil {
		return Located{}, err
	}
	if !to.isReferred && r.isAbsent(to.key) {
		return Located{}, fmt.Errorf("no bucket holds '%s', as of a moment ago: %w", to.key, ErrNotFound)
	}
	located, err := r.locate(ctx, to)
	if !to.isReferred && errors.Is(err, ErrNotFound) {
		r.noteAbsent(to.key)
	}
	return located, err
}

func (r *Router) locate(ctx context.Context, to target) (Located, error) {
	failed := map[string]string{}
	for index, place := range to.places {
		if index >= mostHeads {
			failed[place.Bucket] = notAsked
			continue
		}
		head, err := r.transport.Head(ctx, place, to.key, milliseconds(to.timeoutMS))
		if err == nil && head != nil {
			return Located{place, *head}, nil
		}
		if err != nil && !isAbsent(err) {
			failed[place.Bucket] = err.Error()
		}
	}
	return Located{}, missing(to.key, failed)
}

func missing(key string, failed map[string]string) error {
	if len(failed) > 0 {
		return &Unavailable{key, failed}
	}
	return fmt.Errorf("no bucket holds '%s': %w", key, ErrNotFound)
}

// holder is the bucket that holds a key, "" when certainly none does.
func (r *Router) holder(ctx context.Context, v *view, key string) (string, error) {
	located, err := r.locate(ctx, target{key: key, places: placesOf(v), timeoutMS: v.repository.perTryMS})
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return located.Place.Bucket, err
}

// Delete deletes the key from every bucket.
func (r *Router) Delete(ctx context.Context, where string) (Deleted, error) {
	if err := checkKey(where); err != nil {
		return Deleted{}, err
	}
	v, err := r.view()
	if err != nil {
		return Deleted{}, err
	}
	key := where
	if isReference(where) {
		reference, err := ParseReference(where)
		if err != nil {
			return Deleted{}, err
		}
		key = reference.Key
	}
	failed := map[string]string{}
	for _, place := range placesOf(v) {
		err := r.transport.Delete(ctx, place, key, milliseconds(v.repository.perTryMS))
		if err != nil && !isAbsent(err) {
			failed[place.Bucket] = err.Error()
		}
	}
	return Deleted{len(failed) == 0, failed}, nil
}

// List is the keys of all buckets that begin with a prefix.
func (r *Router) List(ctx context.Context, prefix string) (Listing, error) {
	v, err := r.view()
	if err != nil {
		return Listing{}, err
	}
	found, made := map[string]bool{}, Listing{Failed: map[string]string{}}
	for _, place := range placesOf(v) {
		entries, err := r.transport.List(ctx, place, prefix, milliseconds(v.repository.perTryMS))
		if err != nil {
			made.Failed[place.Bucket] = err.Error()
			continue
		}
		for _, entry := range entries {
			if !found[entry.Key] {
				found[entry.Key] = true
				made.Entries = append(made.Entries, Placed{place.Bucket, entry})
			}
		}
	}
	sort.Slice(made.Entries, func(a, b int) bool { return made.Entries[a].Key < made.Entries[b].Key })
	made.IsComplete = len(made.Failed) == 0
	return made, nil
}

func isReference(where string) bool {
	return strings.HasPrefix(where, "fbref1:")
}
