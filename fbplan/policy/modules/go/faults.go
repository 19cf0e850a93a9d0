package fbroute

import (
	"errors"
	"fmt"
	"strings"
)

// What can go wrong, for errors.Is:
//
//	ErrNoPolicy             no policy was ever good: nothing is written
//	ErrReadOnly             no bucket takes the write now; WriteFailed says when to ask again
//	ErrNotStored            every way was tried; the record lists the attempts
//	ErrRefused              the store refuses the request, whatever the bucket
//	ErrCredentialsRefused   … the key, or the clock, also after the credentials were loaded again
//	ErrAlreadyExists        the key was written before, perhaps with the same content; Overwrite replaces it
//	ErrNotFound             every bucket said that the key is not there
//	ErrUnavailable          not found, but not every bucket could be asked
//	ErrNotAKey              text that no object can be called by
//	ErrNotAReference        text that is no placement reference
var (
	ErrNoPolicy           = errors.New("no routing policy")
	ErrReadOnly           = errors.New("read-only")
	ErrNotStored          = errors.New("not stored")
	ErrRefused            = errors.New("refused")
	ErrCredentialsRefused = fmt.Errorf("credentials %w", ErrRefused)
	ErrAlreadyExists      = errors.New("already exists")
	ErrNotFound           = errors.New("not found")
	ErrUnavailable        = errors.New("unavailable")
	ErrNotAKey            = errors.New("no key")
)

// WriteFailed is a write that was not made. Its record tells it.
type WriteFailed struct {
	Record Record
	kind   error
}

func (w *WriteFailed) Error() string {
	told, _, _ := strings.Cut(w.Record.Why(), "\n")
	return told
}

func (w *WriteFailed) Unwrap() error {
	return w.kind
}

// RetryAt is the RFC 3339 time at which asking again makes sense; "" if none is known.
func (w *WriteFailed) RetryAt() string {
	if w.Record.RetryAtMS == nil {
		return ""
	}
	return stampOf(*w.Record.RetryAtMS)
}

// Reasons maps each bucket to the rule that the last decision came to.
func (w *WriteFailed) Reasons() map[string]string {
	reasons := map[string]string{}
	for _, candidate := range w.Record.Decisions[len(w.Record.Decisions)-1].Candidates {
		reasons[candidate.Bucket] = candidate.Rule
	}
	return reasons
}

func faultOf(made Record) *WriteFailed {
	kinds := map[string]error{"read_only": ErrReadOnly, "exists": ErrAlreadyExists, "failed": ErrNotStored, "refused": ErrRefused}
	kind := kinds[made.Outcome]
	if made.Outcome == "refused" && (made.Rule == "8.auth" || made.Rule == "8.clock") {
		kind = ErrCredentialsRefused
	}
	return &WriteFailed{made, kind}
}

// Unavailable is an object that was not found, while not every bucket could be asked.
type Unavailable struct {
	Key string
	// Failed maps each bucket that gave no answer to the reason.
	Failed map[string]string
}

func (u *Unavailable) Error() string {
	return fmt.Sprintf("'%s' was not found, but not every bucket answered: %s", u.Key, strings.Join(sortedKeys(u.Failed), ", "))
}

func (u *Unavailable) Unwrap() error {
	return ErrUnavailable
}
