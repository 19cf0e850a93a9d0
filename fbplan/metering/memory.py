"""What a poll has to know of those before it. It stands in the usage file itself, so that a restart knows it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fbplan.runtime.form import Part, parse
from fbplan.runtime.grants import Grant
from fbplan.runtime.times import time_in
from fbplan.runtime.usage import FORMAT, TIERS, read_usage

Place = tuple[str, str]
"""A bucket and one of its meters."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of one meter of one bucket."""

    highs: Mapping[str, int]
    """Period → the largest use that was seen in it; of the last two periods."""
    as_of_ms: int
    """Whatever ended before this is in the last of them."""
    earlier: tuple[Grant, ...] = ()
    """Grants that may still be in use, those of the last round included."""
    blind_until_ms: int = 0
    """Until the statistics have got this far, grants that nobody remembers may be in use."""


@dataclass(frozen=True, slots=True)
class Memory:
    """`seq` of the last round; `failures` counts the polls in a row that could not read all they had to."""

    seq: int = 0
    failures: int = 0
    meters: Mapping[Place, Known] = field(default_factory=dict)


def remembered(raw: bytes) -> Memory:
    """What a published usage file remembers. Raises Unusable; a file of another publisher may remember less."""
    usage = read_usage(raw)
    document = Part("", parse(raw, FORMAT))
    meters: dict[Place, Known] = {}
    for bucket, part in document.named("buckets"):
        expires_ms = usage.buckets[bucket].expires_ms
        meters |= {(bucket, name): _known(shown, expires_ms, usage.as_of_ms) for name, shown in part.named("meters")}
    return Memory(usage.seq, document.integer("failed_polls", 0), meters)


def merged(ours: Memory, theirs: Memory) -> Memory:
    """What two publishers know together: the larger use, the older statistics, the grants of both."""
    meters = dict(ours.meters)
    for place, found in theirs.meters.items():
        known = meters.get(place)
        meters[place] = found if known is None else _merged(known, found)
    return Memory(max(ours.seq, theirs.seq), max(ours.failures, theirs.failures), meters)


def blinded(memory: Memory, until_ms: int) -> Memory:
    """The same, when somebody granted what cannot be read."""
    meters = {
        place: replace(known, blind_until_ms=max(known.blind_until_ms, until_ms))
        for place, known in memory.meters.items()
    }
    return replace(memory, meters=meters)


def _merged(one: Known, other: Known) -> Known:
    periods = {*one.highs, *other.highs}
    return Known(
        highs={key: max(one.highs.get(key, 0), other.highs.get(key, 0)) for key in periods},
        as_of_ms=min(one.as_of_ms, other.as_of_ms),
        earlier=tuple(dict.fromkeys((*one.earlier, *other.earlier))),
        blind_until_ms=max(one.blind_until_ms, other.blind_until_ms),
    )


def _known(part: Part, expires_ms: int, as_of_ms: int) -> Known:
    grants = [Grant(g.text("id"), g.word("tier", TIERS), g.integer("bytes"), expires_ms) for g in part.each("grants")]
    earlier = [
        Grant(g.text("id"), g.word("tier", TIERS), g.integer("bytes"), time_in(g, "expires_at"))
        for g in part.each("earlier")
    ]
    highs = part.part("highs")
    return Known(
        highs={key: highs.integer(key) for key in highs.held} or {part.text("period"): part.integer("used")},
        as_of_ms=time_in(part, "as_of") if "as_of" in part.held else as_of_ms,
        earlier=tuple(g for g in (*earlier, *grants) if g.size),
        blind_until_ms=time_in(part, "blind_until") if "blind_until" in part.held else 0,
    )
