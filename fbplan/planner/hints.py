"""What a reader of the plan may have meant instead."""

from __future__ import annotations

from fbplan.kinds.base import split_address
from fbplan.plan import Action, Change
from fbplan.state import DesiredState, World


def hints(changes: tuple[Change, ...], desired: DesiredState, world: World) -> tuple[str, ...]:
    """A delete and a create over one provider bucket are most often one rename."""
    out = []
    gone = {
        (o.kind, o.fields.get("bucket")): c.address
        for c in changes
        if c.action is Action.DELETE and (o := world.live.get(c.address)) is not None
    }
    for change in changes:
        resource = desired.resources.get(change.address)
        if change.action is Action.CREATE and resource is not None and resource.fields.get("bucket") is not None:
            other = gone.get((resource.kind, resource.fields["bucket"]))
            if other is not None:
                out.append(
                    f"{other} is deleted and {change.address} created over the same provider bucket: to rename it instead, set `renamed_from: {split_address(other)[1][-1]}`"
                )
    return tuple(out)
