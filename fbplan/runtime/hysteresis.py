"""Rule 4: what a cap closed opens again late, and for one writer after another."""

from typing import NamedTuple

from fbplan.runtime.caps import Standing
from fbplan.runtime.policy import Bucket
from fbplan.runtime.state import Hold
from fbplan.runtime.view import View


class Held(NamedTuple):
    """What a hold says now: the rule that denies, if one does; and the hold as it is from now on."""

    hold: Hold | None
    rule: str | None = None
    retry_at_ms: int | None = None


_FREE = Held(None)


def turn(writer: str, bucket: str, seq: int) -> int:
    """A writer's place in the ramp of a bucket, in ppm; the same in every language."""
    import hashlib

    hashed = hashlib.sha256(f"{writer}|{bucket}|{seq}".encode()).digest()
    return int.from_bytes(hashed[:4], "big") % 1_000_000


def held(view: View, hold: Hold | None, now_ms: int, bucket: Bucket, tier: str, found: Standing) -> Held:
    """How the hold of one tier of a bucket stands."""
    if hold is None and not found.scant and not found.full:
        return _FREE
    if not found.period:
        return Held(hold)  # use is not known: nothing is learnt about the cap
    if tier in found.full:
        if hold is None or hold.lifted_ms is not None:
            return Held(Hold(now_ms, view.seq, found.period))
        # still closed by the cap itself: a newer showing and a new period count from here
        return Held(hold._replace(seq=view.seq, period=found.period))
    if "4.hold" in view.off:
        return Held(None)
    if hold is None or (hold.lifted_ms is not None and hold.period == found.period):
        return _resting(view, hold, now_ms, bucket, tier, found)
    if hold.lifted_ms is None:
        denied = _denied(view, hold, now_ms, bucket, tier, found)
        if denied is not None:
            return denied
    hold = hold._replace(period=found.period, lifted_ms=now_ms, lifted_seq=view.seq)
    return _ramping(view, hold, now_ms, bucket)


def _resting(view: View, hold: Hold | None, now_ms: int, bucket: Bucket, tier: str, found: Standing) -> Held:
    """A hold that denies nothing but its ramp. Who had no room is held so too: all have some when a period begins."""
    if tier in found.scant:
        return Held(hold or Hold(now_ms, view.seq, found.period, now_ms - view.repository.ramp_ms))
    if hold is None or found.tier == "closed":
        return Held(hold)
    return _ramping(view, hold, now_ms, bucket)


def _denied(view: View, hold: Hold, now_ms: int, bucket: Bucket, tier: str, found: Standing) -> Held | None:
    cap = next((cap for cap in bucket.written), None)
    level = 0 if cap is None else (cap.soft if tier == "soft" else cap.hard) * view.repository.reopen_ppm // 1_000_000
    known_use = found.used + (found.own * view.writers(bucket.name) if view.simple else 0)
    has_fallen = view.seq > hold.seq and known_use <= level
    if not has_fallen and found.period == hold.period:
        return Held(hold, "4.hold", found.retry_at_ms if view.usage is None else view.next_poll_ms(now_ms))
    opens_ms = hold.since_ms + view.repository.min_closed_ms
    if now_ms < opens_ms and "4.min" not in view.off:
        return Held(hold, "4.min", opens_ms)
    return None


def _ramping(view: View, hold: Hold, now_ms: int, bucket: Bucket) -> Held:
    began, length = hold.lifted_ms or 0, view.repository.ramp_ms
    # a policy that came meanwhile may have no ramp, and a clock may have been set back
    if not length or now_ms >= began + length or "4.ramp" in view.off:
        return Held(None)
    mine = turn(view.writer, bucket.name, hold.lifted_seq)
    if mine < (now_ms - began) * 1_000_000 // length:
        return Held(hold)
    # the first millisecond at which the ramp has passed this writer's place
    return Held(hold, "4.ramp", began + -(-(mine + 1) * length // 1_000_000))
