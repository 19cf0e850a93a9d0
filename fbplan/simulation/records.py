"""Decision records as they come out of a log: checked for their shape before anything is told of them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fbplan.policy.reading import printable
from fbplan.runtime.record import FORMAT
from fbplan.runtime.rules import RULES
from fbplan.runtime.words import why

_LAST_MS = 253_402_300_799_999
"""The end of the year 9999."""

Time = Annotated[int, Field(ge=0, le=_LAST_MS)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Text = Annotated[str, StringConstraints(max_length=1000)]


class _Part(BaseModel):
    """Keys that a later version adds are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)


class _Candidate(_Part):
    bucket: Text
    tier: Text
    rule: Text
    retry_at_ms: Time | None
    used: Count
    own: Count
    limit: Count | None
    room: Count


class _Decision(_Part):
    at_ms: Time
    bucket: Text | None
    rule: Text
    retry_at_ms: Time | None
    candidates: list[_Candidate]


class _Attempt(_Part):
    decision: Count
    bucket: Text
    at_ms: Time
    end_ms: Time
    charge: Count
    status: Count
    code: Text
    kind: Annotated[
        Literal["quota", "quota_suspect", "throttle", "transient", "auth", "clock", "request"] | None,
        Field(alias="class"),
    ]
    rule: Text
    settled: Text | None
    then: Text


class _Record(_Part):
    format: Literal["fbplan.decision/1"]
    repository: Text
    generation: Count
    seq: Count | None
    size: Count
    at_ms: Time
    decisions: list[_Decision]
    attempts: list[_Attempt]
    alarms: list[Text]
    outcome: Text
    bucket: Text | None
    rule: Text
    retry_at_ms: Time | None
    upload: Text | None = None


class NotARecord(ValueError):
    """A line is no decision record; the text says why."""


def record_in(line: str) -> dict[str, Any]:
    """The record on a line of JSON. Raises NotARecord."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise NotARecord("it is not one JSON document") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise NotARecord(f"its format is not {FORMAT}")
    try:
        whole = _Record.model_validate(found)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise NotARecord(printable(f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}")) from None
    used = {candidate.rule for decision in whole.decisions for candidate in decision.candidates}
    strange = sorted(used - set(RULES))
    if strange:
        raise NotARecord(printable(f"it names the rule '{strange[0][:40]}', which this fbplan does not know"))
    return found


def explained(record: dict[str, Any]) -> str:
    """A checked record in plain words, a line for each fact, safe for any terminal."""
    return "".join(f"{printable(line)}\n" for line in why(record).splitlines())
