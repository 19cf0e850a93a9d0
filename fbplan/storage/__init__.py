"""Where what fbplan must not forget is kept: one small interface, local files or an object store behind it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fbplan.commands import given
from fbplan.errors import UsageFault
from fbplan.storage.base import Blob, Clock, Conflict, Holder, Lease, Log, Storage
from fbplan.storage.files import Files
from fbplan.storage.location import NotAPlace, ObjectUrl, is_url, parse_url

if TYPE_CHECKING:
    from fbplan.storage.document import Document

__all__ = [
    "Blob",
    "Clock",
    "Conflict",
    "Files",
    "Holder",
    "Lease",
    "Log",
    "Storage",
    "is_url",
    "open_document",
    "open_storage",
]


def open_storage(
    location: str,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    *,
    spec: str = "",
) -> Storage | None:
    """The storage behind `ledger:`; None for `none`, which keeps nothing. Relative paths count from `folder`.

    `clock` is how a wait for the lock passes: a sleep of its own may end it. `spec` is how the user names the spec: what
    goes wrong here tells commands that can be pasted. Opening asks nothing of the network. Raises UsageFault for a URL
    that fbplan cannot use.
    """
    if location == "none":
        return None
    if not is_url(location):
        return _named(Files(folder / location, clock), spec)
    url = _parsed(location, "the ledger's URL cannot be used", "ledger")
    from fbplan.storage.object_calls import Patience, connected
    from fbplan.storage.object_lease import SECONDS
    from fbplan.storage.objects import Objects

    env = os.environ if environ is None else environ
    seconds = _seconds("FBPLAN_LEASE_SECONDS", env.get("FBPLAN_LEASE_SECONDS"), SECONDS)
    timeout = _timeout(env)
    patience = Patience(timeout=timeout, altogether=4 * timeout)
    # a heartbeat has to come through, or to fail, while there is time for the next one
    hasty = Patience(timeout=min(timeout, max(1.0, seconds / 6)), retries=2, altogether=seconds / 4)
    found = Objects(
        connected(url, patience, env),
        str(url),
        url.key,
        seconds=seconds,
        lock_calls=connected(url, hasty, env),
        clock=clock,
    )
    return _named(found, spec)


def _named(found: Storage, spec: str) -> Storage:
    found.given = given(spec)
    return found


def open_document(location: str, what: str, where: str, environ: Mapping[str, str] | None = None) -> Document:
    """One object at a URL. Raises UsageFault, which says `what` and `where`, for a URL that fbplan cannot use."""
    url = _parsed(location, what, where)
    from fbplan.storage.document import Document
    from fbplan.storage.object_calls import Patience, connected

    env = os.environ if environ is None else environ
    timeout = _timeout(env)
    return Document(connected(url, Patience(timeout=timeout, altogether=4 * timeout), env), str(url), url.key)


def _parsed(location: str, what: str, where: str) -> ObjectUrl:
    try:
        return parse_url(location)
    except NotAPlace as fault:
        raise UsageFault(what, where, fault.what, fault.fix) from fault


def _timeout(env: Mapping[str, str]) -> float:
    return _seconds("FBPLAN_STORAGE_TIMEOUT", env.get("FBPLAN_STORAGE_TIMEOUT"), 10.0)


def _seconds(name: str, text: str | None, default: float) -> float:
    if not text:
        return default
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 1 <= found <= 600:
        raise UsageFault(
            f"{name} is not a number of seconds", "", f"it is '{text[:40]}'", "write 1 to 600, for example 30"
        )
    return found
