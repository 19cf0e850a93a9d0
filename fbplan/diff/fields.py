"""What differs inside of one resource.

`==` on normal forms decides whether something differs; deepdiff is asked only to explain where inside a nested value.
"""

from __future__ import annotations

from collections.abc import Iterator

from fbplan.kinds import KINDS
from fbplan.kinds.amounts import span
from fbplan.kinds.base import Field, Json, Trait, split_address
from fbplan.ledger import Entry, Ledger
from fbplan.plan import FieldChange, Reason
from fbplan.state import Desired, Observed, generation_of


def field_changes(resource: Desired, live: Observed, entry: Entry | None, ledger: Ledger) -> Iterator[FieldChange]:
    """What is declared of a live object and is not so, field by field."""
    kind = KINDS[resource.kind]
    for facts in kind.compared:
        if facts.name not in resource.fields:
            continue
        wanted, there = resource.fields[facts.name], live.fields.get(facts.name)
        if wanted == there and not kind.reveals_secret:
            continue
        if facts.is_name and kind.reveals_secret and (rank := generation_of(live.name)) > 1:
            wanted = f"{wanted}.g{rank}"
        before, after = facts.normalise(there), facts.normalise(_declared_part(facts, wanted, there))
        if before == after:
            continue
        reason = Reason.SPEC
        if entry is not None and entry.digests.get(facts.name) == ledger.digest(
            facts.name, resource.fields[facts.name]
        ):
            reason = Reason.DRIFT
        immutable = facts.has(Trait.IMMUTABLE)
        if facts.items:
            yield from _explained(facts, before or [], after, reason)
        else:
            yield FieldChange(facts.name, before, after, reason, immutable)
    if kind.marker_field is not None and live.name != resource.name:
        yield FieldChange("name", live.name, resource.name)
    if entry is not None:
        if resource.version is not None and resource.version != entry.version:
            yield FieldChange("version", entry.version, resource.version)
        if resource.protect != entry.protect:
            yield FieldChange("protect", entry.protect, resource.protect)
        if resource.drain != entry.drain:
            yield FieldChange("routing.drain", span(entry.drain), span(resource.drain))


def _declared_part(facts: Field, wanted: Json, there: Json) -> Json:
    """Keys of a list item that the spec leaves out keep their live value: only what is declared is managed."""
    if not facts.items:
        return wanted
    identity = next(f for f in facts.items if f.ref is not None)
    live = {item[identity.name]: item for item in there or []}
    defaults = {f.name: f.create_default.value for f in facts.items if f.create_default is not None}
    return [
        {**defaults, **{k: v for k, v in live.get(item[identity.name], {}).items() if k in defaults}, **item}
        for item in wanted
    ]


def _explained(facts: Field, before: list[Json], after: list[Json], reason: Reason) -> Iterator[FieldChange]:
    """Which items of a list came, went or changed: keyed by what they refer to, never by their place."""
    from deepdiff import DeepDiff

    identity = next(f.name for f in facts.items if f.ref is not None)

    def keyed(items: list[Json]) -> dict[str, Json]:
        return {str(item[identity]): {k: v for k, v in item.items() if k != identity} for item in items}

    old, new = keyed(before), keyed(after)
    changed: set[tuple[str, ...]] = set()
    for group in DeepDiff(old, new, view="tree", threshold_to_diff_deeper=0).values():
        changed |= {tuple(str(part) for part in level.path(output_format="list")) for level in group}
    for path in sorted(changed):
        yield FieldChange(
            f"{facts.name}.{'.'.join((_short(path[0]), *path[1:]))}", _at(old, path), _at(new, path), reason
        )


def _short(address: str) -> str:
    kind, names = split_address(address)
    return names[-1] if kind in KINDS else address


def _at(tree: Json, path: tuple[str, ...]) -> Json:
    for part in path:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree
