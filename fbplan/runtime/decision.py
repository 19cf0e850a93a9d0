"""One decision: which bucket takes a write, and why every other does not. Rules 1 to 6.

`decide` is a pure function of the files (the view), of what this process knows (the state), the time and the request.
Time is in milliseconds, sizes in bytes, shares in ppm; there are only integers.
"""

from typing import NamedTuple

from fbplan.runtime.caps import Standing, standing
from fbplan.runtime.hysteresis import held
from fbplan.runtime.state import Hold, Local, State
from fbplan.runtime.tuning import LATENCY_MARGIN_PPM, LATENCY_SAMPLES
from fbplan.runtime.view import Request, View


class Candidate(NamedTuple):
    """One bucket of the repository, and the rule by which it may or may not take the write."""

    bucket: str
    tier: str
    """`open`, `last` or `closed`."""
    rule: str
    retry_at_ms: int | None = None
    used: int = 0
    own: int = 0
    limit: int | None = None
    room: int = 0


class Decision(NamedTuple):
    """`bucket` None means read-only: `retry_at_ms` is the first time at which asking again makes sense, if any."""

    at_ms: int
    bucket: str | None
    rule: str
    candidates: tuple[Candidate, ...]
    retry_at_ms: int | None = None
    holds: tuple[tuple[str, Hold | None, Hold | None], ...] = ()
    """(bucket, soft, hard): holds as they are from now on."""


def decide(view: View, state: State, now_ms: int, request: Request, tried: tuple[str, ...] = ()) -> Decision:
    """The bucket for the next try of a request that has `tried` some already."""
    candidates, holds = [], []
    for name in view.repository.attached:
        local = state.local(name)
        barred = _barred(view, local, now_ms, name, request, tried)
        if barred is not None:
            candidates.append(barred)
            continue
        found = standing(view, local, now_ms, name, request.size)
        soft = held(view, local.soft, now_ms, view.bucket(name), "soft", found)
        hard = held(view, local.hard, now_ms, view.bucket(name), "hard", found)
        if (soft.hold, hard.hold) != (local.soft, local.hard):
            holds.append((name, soft.hold, hard.hold))
        tier, rule, retry = found.tier, found.rule, found.retry_at_ms if found.tier == "closed" else None
        if tier != "closed" and hard.rule is not None:
            tier, rule, retry = "closed", hard.rule, hard.retry_at_ms
        elif tier == "open" and soft.rule is not None:
            tier, rule = "last", soft.rule
        candidates.append(_candidate(name, tier, rule, retry, found))
    best, rule, shown = _pick(view, state, now_ms, candidates)
    retry_at = None
    if best is None:
        if "6.readonly" in view.off:
            best = view.repository.order[0] if view.repository.order else None
        times = [c.retry_at_ms for c in shown if c.retry_at_ms is not None]
        retry_at = min(times) if times and "6.retry_at" not in view.off else None
    return Decision(now_ms, best, rule, shown, retry_at, tuple(holds))


def noted(state: State, decision: Decision) -> State:
    """The state after a decision was made: caps that closed and caps that opened are remembered."""
    for name, soft, hard in decision.holds:
        state = state.put(name, state.local(name)._replace(soft=soft, hard=hard))
    return state


def _candidate(name: str, tier: str, rule: str, retry: int | None, found: Standing) -> Candidate:
    return Candidate(name, tier, rule, retry, found.used, found.own, found.limit, found.room)


def _barred(
    view: View, local: Local, now_ms: int, name: str, request: Request, tried: tuple[str, ...]
) -> Candidate | None:
    """Rule 1, the age of the policy, and a store that said no: whatever else, this bucket is out."""
    bucket, repository, off = view.bucket(name), view.repository, view.off
    rule: str | None = None
    retry: int | None = None
    if view.has_expired(now_ms) and "6.expired" not in off:
        rule = "6.expired"
    elif name not in repository.order and "1.role" not in off:
        rule = "1.role"
    elif bucket.state != "active" and "1.state" not in off:
        rule = "1.state"
    elif request.only is not None and request.only != name and "1.pinned" not in off:
        rule = "1.pinned"
    elif any(request.size > cap.hard for cap in bucket.written) and "1.size" not in off:
        rule = "1.size"
    elif name in tried and "1.tried" not in off:
        rule = "1.tried"
    elif local.quota_seq is not None and view.seq <= local.quota_seq and "8.quota" not in off:
        if view.usage is not None:
            rule, retry = "8.quota", view.next_poll_ms(now_ms)
        elif now_ms < local.quota_until_ms:
            rule, retry = "8.quota", local.quota_until_ms
    return None if rule is None else Candidate(name, "closed", rule, retry)


def _pick(
    view: View, state: State, now_ms: int, candidates: list[Candidate]
) -> tuple[str | None, str, tuple[Candidate, ...]]:
    """Rules 3 and 5, and the candidates with what health says of them."""
    shown, well, ill = [], [], []
    for candidate in candidates:
        if candidate.tier == "closed":
            shown.append(candidate)
            continue
        out = _unhealthy(view, state.local(candidate.bucket), now_ms, candidate.bucket)
        if out is None:
            well.append(candidate)
            shown.append(candidate)
        else:
            rule, retry = out
            shown.append(candidate._replace(tier="closed", rule=rule, retry_at_ms=retry))
            if rule != "3.throttle" and state.local(candidate.bucket).probed_until_ms <= now_ms:
                ill.append(candidate)
    if well:
        name, rule = _first(view, state, well)
        return name, rule, tuple(shown)
    if ill and "3.probe" not in view.off:
        return _first(view, state, ill)[0], "3.probe", tuple(shown)
    return None, "6.readonly", tuple(shown)


def _unhealthy(view: View, local: Local, now_ms: int, name: str) -> tuple[str, int] | None:
    if "3.breaker" not in view.off:
        until = max(local.rests_until_ms, local.probed_until_ms)
        if now_ms < until:
            return "3.breaker", until
    if now_ms < local.waits_until_ms and "3.throttle" not in view.off:
        return "3.throttle", local.waits_until_ms
    use = view.use(name)
    if use is not None and use.node in {"OFFLINE", "DISCONNECTED"} and "3.node" not in view.off:
        return "3.node", view.next_poll_ms(now_ms)
    return None


def _first(view: View, state: State, open_ones: list[Candidate]) -> tuple[str, str]:
    """The best of those that may take the write; `candidates` stand in the order of the policy."""
    best = open_ones
    if "5.tier" not in view.off:
        best = [c for c in open_ones if c.tier == "open"] or open_ones
    names = [c.bucket for c in best]
    if "5.ordered" in view.off:
        names.sort(reverse=True)
    if view.repository.strategy == "latency" and "5.latency" not in view.off:
        return _fastest(view, state.incumbent if state.incumbent in names else names[0], names), "5.latency"
    return names[0], "5.ordered"


def _fastest(view: View, incumbent: str, names: list[str]) -> str:
    known = {
        name: use.put_p95_us
        for name in names
        if (use := view.use(name)) is not None and use.samples >= LATENCY_SAMPLES and use.put_p95_us > 0
    }
    if incumbent not in known:
        return incumbent
    challenger = min(known, key=lambda name: known[name])  # of equals the first in the order
    bar = known[incumbent] * (1_000_000 - LATENCY_MARGIN_PPM) // 1_000_000
    return challenger if known[challenger] <= bar else incumbent
