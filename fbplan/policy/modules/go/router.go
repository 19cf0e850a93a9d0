package fbroute

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Router writes each object to the bucket that the policy wants, and finds it again. Any goroutine may use it.
type Router struct {
	source    *source
	transport Transport
	options   Options
	bornMS    *int64
	counts    *counts

	lock    sync.Mutex
	state   *state
	lastSeq int64
	absent  map[string]int64
	isStale bool
}

// Open is a router over the policy file, and over the usage file if one is named. It never fails: without a good policy
// writes have ErrNoPolicy until there is one, and reads by reference work.
func Open(policyPath string, transport Transport, options Options) *Router {
	options = options.complete()
	made := &Router{
		transport: transport,
		options:   options,
		counts:    &counts{held: map[string]int64{}},
		state:     newState(),
		absent:    map[string]int64{},
	}
	if options.CautiousStart {
		made.bornMS = known(options.ClockMS())
	}
	made.source = newSource(policyPath, options, made.counts)
	return made
}

// Counts are outcomes, classes of answers, alarms, and what became of the files.
func (r *Router) Counts() map[string]int64 {
	return r.counts.copied()
}

// Refresh looks whether the files changed, at most once a second. Put does it by itself; Choose never does.
func (r *Router) Refresh() {
	r.source.refresh(false)
}

// Choose is what would be chosen for a write that begins now. No input or output, nothing is counted.
func (r *Router) Choose(size int64) (Decision, error) {
	v, err := r.view()
	if err != nil {
		return Decision{}, err
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	return decide(v, r.state, r.options.ClockMS(), request{size: size, isRepeatable: true}, nil), nil
}

// PutOptions may be left empty.
type PutOptions struct {
	// Size is needed for a long body that cannot seek.
	Size *int64
	// Overwrite: a key is written once; with it, it goes to the bucket that holds the key.
	Overwrite   bool
	ContentType string
}

// Placement is where an object was placed. Store its reference beside your data: one request finds the object again.
type Placement struct {
	Reference Reference
	Record    Record
}

// Put writes an object. Its error is a *WriteFailed, ErrNoPolicy, ErrUnavailable (when overwriting), ErrNotAKey, or that of
// the body or of the context; after the last of these the object may be there or not.
func (r *Router) Put(ctx context.Context, key string, content io.Reader, options PutOptions) (Placement, error) {
	r.Refresh()
	if err := checkKey(key); err != nil {
		return Placement{}, err
	}
	sent, err := bodyOf(content, options.Size, r.options.SpoolLimit)
	if err != nil {
		return Placement{}, err
	}
	v, err := r.view()
	if err != nil {
		return Placement{}, err
	}
	asked := request{size: sent.size, isRepeatable: sent.isRepeatable}
	if options.Overwrite {
		if asked.only, err = r.holder(ctx, v, key); err != nil {
			return Placement{}, err
		}
	}
	w := &write{router: r, key: key, body: sent, options: options, seq: r.nextSeq()}
	w.flight = r.begin(v, asked)
	stored, err := w.run(ctx)
	if err != nil {
		return Placement{}, fmt.Errorf("'%s': %w", key, err)
	}
	made := recordOf(w.flight)
	r.report(made)
	if made.Outcome != "stored" {
		return Placement{}, faultOf(made)
	}
	r.forgetAbsent(key)
	return Placement{Reference{made.Repository, made.Bucket, key, stored.ETag}, made}, nil
}

// view is what a request that begins now runs by.
func (r *Router) view() (*view, error) {
	now := r.source.pair.Load()
	if now.policy == nil {
		told := fmt.Sprintf("%s; run: fbplan policy check %s", now.fault, r.source.policy.path)
		return nil, fmt.Errorf("%w was ever good, nothing is written: %s: %s", ErrNoPolicy, r.source.policy.path, told)
	}
	name := r.options.Repository
	names := sortedKeys(now.policy.repositories)
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	found := now.policy.repositories[name]
	if found == nil {
		told := strings.Join(names, ", ")
		return nil, fmt.Errorf("%w: name one repository of it in Options.Repository; it has: %s", ErrNoPolicy, told)
	}
	return &view{
		policy:       now.policy,
		repository:   found,
		usage:        now.usage,
		confirmedMS:  now.confirmedMS,
		writer:       r.options.Writer,
		simple:       r.options.CountsItself || r.options.Usage == "",
		expectsUsage: r.options.Usage != "",
		bornMS:       r.bornMS,
	}, nil
}

func (r *Router) begin(v *view, asked request) *flight {
	now := r.options.ClockMS()
	r.noteAge(v, now)
	r.lock.Lock()
	defer r.lock.Unlock()
	return begin(v, r.state, now, asked)
}

// nextSeq rises with every write of this process; of two copies of a key the larger one is the newer.
func (r *Router) nextSeq() string {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.lastSeq = max(r.lastSeq+1, r.options.ClockMS()*1000)
	return strconv.FormatInt(r.lastSeq, 10)
}

func (r *Router) noteAge(v *view, nowMS int64) {
	isStale := nowMS >= sum(v.confirmedMS, v.repository.staleAfterMS)
	r.lock.Lock()
	isNew := isStale && !r.isStale
	r.isStale = isStale
	r.lock.Unlock()
	if isNew {
		r.alarm("policy.stale", map[string]string{"repository": v.repository.name})
	}
}

func (r *Router) report(made Record) {
	r.counts.add(made.Outcome)
	for _, attempt := range made.Attempts {
		if attempt.Class == "" {
			r.counts.add("try.stored")
		} else {
			r.counts.add("try." + attempt.Class)
		}
	}
	for _, name := range made.Alarms {
		last := made.Attempts[len(made.Attempts)-1]
		r.alarm(name, map[string]string{"repository": made.Repository, "bucket": last.Bucket})
	}
	r.options.OnRecord(made)
}

func (r *Router) alarm(name string, told map[string]string) {
	r.counts.add("alarm." + name)
	r.options.Alarm(name, told)
}

func milliseconds(ms int64) time.Duration {
	const longest = int64(1<<63-1) / int64(time.Millisecond)
	return time.Duration(min(ms, longest)) * time.Millisecond
}
