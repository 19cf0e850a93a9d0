"""One apply, from the lock to the last line: what is checked, in which order, and what is told."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fbplan.apply import Setting, check_preconditions, execute
from fbplan.apply.books import Keeping
from fbplan.cli.connection import connected, require_plain
from fbplan.cli.leasing import begun_of, keep_receipt, leased
from fbplan.cli.output import View, emit, palette_for, story
from fbplan.cli.pipeline import Planned, make_expected_plan, make_plan
from fbplan.cli.recovering import recover, require_settled, wanted_by
from fbplan.cli.runner import warn_of_lost_ledger, warn_of_lost_sinks
from fbplan.cli.stop import RECORDED, UNRECORDED, Stop
from fbplan.cli.whence import from_here, with_commit
from fbplan.client.api import WriteClient
from fbplan.drain.records import lost_drains
from fbplan.errors import ExitCode, FbplanError, Refused, Stale
from fbplan.guards import checked_allowances
from fbplan.journal.recovery import in_force
from fbplan.ledger import Ledger, require_workspace
from fbplan.observe import Workspace, find_workspace, observe
from fbplan.outcome import Outcome, Report, Result
from fbplan.plan import Plan, Reason
from fbplan.policy.place import place_of
from fbplan.render import human, machine, words
from fbplan.render.report import report_document, report_markdown_of, report_text, verdict
from fbplan.secrets.environ import Environ
from fbplan.settle import Wanted
from fbplan.spec.load import LoadedSpec, load_spec
from fbplan.state import canonical_digest, desired_state
from fbplan.storage import Storage, open_storage


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
    grace: float = 5.0
    """Seconds for what is in flight after a signal. CI services kill ten seconds after the first."""


def run(request: Request, outputs: tuple[tuple[str, Path | None], ...], confirm: Callable[[Plan], bool]) -> int:
    """Plan (or take the saved plan), check, carry out, tell. Returns the exit code."""
    environ = Environ(os.environ)
    require_plain(request.api_url or "")  # before the lock says what was typed
    allowances = checked_allowances(request.allow)
    loaded = load_spec(request.target) if request.saved is None else None
    location, folder = (
        (loaded.spec.ledger, loaded.folder)
        if loaded is not None
        else (request.saved.ledger, Path(request.saved.folder))
        if request.saved
        else ("none", Path())
    )
    if not folder.is_dir():
        raise FbplanError(
            "the folder of the plan is not here",
            str(folder),
            "its ledger, policy and sinks count from it",
            "apply it where it was made, or plan again",
        )
    warn_of_lost_ledger(location, folder, environ)
    storage = open_storage(location, folder)
    stop = Stop(last_words=RECORDED if storage is not None else UNRECORDED)
    with (
        leased(storage, request.lock_timeout, environ) as lease,
        connected(
            request.api_url,
            environ,
            story,
            request.concurrency,
            stopped=lambda: stop.is_requested or (lease is not None and not lease.is_held()),
            sleep=stop.sleep,
        ) as session,
    ):
        client = WriteClient(session)
        planned = _planned(request, loaded, client, storage, folder, allowances)
        plan = planned.plan
        _require_expected(plan, request)
        if plan.refusals:
            _emit(outputs, _plan_views(plan), "nothing was written to the API")
            raise Refused("the plan holds changes that are refused", "", "", words.next_command(plan))
        if not plan.has_changes:
            _emit(outputs, _plan_views(plan), "there was nothing to do")
            return int(ExitCode.OK)
        if not request.yes and not request.expect:
            if not confirm(plan):
                story("not applied")
                return int(ExitCode.ERROR)
            planned = _looked_again(planned, client)
        warn_of_lost_sinks(plan, environ)
        here = with_commit(from_here(environ), folder)
        began = time.monotonic()
        with (
            stop.listening(story),
            _progress(len(plan.steps) + bool(plan.policy and plan.policy.publishes)) as on_outcome,
        ):
            report = execute(
                plan,
                planned.observation,
                planned.ledger,
                Setting(
                    client,
                    folder,
                    environ,
                    time.time,
                    request.concurrency,
                    on_outcome=on_outcome,
                    keeping=Keeping(storage, lease, begun_of(lease, plan, planned), lambda: stop.is_requested),
                    is_out_of_grace=lambda: stop.seconds > request.grace,
                ),
            )
            seconds = time.monotonic() - began
            code = ExitCode(128 + stop.number) if report.exit_code is ExitCode.SIGINT else report.exit_code
            is_kept = keep_receipt(here, storage, lease, plan, report, code, seconds)
            # still listening: a signal that comes now must not take the report along
            _tell(outputs, plan, report, code, seconds, is_kept=is_kept)
    if report.is_abandoned:
        stop.leave_now(code)
    return int(code)


def _tell(
    outputs: tuple[tuple[str, Path | None], ...],
    plan: Plan,
    report: Report,
    code: ExitCode,
    seconds: float,
    *,
    is_kept: bool,
) -> None:
    """The report in every form that was asked for."""
    place = "fbplan history shows it" if is_kept else "no receipt of it was kept"
    _emit(
        outputs,
        {
            "human": lambda palette: report_text(report, plan, seconds, palette),
            "json": lambda _: report_document(report, plan),
            "md": lambda _: report_markdown_of(report, plan, seconds),
            "github": lambda _: machine.report_annotations(report, plan),
        },
        f"the apply has ended (exit {int(code)}, {code.label}: {verdict(report, plan)}); {place}",
    )


def _emit(outputs: tuple[tuple[str, Path | None], ...], views: dict[str, View], became: str) -> None:
    """Tell it. Where that fails, the exit code is still that of what was done, and `became` says what that is."""
    try:
        emit(outputs, views)
    except FbplanError as fault:
        story(f"warning: {became}; only the output is lost: {fault}")


def _planned(
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
    require_settled(recovered.questions)
    return _from_saved(request.saved, client, recovered.ledger)


def _wanted_by(saved: Plan | None) -> Wanted:
    """A saved plan has no spec beside it: what it does not change, it says nothing of."""
    return Wanted(frozenset(c.address for c in saved.changes) if saved is not None else frozenset())


def _from_saved(saved: Plan, client: WriteClient, ledger: Ledger) -> Planned:
    """What a saved plan needs besides itself: one fresh look, in which everything must still be as it was."""
    workspace = find_workspace(client, saved.workspace, ledger.workspace_id)
    require_workspace(ledger, workspace.id, workspace.name)
    if canonical_digest(workspace.id) != saved.workspace_id_digest:
        raise Refused(
            "the plan was made for another workspace",
            saved.workspace,
            "a workspace of this name has another id now",
            "plan again: fbplan plan",
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
    lost = [c.address for c in saved.changes if c.reason is Reason.GONE and c.address not in ledger.entries]
    if lost:
        raise Stale(
            "the plan is stale",
            "",
            f"the ledger no longer owns {', '.join(lost)}",
            "plan again and review what is new: fbplan plan",
        )


def _require_drains(saved: Plan, ledger: Ledger) -> None:
    """What was taken back since may be routed to again, and drains anew before it goes."""
    lost = lost_drains(saved, ledger)
    if lost:
        raise Stale(
            "the plan is stale",
            "",
            f"the drain of {', '.join(lost)} was dropped or began anew",
            "plan again and review what is new: fbplan plan",
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
            "plan again and review what is new: fbplan plan",
        )


def _looked_again(planned: Planned, client: WriteClient) -> Planned:
    """A person took time to answer: the world may have moved since."""
    workspace: Workspace = planned.observation.workspace
    fresh = observe(client, workspace, planned.plan.targets, planned.ledger)
    check_preconditions(planned.plan, fresh)
    return Planned(planned.plan, fresh, planned.ledger)


def _require_expected(plan: Plan, request: Request) -> None:
    if request.expect is not None and request.expect != plan.plan_id:
        story(human.plan_text(plan, palette_for(sys.stderr)))
        raise Stale(
            "the plan made now is not the one expected",
            "",
            f"expected {request.expect}, made {plan.plan_id}; it is shown above",
            f"review it, then: fbplan apply --expect {plan.plan_id}",
        )


def _plan_views(plan: Plan) -> dict[str, View]:
    from fbplan.cli.change import views_of

    return views_of(plan, ExitCode.REFUSED if plan.refusals else ExitCode.OK)


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[Outcome], None]]:
    """Every outcome as a line while there are few; a running count when there are many."""
    done, last, palette = 0, time.monotonic(), palette_for(sys.stderr)

    def on_outcome(outcome: Outcome) -> None:
        nonlocal done, last
        done += 1
        if steps <= 60 or outcome.result in {Result.FAILED, Result.UNKNOWN}:
            mark, tint = {
                Result.DONE: ("✓", palette.good),
                Result.FAILED: ("✗", palette.danger),
                Result.SKIPPED: ("–", palette.caution),
                Result.UNKNOWN: ("?", palette.danger),
            }[outcome.result]
            story(
                f"  {tint}{mark}{palette.off} {outcome.verb:<8}{outcome.address}{f'  {outcome.told}' if outcome.told else ''}"
            )
        elif time.monotonic() - last > 1:
            last = time.monotonic()
            story(f"  {done:,} of {steps:,} done")

    yield on_outcome
