package fbroute

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// everyMS: the files are looked at no more often than this.
const everyMS = 1_000

// pair is what a request runs by from its beginning to its end.
type pair struct {
	policy *policy
	usage  *usage
	// confirmedMS is when the policy was last seen to stand at its path.
	confirmedMS int64
	// fault is what was wrong with the policy when it was refused last.
	fault string
}

// source is the two files as they stand on disk, watched by path: the newest good pair, swapped in as one reference.
type source struct {
	policy   watched
	usage    *watched
	clockMS  func() int64
	alarm    func(name string, told map[string]string)
	counts   *counts
	lock     sync.Mutex
	lookedMS atomic.Int64
	pair     atomic.Pointer[pair]
}

func newSource(policyPath string, options Options, counts *counts) *source {
	kept := func(name string) string {
		if options.LastGood == "" {
			return ""
		}
		return filepath.Join(options.LastGood, name)
	}
	made := &source{clockMS: options.ClockMS, alarm: options.Alarm, counts: counts}
	made.policy = watched{path: policyPath, kept: kept("routing-policy.json")}
	if options.Usage != "" {
		made.usage = &watched{path: options.Usage, kept: kept("usage.json")}
	}
	made.lookedMS.Store(-everyMS)
	made.pair.Store(made.restored())
	made.refresh(true)
	return made
}

// restored is what was good in the last run; it is confirmed as of then, not as of now.
func (s *source) restored() *pair {
	made := &pair{}
	if found, err := os.Stat(s.policy.kept); err == nil {
		if raw, err := contentOf(s.policy.kept); err == nil {
			if kept, fault := nextPolicy(nil, raw); fault == nil {
				made.policy, made.confirmedMS = kept, found.ModTime().UnixMilli()
			}
		}
	}
	if s.usage != nil {
		if raw, err := contentOf(s.usage.kept); err == nil {
			if kept, fault := nextUsage(nil, nil, raw); fault == nil {
				made.usage = kept
			}
		}
	}
	return made
}

// refresh looks at the files, unless that was done within the last second; `now` looks in any case.
func (s *source) refresh(now bool) {
	at := s.clockMS()
	since := at - s.lookedMS.Load()
	if !now && since >= 0 && since < everyMS {
		return
	}
	if now {
		s.lock.Lock()
	} else if !s.lock.TryLock() {
		return // another goroutine is at it
	}
	defer s.lock.Unlock()
	s.lookedMS.Store(at)
	s.look(at)
}

func (s *source) look(at int64) {
	next := *s.pair.Load()
	fault := s.read("policy", &s.policy, at, func(raw []byte) *Unusable {
		found, fault := nextPolicy(next.policy, raw)
		if fault == nil {
			next.policy = found
		}
		return fault
	})
	if fault != nil {
		next.fault = faultWords(fault)
	}
	if s.policy.wasTaken {
		next.confirmedMS = at
		s.policy.confirm(at)
	}
	if s.usage != nil {
		s.read("usage", s.usage, at, func(raw []byte) *Unusable {
			found, fault := nextUsage(next.usage, next.policy, raw)
			if fault == nil {
				next.usage = found
			}
			return fault
		})
	}
	s.pair.Store(&next)
}

// read takes what is new at a place. Its error says why that was refused.
func (s *source) read(word string, file *watched, at int64, take func([]byte) *Unusable) error {
	raw, err := file.changed()
	if err == nil && raw == nil {
		return nil
	}
	if err == nil {
		if fault := take(raw); fault != nil {
			err = fault
		}
	}
	var unusable *Unusable
	switch {
	case err == nil:
		file.wasTaken = true
		s.counts.add(word + ".taken")
		if err := file.keep(raw, at); err != nil {
			s.report(word, file, "kept", err)
		}
	case errors.As(err, &unusable):
		s.report(word, file, unusable.Reason, err)
	default:
		file.wasTaken, file.mark = false, nil
		s.report(word, file, "unreadable", err)
	}
	return err
}

func (s *source) report(word string, file *watched, reason string, err error) {
	s.counts.add(word + "." + reason)
	s.alarm(word+"."+reason, map[string]string{"path": file.path, "why": faultWords(err)})
}

// faultWords is an error without the path, which is told beside it.
func faultWords(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file"
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err.Error()
}
