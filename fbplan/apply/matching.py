"""Whether a live object is as it was sent. Pure; only what was declared counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fbplan.kinds import KINDS
from fbplan.kinds.base import Field, Json
from fbplan.state import Observed


def is_as_sent(live: Observed, sent: Mapping[str, Json], id_of: Callable[[str], str]) -> bool:
    """Whether a live object (remote ids) has the fields that were sent (addresses)."""
    for facts in KINDS[live.kind].compared:
        if facts.name not in sent:
            continue
        wanted, there = sent[facts.name], live.fields.get(facts.name)
        if facts.items:
            identity = next(f.name for f in facts.items if f.ref is not None)
            found = {item[identity]: item for item in there or []}
            pairs = [(item, found.get(id_of(item[identity]))) for item in wanted]
            if len(found) != len(pairs) or not all(live and _item_matches(facts, item, live) for item, live in pairs):
                return False
        else:
            wanted = id_of(wanted) if facts.ref is not None and wanted is not None else wanted
            if facts.normalise(wanted) != facts.normalise(there):
                return False
    return True


def _item_matches(facts: Field, wanted: Mapping[str, Json], there: Mapping[str, Json]) -> bool:
    return all(
        f.normalise(wanted[f.name]) == f.normalise(there.get(f.name))
        for f in facts.items
        if f.name in wanted and f.ref is None
    )


def plain_fields(kind: str, sent: Mapping[str, Json]) -> dict[str, Json]:
    """The sent fields that refer to nothing: what an object can be recognised by without knowing any id."""
    return {
        f.name: sent[f.name]
        for f in KINDS[kind].compared
        if f.name in sent and f.ref is None and not f.items and sent[f.name] is not None
    }
