"""Conditions of the JSON API, by the generation of an object: 0 is none."""

from __future__ import annotations

from collections.abc import Callable

from fbplan.emulator.bridge.conditions import failed
from fbplan.emulator.bridge.holdings import Check
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.objects import Stored
from fbplan.emulator.bridge.refusals import Refusal

UNKNOWN = ("ifMetagenerationMatch", "ifMetagenerationNotMatch")


def writable(request: NodeRequest) -> Check:
    """What a write or a delete demands of what is there. Raises Refusal."""
    query = request.query
    wanted, unwanted = _number(query.get("ifGenerationMatch")), _number(query.get("ifGenerationNotMatch"))
    if any(name in query for name in UNKNOWN):
        raise Refusal("NotImplemented", "Conditions on the metageneration are not implemented.")

    def check(before: Stored | None) -> None:
        generation = 0 if before is None else before.version
        if (wanted is not None and wanted != generation) or unwanted == generation:
            raise failed()

    return check


def readable(request: NodeRequest) -> Callable[[Stored], None]:
    """What a read demands; a generation that is named must be the present one, as no other is kept."""
    check, named = writable(request), _number(request.query.get("generation"))

    def demand(stored: Stored) -> None:
        if named not in {None, stored.version}:
            raise Refusal("NoSuchKey", "No such object.")
        check(stored)

    return demand


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Refusal("InvalidArgument", "A generation is a number.")
    return int(text)
