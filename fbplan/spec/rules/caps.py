"""Soft caps: each must make sense in itself, and a routed bucket should have one."""

from __future__ import annotations

from collections.abc import Iterator

from fbplan.errors import Code, Diagnostic
from fbplan.kinds.bucket import Bucket, SoftCap
from fbplan.spec.document import Document, TreePath
from fbplan.spec.model import Spec
from fbplan.spec.rules.routed import routed_order
from fbplan.spec.rules.scope import Scope
from fbplan.spec.wording import quoted

_SOFT, _HARD = 800_000, 1_000_000
_SMALL = 1_000_000
"""Bytes; nobody buys less credit than this, but a unit is soon forgotten."""


def caps_of(bucket: Bucket) -> list[SoftCap]:
    """The caps of a bucket as a list, however they were written."""
    match bucket.soft_cap:
        case None:
            return []
        case list() as caps:
            return caps
        case cap:
            return [cap]


def cap_rules(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    routed = {bucket for name, repository in spec.repositories.items() for bucket in routed_order(name, repository)}
    for name, bucket in spec.buckets.items():
        caps = caps_of(bucket)
        if not caps and name in routed and scope.is_whole("buckets", name):
            yield doc.problem(
                Code.NO_CAP,
                "writes are routed here and nothing says when to stop",
                "add `soft_cap: {limit: 500GB}`, or `{limit: unlimited}` to say so",
                ("buckets", name),
                at_key=True,
                address=f"bucket.{name}",
                is_warning=True,
            )
        meters: set[str] = set()
        for index, cap in enumerate(caps):
            path = ("buckets", name, "soft_cap", *((index,) if isinstance(bucket.soft_cap, list) else ()))
            meter = cap.meter or "ingress_bytes"
            if meter in meters:
                yield doc.problem(
                    Code.CAP,
                    f"two caps for the meter {meter}",
                    "keep one cap a meter",
                    path,
                    address=f"bucket.{name}",
                )
            meters.add(meter)
            if isinstance(cap.limit, int) and 0 < cap.limit < _SMALL:
                yield from _without_a_unit(doc, name, cap.limit, path)
            if cap.hard is not None or cap.period is not None or cap.tz is not None:
                yield from _within(doc, name, cap, path)


def _without_a_unit(doc: Document, name: str, limit: int, path: TreePath) -> Iterator[Diagnostic]:
    if isinstance(doc.value((*path, "limit")), int):
        yield doc.problem(
            Code.SMALL_CAP,
            f"a limit of {limit:,} bytes: a number without a unit counts bytes",
            f"write the unit: {limit}GB, {limit}GiB, or {limit}B if that is meant",
            (*path, "limit"),
            address=f"bucket.{name}",
            is_warning=True,
        )


def _within(doc: Document, name: str, cap: SoftCap, path: TreePath) -> Iterator[Diagnostic]:
    at = f"bucket.{name}"
    soft, hard = cap.soft if cap.soft is not None else _SOFT, cap.hard if cap.hard is not None else _HARD
    if soft > hard:
        default = "" if cap.soft is not None else ", by default"
        yield doc.problem(
            Code.CAP,
            f"soft ({_percent(soft)}{default}) is above hard ({_percent(hard)})",
            "lower `soft`, or raise `hard`",
            (*path, "hard"),
            address=at,
        )
    if cap.period == "none" and (cap.anchor_day is not None or cap.tz is not None):
        odd = "anchor_day" if cap.anchor_day is not None else "tz"
        yield doc.problem(
            Code.CAP,
            f"{odd} has no meaning with `period: none`",
            "take it out, or use `period: month`",
            (*path, odd),
            at_key=True,
            address=at,
        )
    if cap.tz is not None and not _is_zone(cap.tz):
        yield doc.problem(
            Code.CAP,
            f"{quoted(cap.tz)} is not a time zone",
            "use a name like UTC or Europe/Paris",
            (*path, "tz"),
            address=at,
        )


def _percent(ppm: int) -> str:
    return f"{ppm / 10_000:.4f}".rstrip("0").rstrip(".") + "%"


def _is_zone(name: str) -> bool:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
