"""One write from the first decision to its end, as a machine without input or output. Rules 7 to 9.

    begin ─→ try ─→ stored
              │ ├─→ head ──→ stored | exists
              │ ├─→ wait, reload ─→ try
              │ └─→ (another bucket) try
              └───→ stop

Whoever drives it does what an `Action` says and comes back with what happened. So a thread, an event loop, a test and
another language all take the same way.
"""

from __future__ import annotations

from fbplan.runtime import tuning
from fbplan.runtime.classes import classify, says_exists
from fbplan.runtime.decision import decide, noted
from fbplan.runtime.flight import Action, Answer, Attempt, Flight
from fbplan.runtime.state import (
    State,
    answered,
    charged,
    failed,
    out_of_quota,
    paused,
    retried,
    succeeded,
    suspected,
    tokens_at,
)
from fbplan.runtime.view import Request, View

Step = tuple[State, Flight]


def begin(view: View, state: State, now_ms: int, request: Request) -> Step:
    """The first decision and what it leads to: a try, or the end."""
    return _choose(state, Flight(view, request, now_ms), now_ms)


def proceed(state: State, flight: Flight, now_ms: int) -> Step:
    """What was to be waited for or loaded again is done: the same bucket once more, if it still takes the write."""
    bucket, answer = flight.attempts[-1].bucket, flight.answer or Answer(0)
    if flight.action.do == "reload":
        stop = _limit(state, flight, now_ms, answer)
        if stop is not None:
            return state, _stopped(flight, "failed", stop)
        state = retried(state, now_ms)
    decision = decide(flight.view, state, now_ms, flight.request, flight.tried)
    again = next(c for c in decision.candidates if c.bucket == bucket)
    # the first try was counted, so that there may be no room for a second
    if again.tier == "closed" and again.rule != "3.node":
        return _hop(noted(state, decision), flight, now_ms, answer)
    return _try(state, flight, now_ms, bucket)


def told(state: State, flight: Flight, now_ms: int, answer: Answer) -> Step:
    """A try has ended."""
    attempt = flight.attempts[-1]
    bucket, off = attempt.bucket, flight.view.off
    attempt = attempt._replace(end_ms=now_ms, status=answer.status, code=answer.code)
    if answer.is_success:
        return succeeded(state, bucket), flight.ended(attempt._replace(then="stored"), Action("stored", bucket), "")
    kind = classify(answer.status, answer.code)
    attempt = attempt._replace(kind=kind, rule=f"8.{kind}")
    flight = flight._replace(attempts=(*flight.attempts[:-1], attempt), answer=answer)
    is_open = kind == "transient" and answer.was_sent
    if kind == "request" and says_exists(answer.status, answer.code):
        # perhaps the first try is what stands there
        is_open = any(a.bucket == bucket and a.kind == "transient" for a in flight.attempts[:-1])
        if not is_open and "8.request" not in off:
            return answered(state, bucket), flight.ended(
                attempt._replace(then="stop"), Action("exists", bucket), "8.request"
            )
    if is_open and "7.head" not in off:
        left = flight.left_ms(now_ms)
        if left > 0:
            action = Action("head", bucket, min(left, flight.view.repository.per_try_ms))
            return state, flight._replace(action=action)
        attempt = attempt._replace(settled="unknown")
    return _class(state, flight._replace(attempts=(*flight.attempts[:-1], attempt)), now_ms, answer)


def settled(state: State, flight: Flight, now_ms: int, found: str) -> Step:
    """A HEAD has ended: `equal`, `absent`, `different`, or `unknown` when it failed too."""
    attempt = flight.attempts[-1]._replace(settled=found, end_ms=now_ms)
    bucket = attempt.bucket
    if found == "equal":
        return succeeded(state, bucket), flight.ended(
            attempt._replace(then="stored"), Action("stored", bucket), "7.head"
        )
    if found == "different":
        return answered(state, bucket), flight.ended(attempt._replace(then="stop"), Action("exists", bucket), "7.head")
    flight = flight._replace(attempts=(*flight.attempts[:-1], attempt))
    return _class(state, flight, now_ms, flight.answer or Answer(0))


def _choose(state: State, flight: Flight, now_ms: int) -> Step:
    decision = decide(flight.view, state, now_ms, flight.request, flight.tried)
    state = noted(state, decision)
    flight = flight._replace(decisions=(*flight.decisions, decision))
    if decision.bucket is None:
        # when quota alone stood in the way, nothing is broken
        is_full = all(attempt.kind == "quota" for attempt in flight.attempts)
        return state, flight._replace(action=Action("read_only" if is_full else "failed"), rule=decision.rule)
    return _try(state, flight, now_ms, decision.bucket)


def _try(state: State, flight: Flight, now_ms: int, bucket: str) -> Step:
    size, view = flight.request.size, flight.view
    state = charged(state, view, now_ms, bucket, size)
    attempt = Attempt(len(flight.decisions) - 1, bucket, now_ms, 0 if "7.charge" in view.off else size)
    timeout = max(1, min(view.repository.per_try_ms, flight.left_ms(now_ms)))
    return state, flight._replace(attempts=(*flight.attempts, attempt), action=Action("try", bucket, timeout))


def _class(state: State, flight: Flight, now_ms: int, answer: Answer) -> Step:
    """Rule 8: what the class of the last answer means."""
    attempt = flight.attempts[-1]
    bucket, kind = attempt.bucket, attempt.kind or "request"
    if f"8.{kind}" in flight.view.off:
        kind = "quota_suspect" if kind == "request" else "request"
    if kind != "transient":
        state = answered(state, bucket)
    match kind:
        case "quota":
            if _is_under_cap(flight, bucket):
                flight = _alarmed(flight, "credit_mismatch")
            return _hop(out_of_quota(state, flight.view, now_ms, bucket), flight, now_ms, answer)
        case "quota_suspect":
            state = suspected(state, now_ms)
            is_many = len(state.suspects) == tuning.SUSPECTS and _is_under_cap(flight, bucket)
            if is_many and "8.suspects" not in flight.view.off:
                flight = _alarmed(flight, "auth")
            return _hop(state, flight, now_ms, answer)
        case "throttle":
            return _throttled(state, flight, now_ms, answer)
        case "transient":
            state = failed(state, now_ms, bucket)
            tries = sum(1 for a in flight.attempts if a.bucket == bucket and a.kind == "transient")
            if tries >= tuning.TRIES or state.local(bucket).failures >= tuning.BREAKER_FAILURES:
                return _hop(state, flight, now_ms, answer)
            least, most = tuning.JITTER_MS
            return _again(state, flight, now_ms, answer, Action("wait", bucket, least + answer.dice % most), "retry")
        case "auth" | "clock":
            if flight.reloads:
                flight = _alarmed(flight, kind)
                return state, _stopped(flight, "refused", attempt.rule)
            # also when this write cannot go on: the next one needs the new key
            flight = flight._replace(reloads=1)
            return state, flight.ended(attempt._replace(then="reload"), Action("reload", bucket), "")
        case _:
            return state, _stopped(flight, "refused", "8.request")


def _throttled(state: State, flight: Flight, now_ms: int, answer: Answer) -> Step:
    attempt, asked = flight.attempts[-1], answer.retry_after_ms
    if asked is None:
        return _hop(state, flight, now_ms, answer)
    state = paused(state, now_ms + asked, attempt.bucket)
    waited = any(a.bucket == attempt.bucket and a.then == "wait" for a in flight.attempts)
    is_short = asked <= flight.view.repository.per_try_ms and asked < flight.left_ms(now_ms)
    if waited or not is_short or not _can_repeat(flight, answer):
        return _hop(state, flight, now_ms, answer)
    return _again(state, flight, now_ms, answer, Action("wait", attempt.bucket, asked), "wait")


def _again(state: State, flight: Flight, now_ms: int, answer: Answer, action: Action, then: str) -> Step:
    """The same bucket once more, after a wait or a reload."""
    stop = _limit(state, flight, now_ms + action.ms, answer)
    if stop is not None:
        return state, _stopped(flight, "failed", stop)
    attempt = flight.attempts[-1]._replace(then=then)
    return retried(state, now_ms), flight.ended(attempt, action, "")


def _hop(state: State, flight: Flight, now_ms: int, answer: Answer) -> Step:
    stop = _limit(state, flight, now_ms, answer)
    if stop is None and flight.hops >= flight.view.repository.max_hops and "9.hops" not in flight.view.off:
        stop = "9.hops"
    if stop is not None:
        return state, _stopped(flight, "failed", stop)
    attempt = flight.attempts[-1]._replace(then="hop")
    flight = flight._replace(
        attempts=(*flight.attempts[:-1], attempt),
        tried=(*flight.tried, attempt.bucket),
        hops=flight.hops + 1,
    )
    return _choose(retried(state, now_ms), flight, now_ms)


def _limit(state: State, flight: Flight, at_ms: int, answer: Answer) -> str | None:
    """The rule that forbids another try of any kind."""
    off = flight.view.off
    if not _can_repeat(flight, answer) and "7.once" not in off:
        return "7.once"
    if flight.left_ms(at_ms) <= 0 and "9.deadline" not in off:
        return "9.deadline"
    if tokens_at(state, at_ms) < tuning.TOKEN and "9.tokens" not in off:
        return "9.tokens"
    return None


def _can_repeat(flight: Flight, answer: Answer) -> bool:
    return flight.request.is_repeatable or not answer.was_sent


def _stopped(flight: Flight, do: str, rule: str) -> Flight:
    attempt = flight.attempts[-1]._replace(then="stop")
    return flight.ended(attempt, Action(do, attempt.bucket), rule)


def _alarmed(flight: Flight, alarm: str) -> Flight:
    return flight._replace(alarms=tuple(sorted({*flight.alarms, alarm})))


def _is_under_cap(flight: Flight, bucket: str) -> bool:
    """Whether what is known says that there is room left."""
    found = next(c for c in flight.decisions[-1].candidates if c.bucket == bucket)
    caps = [cap.hard for cap in flight.view.bucket(bucket).written]
    return found.used + found.own < min(caps, default=1 + found.used + found.own)
