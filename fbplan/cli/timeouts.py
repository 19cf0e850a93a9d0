"""`--timeout NAME=DURATION` and FBPLAN_TIMEOUTS: how patient to be with the API."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

from fbplan.client.settings import Timeouts
from fbplan.errors import UsageFault

NAMES = tuple(declared.name for declared in fields(Timeouts))


def timeouts_from(given: Iterable[str], environ: Mapping[str, str], base: Timeouts | None = None) -> Timeouts:
    """The variable first (`read=10s,create=2m`), then what the command line says. Raises UsageFault."""
    listed = [part for part in (environ.get("FBPLAN_TIMEOUTS") or "").split(",") if part.strip()]
    return replace(base or Timeouts(), **{**_read(listed, "FBPLAN_TIMEOUTS"), **_read(given, "--timeout")})


def _read(entries: Iterable[str], where: str) -> dict[str, float]:
    return dict(_entry(text, where) for text in entries)


def _entry(text: str, where: str) -> tuple[str, float]:
    name, equals, duration = (part.strip() for part in text.partition("="))
    if name not in NAMES:
        close = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {close[0]}=…?" if close else f"the timeouts are {', '.join(NAMES)}, like read=30s"
        raise UsageFault(f"there is no timeout '{name}'", where, "", hint)
    if not equals:
        raise UsageFault(f"the timeout '{name}' has no duration", where, "", f"write it like {name}=30s")
    return name, _seconds(name, duration, where)


def _seconds(name: str, duration: str, where: str) -> float:
    from pydantic_core import PydanticCustomError

    from fbplan.kinds.amounts import parse_millis

    try:
        milliseconds = parse_millis(duration)
    except PydanticCustomError as fault:
        fix = f"write it like {name}=30s, {name}=2m or {name}=500ms"
        raise UsageFault(f"'{duration}' is {fault.message()}", f"{where} {name}", "", fix) from fault
    if not isinstance(milliseconds, int) or milliseconds <= 0:
        raise UsageFault(f"the timeout '{name}' is no time at all", where, "", f"write it like {name}=30s")
    return milliseconds / 1000
