"""Decisions in words: for people who ask why a write went where it went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fbplan.runtime.times import stamp_of

_SHORT = {
    "1.role": "takes no writes of this repository",
    "1.state": "its state is not active",
    "1.pinned": "does not hold the key that is overwritten, or the upload",
    "1.size": "smaller than the object",
    "1.tried": "tried before in this request",
    "2.unlimited": "open: no cap",
    "2.unknown": "its use is not known",
    "2.expired": "its grant has run out, no newer usage came",
    "2.born": "its grant is older than this process",
    "3.breaker": "rests after failures",
    "3.throttle": "asked for a pause",
    "3.node": "its node is not online",
    "4.hold": "closed by its cap until use has fallen or a new period begins",
    "4.min": "closed by its cap a short while ago",
    "4.ramp": "opening again, not yet for this writer",
    "6.expired": "the policy is too old to write by",
    "8.quota": "the store says its quota is used up",
}
_CAPPED = {
    "2.open": "open",
    "2.last": "past its soft cap",
    "2.hint": "past a cap on stored or read bytes",
}
_CLASSES = {
    "quota": "quota used up",
    "quota_suspect": "refused, perhaps for quota",
    "throttle": "asked to slow down",
    "transient": "failed for now",
    "auth": "the key was refused",
    "clock": "the clock is off",
    "request": "the request was refused",
}
_THEN = {
    "hop": "tried another bucket",
    "retry": "tried once more",
    "wait": "waited as asked and tried once more",
    "reload": "loaded the credentials again",
    "head": "looked whether it is there",
    "stop": "stopped",
}


def percent(candidate: Mapping[str, Any]) -> str:
    """`82% used` of a candidate in a record."""
    limit = candidate["limit"]
    return f"{(candidate['used'] + candidate['own']) * 100 // limit if limit else 100}% used"


def standing(candidate: Mapping[str, Any], *, simple: bool) -> str:
    """How a candidate of a record stands, in a few words; `simple` is the record's."""
    rule = candidate["rule"]
    if rule in _CAPPED:
        return f"{_CAPPED[rule]}: {percent(candidate)}"
    if rule == "2.closed":
        return f"{_closed(candidate, simple=simple)}: {percent(candidate)}"
    text = _SHORT[rule]
    return f"{text}: {percent(candidate)}" if rule.startswith("4.") else text


def _closed(candidate: Mapping[str, Any], *, simple: bool) -> str:
    if candidate["room"]:
        return "the rest of its cap is too small"
    # a fleet may have nothing granted far under the cap: at its start, or while statistics lag
    is_full = simple or candidate["used"] + candidate["own"] >= (candidate["limit"] or 0)
    return "at its hard cap" if is_full else "nothing is granted now"


def why(record: Mapping[str, Any]) -> str:
    """A decision record, told: one line for the outcome, one for each candidate and each attempt."""
    lines = [_outcome(record)]
    for index, decision in enumerate(record["decisions"]):
        if index:
            lines.append(f"then, {decision['at_ms'] - record['at_ms']} ms after the start:")
        lines.extend(considered(decision, simple=record["simple"]))
        lines.extend(_attempt(attempt) for attempt in record["attempts"] if attempt["decision"] == index)
    lines.extend(f"alarm: {alarm}" for alarm in record["alarms"])
    return "\n".join(lines) + "\n"


def considered(decision: Mapping[str, Any], *, simple: bool) -> list[str]:
    """The candidates of one decision in a record, a line each; an arrow marks the one that was taken."""
    lines = []
    width = max((len(c["bucket"]) for c in decision["candidates"]), default=0)
    for candidate in decision["candidates"]:
        mark = "→" if candidate["bucket"] == decision["bucket"] else " "
        until = candidate["retry_at_ms"]
        again = f", ask again at {stamp_of(until)}" if until is not None else ""
        stands = standing(candidate, simple=simple)
        lines.append(f"  {mark} {candidate['bucket'].ljust(width)}  {stands}{again} ({candidate['rule']})")
    return lines


def _outcome(record: Mapping[str, Any]) -> str:
    bucket, seq = record["bucket"], record["seq"]
    size, repository = record["size"], record["repository"]
    what, were = f"{size} bytes of {repository}", "were"
    match record.get("upload"):
        case "part":
            what, were = f"a part of {what}", "was"
        case "begun" | "completed":
            what, were = f"an upload of {repository}", "was"
    showing = f"usage {seq}" if seq else "no usage"
    basis = f"policy {record['generation']}, {showing}, {stamp_of(record['at_ms'])}"
    match record["outcome"]:
        case "stored":
            return f"{what} {'began in' if record.get('upload') == 'begun' else 'went to'} {bucket} ({basis})"
        case "read_only":
            until = record["retry_at_ms"]
            again = "" if until is None else f" before {stamp_of(until)}"
            if any(attempt["then"] == "begun" for attempt in record["attempts"]):
                begins = "" if until is None else f", it can begin again at {stamp_of(until)}"
                return f"the upload of {what} was given up: its bucket takes no more{begins} ({basis})"
            return f"no bucket takes {what}{again} ({basis})"
        case "exists":
            return f"the key is there already, in {bucket}: only a write with overwrite replaces it ({basis})"
        case _:
            return f"{what} {were} not stored: rule {record['rule']} ({basis})"


def _attempt(attempt: Mapping[str, Any]) -> str:
    took = f"{attempt['end_ms'] - attempt['at_ms']} ms"
    if attempt["class"] is None:
        return f"    {attempt['bucket']}: {'begun' if attempt['then'] == 'begun' else 'stored'} after {took}"
    said = " ".join(str(part) for part in (attempt["status"] or "no answer", attempt["code"]) if part)
    settled = "" if attempt["settled"] is None else f", a look there found it {attempt['settled']}"
    then = _THEN.get(attempt["then"], "stored after all")
    return f"    {attempt['bucket']}: {said} after {took}: {_CLASSES[attempt['class']]}{settled}; {then} ({attempt['rule']})"
