package fbroute

import (
	"cmp"
	"slices"
)

// hold is a cap that closed a bucket: since when and on what showing; and when it was lifted, from which on it ramps.
// It is replaced, never changed.
type hold struct {
	sinceMS   int64
	seq       int64
	period    string
	isLifted  bool
	liftedMS  int64
	liftedSeq int64
}

// counted is the bytes that were started under a key.
type counted[K cmp.Ordered] struct {
	key   K
	bytes int64
}

// local is what this process knows of one bucket and no file says.
type local struct {
	// granted is by the seq of the usage, the newest last.
	granted []counted[int64]
	// slots is by the start of the minute, the newest last.
	slots []counted[int64]
	// totals is by the period, this one and the one before.
	totals        []counted[string]
	failures      int64
	restsUntilMS  int64
	probedUntilMS int64
	waitsUntilMS  int64
	// quotaSeq is the usage under which the store said that the quota is used up.
	quotaSeq     *int64
	quotaUntilMS int64
	soft, hard   *hold
}

// started is the bytes started under the grants of a snapshot; of one that is forgotten, more than any grant.
func (l *local) started(seq int64) int64 {
	for _, count := range l.granted {
		if count.key == seq {
			return count.bytes
		}
	}
	if len(l.granted) == mostSnapshots && seq < l.granted[0].key {
		return maxInteger
	}
	return 0
}

func (l *local) total(period string) int64 {
	for _, count := range l.totals {
		if count.key == period {
			return count.bytes
		}
	}
	return 0
}

// state is what this process knows of all buckets. Whoever shares it holds a lock.
type state struct {
	buckets map[string]*local
	// incumbent is the bucket that took the last write.
	incumbent string
	tokens    int64
	tokensMS  int64
	// suspects are the times when a bare 403 was seen, within the last minute.
	suspects []int64
}

func newState() *state {
	return &state{buckets: map[string]*local{}, tokens: mostTokens}
}

// local is for reading: of a bucket that nothing is known of it is empty, and not kept.
func (s *state) local(name string) *local {
	if found := s.buckets[name]; found != nil {
		return found
	}
	return &local{}
}

func (s *state) changed(name string) *local {
	found := s.local(name)
	s.buckets[name] = found
	return found
}

// charge counts bytes that are about to be sent to a bucket, whatever becomes of them.
func (s *state) charge(v *view, nowMS int64, name string, size int64) {
	found := s.changed(name)
	switch {
	case !v.has("7.charge"):
	case v.simple:
		if capped := v.bucket(name).written; len(capped) > 0 {
			found.totals = added(found.totals, spanAt(capped[0].period, nowMS).key, size, 2)
		}
		found.slots = added(found.slots, nowMS-floorMod(nowMS, slotMS), size, mostSlots+1)
		if len(found.slots) > mostSlots {
			found.slots[1].bytes += found.slots[0].bytes
			found.slots = found.slots[1:]
		}
	default:
		found.granted = added(found.granted, v.seq(), size, mostSnapshots)
	}
	if found.failures >= breakerFailures || found.probedUntilMS != 0 {
		// whoever comes while this try is under way shall not try too
		found.probedUntilMS = nowMS + v.repository.perTryMS
	}
	s.incumbent = name
}

// added is the counts with `size` more under a key, which may not be the newest one; at most so many, the newest.
func added[K cmp.Ordered](kept []counted[K], key K, size int64, most int) []counted[K] {
	at := slices.IndexFunc(kept, func(count counted[K]) bool { return count.key == key })
	if at >= 0 {
		kept[at].bytes += size
		return kept
	}
	kept = append(kept, counted[K]{key, size})
	slices.SortFunc(kept, func(a, b counted[K]) int { return cmp.Compare(a.key, b.key) })
	return kept[max(0, len(kept)-most):]
}

// succeed notes that a write was stored.
func (s *state) succeed(name string) {
	s.tokens = min(mostTokens, s.tokens+tokenOfSuccess)
	s.answer(name)
}

// answer notes that the bucket gave an answer that shows it alive, whatever the answer was.
func (s *state) answer(name string) {
	found := s.changed(name)
	found.failures, found.restsUntilMS, found.probedUntilMS = 0, 0, 0
}

// fail notes that the bucket gave no answer, or one that says it is broken.
func (s *state) fail(nowMS int64, name string) {
	found := s.changed(name)
	found.failures++
	found.probedUntilMS = 0
	if found.failures >= breakerFailures {
		doubled := int64(restMS) << min(found.failures-breakerFailures, 16)
		found.restsUntilMS = nowMS + min(doubled, longestRestMS)
	}
}

// pause notes that the bucket asked for one.
func (s *state) pause(untilMS int64, name string) {
	found := s.changed(name)
	found.waitsUntilMS = max(found.waitsUntilMS, untilMS)
}

// runOut notes that the store said that the quota is used up; that also says the key is good.
func (s *state) runOut(v *view, nowMS int64, name string) {
	found := s.changed(name)
	found.quotaSeq = known(v.seq())
	found.quotaUntilMS = nowMS + v.repository.minClosedMS
	s.suspects = nil
}

// suspect notes a bare 403: quota, or a key that does not work.
func (s *state) suspect(nowMS int64) {
	recent := slices.DeleteFunc(s.suspects, func(at int64) bool { return at <= nowMS-suspectsMS })
	recent = append(recent, nowMS)
	s.suspects = recent[max(0, len(recent)-mostSuspects):]
}

// tokensAt is the thousandths of retries at hand.
func (s *state) tokensAt(nowMS int64) int64 {
	if s.tokensMS == 0 {
		return s.tokens
	}
	brought := scaled(max(0, nowMS-s.tokensMS), tokenOfSecond, 1000)
	return min(mostTokens, s.tokens+min(brought, 2*mostTokens))
}

// retry notes that a retry or a hop is about to be made.
func (s *state) retry(nowMS int64) {
	s.tokens, s.tokensMS = s.tokensAt(nowMS)-oneToken, nowMS
}
