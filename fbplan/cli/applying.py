"""One apply, from the lock to the last line: what is checked, in which order, and what is told."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fbplan.apply import Setting, execute
from fbplan.apply.books import Keeping
from fbplan.bounded import OutOfTime, until
from fbplan.cli.attended import attended
from fbplan.cli.connection import connected, require_plain
from fbplan.cli.grace import Grace
from fbplan.cli.leasing import Tenancy, begun_of, keep_receipt
from fbplan.cli.output import View, emit, palette_for, story
from fbplan.cli.pipeline import Planned
from fbplan.cli.reviewed import Request, looked_again, planned_for, require_expected
from fbplan.cli.runner import warn_of_lost_ledger, warn_of_lost_sinks
from fbplan.cli.stop import READING, RECORDED, UNRECORDED, Stop
from fbplan.cli.whence import from_here, with_commit
from fbplan.client.api import WriteClient
from fbplan.commands import planned_anew
from fbplan.errors import ExitCode, FbplanError, Refused
from fbplan.guards import checked_allowances
from fbplan.outcome import Outcome, Report, Result
from fbplan.plan import Plan
from fbplan.render import machine, words
from fbplan.render.report import report_document, report_markdown_of, report_text, verdict
from fbplan.secrets.environ import Environ
from fbplan.spec.load import load_spec
from fbplan.storage import Clock, Lease, Storage, open_storage


def run(
    request: Request,
    outputs: tuple[tuple[str, Path | None], ...],
    confirm: Callable[[Plan], bool],
    stop: Stop | None = None,
) -> int:
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
    spec = loaded.document.label if loaded is not None else request.saved.spec_path if request.saved else ""
    stop, grace = stop or Stop(last_words=READING), Grace(request.grace)
    storage = open_storage(location, folder, clock=Clock(sleep=stop.nap), spec=spec)
    tenancy = Tenancy(storage, request.lock_timeout, environ, lambda: stop.seconds > grace.end)

    def work() -> int:
        with (
            tenancy.held() as lease,
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
            planned = planned_for(request, loaded, client, storage, folder, allowances)
            found = _agreed(request, planned, client, outputs, confirm)
            if not isinstance(found, Planned):
                return int(found)
            return int(_carried_out(request, found, _Place(client, storage, lease, folder, environ, stop), outputs))

    code = attended(stop, work, tenancy, grace)
    if stop.is_requested or tenancy.is_left_behind:
        stop.leave_now(code)
    return code


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an apply runs: what it writes to, and what may end it."""

    client: WriteClient
    storage: Storage | None
    lease: Lease | None
    folder: Path
    environ: Environ
    stop: Stop


def _agreed(
    request: Request,
    planned: Planned,
    client: WriteClient,
    outputs: tuple[tuple[str, Path | None], ...],
    confirm: Callable[[Plan], bool],
) -> Planned | ExitCode:
    """The plan that may be carried out, or the exit code of a run that ends here. Raises Refused, Stale."""
    plan = planned.plan
    require_expected(plan, request)
    if plan.refusals:
        _emit(outputs, _plan_views(plan), "nothing was written to the API")
        raise Refused("the plan holds changes that are refused", "", "", words.next_command(plan))
    if not plan.has_changes:
        _emit(outputs, _plan_views(plan), "there was nothing to do")
        return ExitCode.OK
    if request.yes or request.expect:
        return planned
    if not confirm(plan):
        story("not applied")
        return ExitCode.ERROR
    return looked_again(planned, client)


def _carried_out(
    request: Request, planned: Planned, place: _Place, outputs: tuple[tuple[str, Path | None], ...]
) -> ExitCode:
    """Write, record, tell."""
    plan, stop, grace = planned.plan, place.stop, Grace(request.grace)
    warn_of_lost_sinks(plan, place.environ)
    here = with_commit(from_here(place.environ), place.folder)
    began = time.monotonic()

    def is_out_of_time() -> bool:
        return stop.seconds > grace.books

    with _progress(len(plan.steps) + bool(plan.policy and plan.policy.publishes)) as on_outcome:
        report = execute(
            plan,
            planned.observation,
            planned.ledger,
            Setting(
                place.client,
                place.folder,
                place.environ,
                time.time,
                request.concurrency,
                on_outcome=on_outcome,
                keeping=Keeping(
                    place.storage, place.lease, begun_of(place.lease, plan, planned, here), lambda: stop.is_requested
                ),
                on_begin=lambda: stop.begin_writing(UNRECORDED if place.storage is None else RECORDED),
                is_out_of_grace=lambda: stop.seconds > grace.calls,
                is_out_of_time=is_out_of_time,
            ),
        )
    seconds = time.monotonic() - began
    if request.saved is not None and report.wrote:
        for fault in (o.fault for o in report.outcomes if o.fault is not None):
            fault.next = planned_anew(fault.next, plan.spec_path)
    code = ExitCode(stop.code) if report.exit_code is ExitCode.SIGINT else report.exit_code
    try:
        is_kept = until(
            is_out_of_time, lambda: keep_receipt(here, place.storage, place.lease, plan, report, code, seconds)
        )
    except OutOfTime:
        is_kept = False
        story("warning: there was no time left to keep a receipt of this apply")
    _tell(outputs, plan, report, code, seconds, is_kept=is_kept)
    return code


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
