"""Rule 2: what the caps of a bucket say to one write."""

from typing import NamedTuple

from fbplan.runtime.calendar import key_before, span_at
from fbplan.runtime.grants import TIERS, covers, is_live
from fbplan.runtime.policy import WRITTEN, Meter
from fbplan.runtime.state import Local
from fbplan.runtime.tuning import SLOT_MS
from fbplan.runtime.usage import MeterUse
from fbplan.runtime.view import View


class Standing(NamedTuple):
    """How a bucket stands with one cap, for a write of some size. Bytes; `room` is what this writer may start."""

    tier: str
    """`open`, `last` or `closed`."""
    rule: str
    retry_at_ms: int | None = None
    """When a bucket that this cap closes may open again."""
    used: int = 0
    own: int = 0
    limit: int | None = None
    room: int = 0
    period: str = ""
    full: tuple[str, ...] = ()
    """The tiers, soft or hard, whose cap refuses such a write whoever makes it: there the hysteresis begins."""
    scant: tuple[str, ...] = ()
    """The tiers of which a whole share is too small for the write, however far use is from their cap."""


def standing(view: View, local: Local, now_ms: int, name: str, size: int) -> Standing:
    """The gravest of what the caps of a bucket say."""
    bucket = view.bucket(name)
    found = Standing("open", "2.unlimited")
    if "2.unlimited" in view.off and not bucket.written:
        return Standing("closed", "2.unknown", view.next_poll_ms(now_ms))
    for cap in bucket.written:
        found = _written(view, local, now_ms, name, cap, size)
        if found.tier == "closed":
            return found
    if found.tier == "open" and "2.hint" not in view.off and _is_hinted(view, name):
        return Standing(
            "last",
            "2.hint",
            found.retry_at_ms,
            found.used,
            found.own,
            found.limit,
            found.room,
            found.period,
            found.full,
            found.scant,
        )
    return found


def _is_hinted(view: View, name: str) -> bool:
    use = view.use(name)
    caps = (cap for cap in view.bucket(name).meters if cap.name != WRITTEN and cap.limit is not None)
    return use is not None and any(cap.name in use.meters and use.meters[cap.name].used >= cap.soft for cap in caps)


def _written(view: View, local: Local, now_ms: int, name: str, cap: Meter, size: int) -> Standing:
    use = view.use(name)
    meter = None if use is None else use.meters.get(cap.name)
    if use is None or meter is None or use.quality == "unknown":
        if view.simple and view.usage is None and not view.expects_usage:
            return _counted_alone(view, local, now_ms, name, cap, size)
        if "2.unknown" not in view.off:
            return Standing("closed", "2.unknown", view.next_poll_ms(now_ms), limit=cap.limit)
        return Standing("open", "2.open", limit=cap.limit)
    if view.simple:
        return _counted(view, local, now_ms, name, cap, size, meter)
    if not is_live(now_ms, use.expires_ms, view.repository.skew_ms) and "2.expired" not in view.off:
        return Standing("closed", "2.expired", view.next_poll_ms(now_ms), meter.used, 0, cap.limit, 0, meter.period)
    if view.usage is not None and view.is_too_young(view.usage.published_ms):
        return Standing("closed", "2.born", view.next_poll_ms(now_ms), meter.used, 0, cap.limit, 0, meter.period)
    writers = view.writers(name)
    own = local.started(view.seq) if "2.own" not in view.off else 0
    rooms = meter.soft // writers, meter.hard // writers
    # even with nothing started, the share of this snapshot is too small
    full = _full(view, cap, meter.used, rooms, 0, size)
    reset = _reset_ms(meter, cap)
    retry = reset if meter.used >= cap.hard and reset is not None else view.next_poll_ms(now_ms)
    scant = tuple(tier for tier, room in zip(TIERS, rooms, strict=True) if not covers(room, 0, size))
    return _tiered(view, rooms, size, Standing("", "", retry, meter.used, own, cap.limit, 0, meter.period, full, scant))


def _counted(view: View, local: Local, now_ms: int, name: str, cap: Meter, size: int, meter: MeterUse) -> Standing:
    """One process on top of the statistics: what it started too late for them to know is added."""
    as_of = view.usage.as_of_ms if view.usage is not None else now_ms
    late = SLOT_MS + view.repository.max_upload_ms
    own = sum(count for start, count in local.slots if start + late > as_of)
    reset = _reset_ms(meter, cap)
    retry = view.next_poll_ms(now_ms) if reset is None else reset
    return _remaining(view, name, cap, size, Standing("", "", retry, meter.used, own, cap.limit, 0, meter.period))


def _counted_alone(view: View, local: Local, now_ms: int, name: str, cap: Meter, size: int) -> Standing:
    """One process without statistics: what it started in the period is what was used."""
    span = span_at(cap.period, now_ms)
    totals, key = dict(local.totals), span.key
    retry = None if span.ends_ms is None else span.ends_ms + cap.period.grace_ms
    own, graced_ms, before = totals.get(key, 0), span.starts_ms + cap.period.grace_ms, totals.get(key_before(key), 0)
    if now_ms < graced_ms and before:
        # the store may still book to the period before, and then takes the new bytes on top of the old ones
        key, own, retry = key_before(key), own + before, graced_ms
    known = Standing("", "", retry, 0, own, cap.limit, 0, key)
    return _remaining(view, name, cap, size, known)


def _remaining(view: View, name: str, cap: Meter, size: int, found: Standing) -> Standing:
    writers = view.writers(name)
    own = found.own if "2.own" not in view.off else 0
    rooms = max(0, cap.soft - found.used) // writers, max(0, cap.hard - found.used) // writers
    full = _full(view, cap, found.used + own * writers, rooms, own, size)
    return _tiered(view, rooms, size, found._replace(own=own, full=full))


def _full(view: View, cap: Meter, used: int, rooms: tuple[int, int], own: int, size: int) -> tuple[str, ...]:
    """The tiers that are full: use is where a closed bucket stays closed, and the write does not fit."""
    if used < _level(view, cap.soft):
        return ()  # and so it is under that of the hard cap
    soft = ("soft",) if not covers(rooms[0], own, size) else ()
    hard = ("hard",) if used >= _level(view, cap.hard) and not covers(rooms[1], own, size) else ()
    return soft + hard


def _level(view: View, cap_bytes: int) -> int:
    """Under this use a bucket that a cap closed may open again, and above it a refusal closes it."""
    return cap_bytes * view.repository.reopen_ppm // 1_000_000


def _tiered(view: View, rooms: tuple[int, int], size: int, known: Standing) -> Standing:
    """A write under the soft grant counts against the hard one too, so it needs both."""
    soft = covers(rooms[0], known.own, size) or "2.open" in view.off
    hard = covers(rooms[1], known.own, size) or "2.closed" in view.off
    if not hard or (not soft and "2.last" in view.off):
        tier, rule = "closed", "2.closed"
    else:
        tier, rule = ("open", "2.open") if soft else ("last", "2.last")
    _, _, retry, used, own, limit, _, period, full, scant = known
    return Standing(tier, rule, retry, used, own, limit, rooms[0] if tier == "open" else rooms[1], period, full, scant)


def _reset_ms(meter: MeterUse, cap: Meter) -> int | None:
    return None if meter.resets_ms is None else meter.resets_ms + cap.period.grace_ms
