"""The right to apply, in words and in the lock: who holds it, how one waits for it, what is said when it stays taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import TypeVar

from fbplan.errors import LockHeld, Refused
from fbplan.storage.base import Clock, Holder, Lease, Storage

UNKNOWN = "unknown"
"""The id under which a lock can be broken that does not say who made it."""
Held = TypeVar("Held", bound=Lease)
_TEXTS = ("id", "who", "host", "since", "command", "run_url")
_AT_LEAST = 0.2
"""Seconds of trying even for who does not want to wait: a glance at the lock by somebody else takes it for a moment."""


def encoded(holder: Holder, **more: str) -> bytes:
    """The holder as the lock holds it: one line of JSON."""
    return json.dumps({**asdict(holder), **more}, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def decoded(content: bytes) -> tuple[Holder, dict[str, object]]:
    """The holder in a lock, and everything else it says. Whatever stands there, this is no exception."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        text = content[:200].decode(errors="replace").strip()
        return Holder(UNKNOWN, text or "an unknown process", "", 0, ""), {}
    known = {f.name for f in fields(Holder)}
    texts = {name: str(found.get(name) or "")[:2000] for name in _TEXTS}
    numbers = {name: _number(found.get(name)) for name in ("process", "seconds", "beat")}
    holder = Holder(
        **{**texts, "id": texts["id"] or UNKNOWN},
        process=int(numbers["process"]),
        seconds=numbers["seconds"],
        beat=int(numbers["beat"]),
    )
    return holder, {name: value for name, value in found.items() if name not in known}


def _number(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 2**53 else 0.0  # type: ignore[operator,arg-type]  # is_number


def sentence(holder: Holder) -> str:
    """`ada on runner-7 (process 4711) since 2026-03-01T10:00:00Z, https://ci/run/9`."""
    out = holder.who or "somebody"
    if holder.host:
        out += f" on {holder.host}"
    if holder.process:
        out += f" (process {holder.process})"
    if holder.since:
        out += f" since {holder.since}"
    return out + (f", {holder.run_url}" if holder.run_url else "")


def taken(label: str, holder: Holder, given: str) -> LockHeld:
    """What is told when the right to apply was not given up in time; `given` names the spec in a command."""
    return LockHeld(
        "another apply is running",
        label,
        f"the lock is held by {sentence(holder)}; its lease is {holder.id}",
        f"wait for it: fbplan apply{given} --lock-timeout 60s; or, if it is dead: fbplan unlock{given} {holder.id}",
    )


def not_the_holder(label: str, lease_id: str, holder: Holder, given: str) -> Refused:
    return Refused(
        f"the lease {lease_id} does not hold the lock",
        label,
        f"it is held by {sentence(holder)}; its lease is {holder.id}",
        f"see who it is, then: fbplan unlock{given} {holder.id}",
    )


def wait_for(
    attempt: Callable[[], Held | Holder],
    wait: float,
    told: Callable[[str], None],
    clock: Clock,
    label: str,
    every: float,
    given: str = "",
) -> Held:
    """Try until there is a lease, telling once who is in the way (and again when that changes). Raises LockHeld."""
    end = clock.now() + max(wait, _AT_LEAST)
    last: Holder | None = None
    while True:
        found = attempt()
        if not isinstance(found, Holder):
            return found
        left = end - clock.now()
        if left <= 0:
            raise taken(label, found, given)
        if wait > _AT_LEAST and (last is None or replace(found, beat=last.beat) != last):
            told(f"waiting up to {left:.0f} s for the lock: it is held by {sentence(found)}")
            last = found
        clock.sleep(min(every, left))


def lost_lock(lease: Lease | None, storage: Storage | None) -> LockHeld | None:
    """Why nothing new may be sent, where the lock is not this run's any more."""
    if lease is None or lease.is_held():
        return None
    return LockHeld(
        "the lock was lost",
        storage.label if storage else "",
        "somebody broke it, or it could not be renewed in time; nothing new was sent",
        f"see who holds it: fbplan unlock{storage.given if storage else ''}; then run the same command again",
    )
