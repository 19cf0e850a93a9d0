"""What this process knows that no file says. Every change gives a new state, so that a vector can replay them."""

from collections.abc import Mapping
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from fbplan.runtime import tuning
from fbplan.runtime.calendar import span_at
from fbplan.runtime.canonical import MAX_INTEGER
from fbplan.runtime.view import View

_K = TypeVar("_K", bound=int | str)


class Hold(NamedTuple):
    """A cap that closed a bucket: since when and on what showing; and when it was lifted, from which on it ramps."""

    since_ms: int
    seq: int
    period: str
    lifted_ms: int | None = None
    lifted_seq: int = 0


class Local(NamedTuple):
    """What is known of one bucket."""

    granted: tuple[tuple[int, int], ...] = ()
    """(seq of the usage, bytes started under its grants), the newest last."""
    slots: tuple[tuple[int, int], ...] = ()
    """(start of the minute, bytes started in it), the newest last."""
    totals: tuple[tuple[str, int], ...] = ()
    """(period, bytes started in it), this one and the one before."""
    failures: int = 0
    rests_until_ms: int = 0
    probed_until_ms: int = 0
    waits_until_ms: int = 0
    quota_seq: int | None = None
    """The usage under which the store said that the quota is used up."""
    quota_until_ms: int = 0
    soft: Hold | None = None
    hard: Hold | None = None

    def started(self, seq: int) -> int:
        """Bytes started under the grants of a snapshot; of one that is forgotten, more than any grant."""
        for known, count in self.granted:
            if known == seq:
                return count
        forgotten = len(self.granted) == tuning.SNAPSHOTS and seq < self.granted[0][0]
        return MAX_INTEGER if forgotten else 0


_NOTHING = Local()


class State(NamedTuple):
    buckets: Mapping[str, Local] = MappingProxyType({})
    incumbent: str | None = None
    """The bucket that took the last write."""
    tokens: int = tuning.TOKENS
    tokens_ms: int = 0
    suspects: tuple[int, ...] = ()
    """When a bare 403 was seen, within the last minute."""

    def local(self, name: str) -> Local:
        return self.buckets.get(name, _NOTHING)

    def put(self, name: str, local: Local) -> "State":
        return self._replace(buckets={**self.buckets, name: local})


def charged(state: State, view: View, now_ms: int, bucket: str, size: int) -> State:
    """Bytes are about to be sent to a bucket, whatever becomes of them."""
    local = state.local(bucket)
    if "7.charge" not in view.off:
        if view.simple:
            period = next((cap.period for cap in view.bucket(bucket).written), None)
            totals = local.totals if period is None else _added(local.totals, span_at(period, now_ms).key, size, 2)
            slots = _added(local.slots, now_ms - now_ms % tuning.SLOT_MS, size, tuning.SLOTS + 1)
            if len(slots) > tuning.SLOTS:
                (_, oldest), (start, count), *rest = slots
                slots = ((start, oldest + count), *rest)
            local = local._replace(slots=slots, totals=totals)
        else:
            local = local._replace(granted=_added(local.granted, view.seq, size, tuning.SNAPSHOTS))
    if local.failures >= tuning.BREAKER_FAILURES or local.probed_until_ms:
        # whoever comes while this try is under way shall not try too
        local = local._replace(probed_until_ms=now_ms + view.repository.per_try_ms)
    return state.put(bucket, local)._replace(incumbent=bucket)


def _added(kept: tuple[tuple[_K, int], ...], key: _K, size: int, most: int) -> tuple[tuple[_K, int], ...]:
    """The counts with `size` more under `key`, which may not be the newest one; at most so many, the newest."""
    if kept and kept[-1][0] == key:
        return (*kept[:-1], (key, kept[-1][1] + size))
    counts = dict(kept)
    counts[key] = counts.get(key, 0) + size
    return tuple(sorted(counts.items(), key=itemgetter(0))[-most:])


def released(state: State, view: View, at_ms: int, bucket: str, size: int) -> State:
    """Bytes that `charged` counted at `at_ms`, by that view, were not sent: they count no more."""
    local = state.local(bucket)
    if not view.simple:
        return state.put(bucket, local._replace(granted=_less(local.granted, view.seq, size)))
    period = next((cap.period for cap in view.bucket(bucket).written), None)
    totals = local.totals if period is None else _less(local.totals, span_at(period, at_ms).key, size)
    began = at_ms - at_ms % tuning.SLOT_MS
    # the slot may have been merged into a later one
    slot = next((start for start, _ in local.slots if start >= began), began)
    return state.put(bucket, local._replace(totals=totals, slots=_less(local.slots, slot, size)))


def _less(kept: tuple[tuple[_K, int], ...], key: _K, size: int) -> tuple[tuple[_K, int], ...]:
    return tuple((known, max(0, count - size) if known == key else count) for known, count in kept)


def succeeded(state: State, bucket: str) -> State:
    """A write was stored."""
    tokens = min(tuning.TOKENS, state.tokens + tuning.TOKEN_OF_SUCCESS)
    if tokens != state.tokens:
        state = state._replace(tokens=tokens)
    return answered(state, bucket)


def answered(state: State, bucket: str) -> State:
    """The bucket gave an answer that shows it alive, whatever the answer was."""
    local = state.local(bucket)
    if not local.failures and not local.probed_until_ms:
        return state
    return state.put(bucket, local._replace(failures=0, rests_until_ms=0, probed_until_ms=0))


def failed(state: State, now_ms: int, bucket: str) -> State:
    """The bucket gave no answer, or one that says it is broken."""
    local = state.local(bucket)
    failures = local.failures + 1
    rests = local.rests_until_ms
    if failures >= tuning.BREAKER_FAILURES:
        doubled = tuning.REST_MS << min(failures - tuning.BREAKER_FAILURES, 16)
        rests = now_ms + min(doubled, tuning.LONGEST_REST_MS)
    return state.put(bucket, local._replace(failures=failures, rests_until_ms=rests, probed_until_ms=0))


def paused(state: State, until_ms: int, bucket: str) -> State:
    """The bucket asked for a pause."""
    local = state.local(bucket)
    return state.put(bucket, local._replace(waits_until_ms=max(local.waits_until_ms, until_ms)))


def out_of_quota(state: State, view: View, now_ms: int, bucket: str) -> State:
    """The store said that the quota is used up; that also says the key is good."""
    until = now_ms + view.repository.min_closed_ms
    local = state.local(bucket)._replace(quota_seq=view.seq, quota_until_ms=until)
    return state.put(bucket, local)._replace(suspects=())


def suspected(state: State, now_ms: int) -> State:
    """A bare 403: quota, or a key that does not work."""
    recent = tuple(at for at in state.suspects if at > now_ms - tuning.SUSPECTS_MS)
    return state._replace(suspects=(*recent, now_ms)[-tuning.SUSPECTS :])


def tokens_at(state: State, now_ms: int) -> int:
    """Thousandths of retries at hand."""
    if not state.tokens_ms:
        return state.tokens
    brought = max(0, now_ms - state.tokens_ms) * tuning.TOKEN_OF_SECOND // 1000
    return min(tuning.TOKENS, state.tokens + brought)


def retried(state: State, now_ms: int) -> State:
    """A retry or a hop is about to be made."""
    return state._replace(tokens=tokens_at(state, now_ms) - tuning.TOKEN, tokens_ms=now_ms)
