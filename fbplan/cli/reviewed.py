"""The plan that an apply carries out: made now, or reviewed before and still true."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from fbplan.apply import check_preconditions
from fbplan.apply.preconditions import again
from fbplan.cli.grace import DEFAULT
from fbplan.cli.output import palette_for, story
from fbplan.cli.pipeline import Planned, make_expected_plan, make_plan
from fbplan.cli.recovering import recover, require_settled, wanted_by
from fbplan.client.api import WriteClient
from fbplan.commands import given
from fbplan.drain.records import lost_drains
from fbplan.errors import FbplanError, Refused, Stale
from fbplan.journal.recovery import in_force
from fbplan.ledger import Ledger, require_workspace
from fbplan.observe import Workspace, find_workspace, observe
from fbplan.plan import Plan, Reason
from fbplan.policy.place import place_of
from fbplan.render import human
from fbplan.settle import Wanted
from fbplan.spec.load import LoadedSpec
from fbplan.state import canonical_digest, desired_state
from fbplan.storage import Storage


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for."""

    target: Path
    saved: Plan | None
    yes: bool
    expect: str | None
    allow: tuple[str, ...]
    api_url: str | None
    concurrency: int
    lock_timeout: float = 60.0
    """Seconds to wait for another apply to end."""
    grace: float = DEFAULT
    """Seconds from a signal to the end. CI services kill ten seconds after the first."""


def planned_for(
    request: Request,
    loaded: LoadedSpec | None,
    client: WriteClient,
    storage: Storage | None,
    folder: Path,
    allowances: tuple[str, ...],
) -> Planned:
    """The plan to carry out, once what an earlier apply left behind is in the ledger."""
    wanted = loaded.spec.workspace if loaded is not None else request.saved.workspace if request.saved else None
    found = in_force(storage).ledger
    workspace = find_workspace(client, wanted, found.workspace_id)
    require_workspace(found, workspace.id, workspace.name)
    wanted_now = wanted_by(desired_state(loaded.spec)) if loaded is not None else _wanted_by(request.saved)
    recovered = recover(storage, client, workspace.id, folder, wanted_now)
    for sentence in recovered.story:
        story(sentence)
    if loaded is not None:
        if request.expect is None:
            return make_plan(loaded, client, allowances)
        return make_expected_plan(loaded, client, allowances, request.expect)
    if request.saved is None:
        raise FbplanError("there is neither a spec nor a plan to apply", "", "", "fbplan apply [SPEC|FILE]")
    require_settled(recovered.questions, request.saved)
    return from_saved(request.saved, client, recovered.ledger)


def _wanted_by(saved: Plan | None) -> Wanted:
    """A saved plan has no spec beside it: what it does not change, it says nothing of."""
    changes = saved.changes if saved is not None else ()
    sinks = {c.address: c.record.fields["sink"] for c in changes if c.record is not None and "sink" in c.record.fields}
    return Wanted(frozenset(c.address for c in changes), sinks=sinks)


def from_saved(saved: Plan, client: WriteClient, ledger: Ledger) -> Planned:
    """What a saved plan needs besides itself: one fresh look, in which everything must still be as it was."""
    workspace = find_workspace(client, saved.workspace, ledger.workspace_id)
    require_workspace(ledger, workspace.id, workspace.name)
    if canonical_digest(workspace.id) != saved.workspace_id_digest:
        raise Refused(
            "the plan was made for another workspace",
            saved.workspace,
            "a workspace of this name has another id now",
            f"plan again: fbplan plan{given(saved.spec_path)}",
        )
    planned = Planned(saved, observe(client, workspace, saved.targets, ledger), ledger)
    if saved.has_changes and not saved.refusals:
        check_preconditions(saved, planned.observation)
        _require_ownership(saved, ledger)
        _require_drains(saved, ledger)
        _require_policy(saved)
    return planned


def _require_ownership(saved: Plan, ledger: Ledger) -> None:
    """What was let go since the plan was made is not ours to delete any more."""
    owned = {Reason.GONE, Reason.ORPHAN, Reason.REPLACED}
    lost = [c.address for c in saved.changes if c.reason in owned and c.address not in ledger.entries]
    if lost:
        raise Stale(
            "the plan is stale",
            "",
            f"the ledger no longer owns {', '.join(lost)}",
            again(saved),
        )


def _require_drains(saved: Plan, ledger: Ledger) -> None:
    """What was taken back since may be routed to again, and drains anew before it goes."""
    lost = lost_drains(saved, ledger)
    if lost:
        raise Stale(
            "the plan is stale",
            "",
            f"the drain of {', '.join(lost)} was dropped or began anew",
            again(saved),
        )


def _require_policy(saved: Plan) -> None:
    """Publishing an older policy over a newer one would route to what is gone."""
    if saved.policy is None or not saved.policy.publishes:
        return
    place = place_of(saved.policy.path, Path(saved.folder))
    if place.read().mark != saved.policy.replaces:
        raise Stale(
            "the plan is stale",
            place.label,
            "another policy was published since it was made",
            again(saved),
        )


def looked_again(planned: Planned, client: WriteClient) -> Planned:
    """A person took time to answer: the world may have moved since."""
    workspace: Workspace = planned.observation.workspace
    fresh = observe(client, workspace, planned.plan.targets, planned.ledger)
    check_preconditions(planned.plan, fresh)
    return Planned(planned.plan, fresh, planned.ledger)


def require_expected(plan: Plan, request: Request) -> None:
    if request.expect is not None and request.expect != plan.plan_id:
        story(human.plan_text(plan, palette_for(sys.stderr)))
        raise Stale(
            "the plan made now is not the one expected",
            "",
            f"expected {request.expect}, made {plan.plan_id}; it is shown above",
            f"review it, then: fbplan apply{given(plan.spec_path)} --expect {plan.plan_id}",
        )
