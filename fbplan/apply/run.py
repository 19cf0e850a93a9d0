"""The executor: a plan → outcomes. It decides nothing; it carries out, records, and says what happened.

expand → publish the policy → one fresh listing → contract → ledger
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fbplan.apply.books import Bookkeeper, unclosed
from fbplan.apply.calls import Calls
from fbplan.apply.contract import Done
from fbplan.apply.issuing import issue
from fbplan.apply.preconditions import SecondLook
from fbplan.apply.publishing import PUBLISH, Publisher, require_publishable
from fbplan.apply.recorder import Recorder
from fbplan.apply.schedule import in_order
from fbplan.apply.setting import Setting
from fbplan.bounded import OutOfTime, until
from fbplan.errors import (
    Ambiguous,
    AuthenticationFailed,
    ExitCode,
    FbplanError,
    Interrupted,
    LockHeld,
    Lost,
    Refused,
    Unreachable,
)
from fbplan.ledger import Ledger
from fbplan.observe import Observation
from fbplan.outcome import Outcome, Report, Result, exit_code_of
from fbplan.plan import Phase, Plan, PolicyChange, Step


def execute(plan: Plan, observation: Observation, ledger: Ledger, setting: Setting) -> Report:
    """Carry out a plan whose preconditions hold. Raises only before the first write."""
    if plan.refusals:
        raise Refused(
            "the plan holds changes that are refused",
            plan.refusals[0].address,
            plan.refusals[0].what,
            "see `fbplan plan` for each of them and how to allow it",
        )
    return Run(plan, observation, ledger.salted(), setting).carry_out()


class Run:
    """One execution: the ids known so far, the outcomes, and the ledger as it grows."""

    def __init__(self, plan: Plan, observation: Observation, ledger: Ledger, setting: Setting) -> None:
        self.plan, self.observation, self.setting = plan, observation, setting
        self.recorder = Recorder(plan, observation, ledger)
        self.books = Bookkeeper(setting.keeping, self.recorder, observation, setting.now)
        self.outcomes: dict[str, Outcome] = {}
        self.policy = "unchanged"
        self.is_abandoned = False
        self._halted: FbplanError | None = None
        self.calls = Calls(setting.client, observation, setting.folder, setting.environ, self.books, issue)

    @property
    def halted(self) -> FbplanError | None:
        """Why nothing new begins; once there is a reason it stays."""
        if self._halted is None:
            self._halted = self.books.halt
        return self._halted

    def carry_out(self) -> Report:
        """All of it, in order. Raises only before the first write."""
        self.calls.prepare(self.plan.steps)
        require_publishable(self.plan.policy, self.setting.folder)
        self.setting.on_begin()
        self._begin()
        try:
            self.phase(Phase.EXPAND)
            self.publish()
            self.phase(Phase.CONTRACT)
        finally:
            halted = self.halted  # asked while the books are open: closed ones say no to everything
            unrecorded = self._close()
        return self.report(halted, unrecorded)

    def _begin(self) -> None:
        dropped = tuple(d.item for d in self.plan.dropped)
        try:
            until(self.setting.is_out_of_grace, lambda: self.books.begin(dropped))
        except OutOfTime:
            raise Interrupted(
                "interrupted",
                "",
                "no journal could be opened in time, and nothing was sent",
                "run the same command again",
            ) from None

    def _close(self) -> FbplanError | None:
        try:
            return until(self.setting.is_out_of_time, self.books.close)
        except OutOfTime:
            self.is_abandoned = True
            return None if self.books.is_written else unclosed(self.setting.keeping)

    def phase(self, phase: Phase) -> None:
        steps = {step.id: step for step in self.plan.steps if step.phase is phase}
        if not steps:
            return
        if phase is Phase.CONTRACT:
            blocked = self._contract_is_blocked()
            if blocked:
                for step in steps.values():
                    self._finish(Outcome(step.id, step.address, step.verb, Result.SKIPPED, blocked))
                return
            self._look_again(steps)
        self._run_graph(steps)

    def _run_graph(self, steps: Mapping[str, Step]) -> None:
        """Run every step after those it needs; what needs a step that failed is skipped."""
        if not self.is_abandoned:
            calls = (self._begins, self._step, self._finish)
            left = in_order(steps, self.setting.concurrency, *calls, self.setting.is_out_of_grace)
            if left:
                self._abandon(left)
        for step in steps.values():
            if step.id not in self.outcomes:
                self._is_settled(step)

    def _begins(self, step: Step) -> bool:
        if self._is_settled(step):
            return False
        self.setting.on_start(step)
        return True

    def _abandon(self, steps: Sequence[Step]) -> None:
        """The grace is over and these calls have no answer: nobody knows what became of them, and the books say so."""
        self.is_abandoned = True
        for step in steps:
            told = "its answer did not come before the run had to end; the next apply finds out"
            outcome = Outcome(step.id, step.address, step.verb, Result.UNKNOWN, told)
            self.books.ended(step, outcome, None, is_settled=False)
            self._finish(outcome)

    def _is_settled(self, step: Step) -> bool:
        """Whether a step needs no run: it has an outcome already, or a reason not to."""
        reason = self._reason_to_skip(step)
        if step.id not in self.outcomes and reason:
            self._finish(Outcome(step.id, step.address, step.verb, Result.SKIPPED, reason))
        return step.id in self.outcomes

    def _reason_to_skip(self, step: Step) -> str:
        if self.halted is not None:
            return f"not started: {self.halted.what}"
        for needed in step.needs:
            outcome = self.outcomes.get(needed)
            if outcome is not None and outcome.result is not Result.DONE:
                return f"needs {needed.replace(':', ' ')}, which {outcome.result.as_reason}"
        return ""

    def _step(self, step: Step) -> Outcome:
        done: Done | None = None
        is_settled = True
        try:
            done = self.calls.carry_out(step)
            outcome = Outcome(step.id, step.address, step.verb, Result.DONE, done.told)
        except (Interrupted, LockHeld) as fault:
            outcome = Outcome(step.id, step.address, step.verb, Result.SKIPPED, f"not sent: {fault.what}", fault)
        except FbplanError as fault:
            is_settled = not isinstance(fault, Ambiguous | Lost) and getattr(fault, "is_taken_back", True)
            result = Result.UNKNOWN if isinstance(fault, Ambiguous) else Result.FAILED
            outcome = Outcome(step.id, step.address, step.verb, result, _told(fault), fault)
        self.books.ended(step, outcome, done, is_settled=is_settled)
        return outcome

    def _finish(self, outcome: Outcome) -> None:
        self.outcomes.setdefault(outcome.step, outcome)
        for fault in (outcome.fault, outcome.fault and outcome.fault.__cause__):
            if self._halted is None and isinstance(fault, AuthenticationFailed | Unreachable):
                self._halted = fault
        self.setting.on_outcome(outcome)

    def _look_again(self, steps: Mapping[str, Step]) -> None:
        """What moved since the start is left alone."""
        look = SecondLook(self.plan, self.calls)
        try:
            fresh = until(  # it only reads: a signal need not wait for it
                self.setting.keeping.stopped,
                lambda: look.fresh(
                    steps.values(), self.observation, self.recorder.ledger, lambda: self.halted is not None
                ),
            )
        except OutOfTime:
            self.is_abandoned = True
            return
        except FbplanError as fault:  # half is done: this must end in a report, not in an error that hides it
            self._halted = fault
            return
        for step, stale in look.moved(steps.values(), fresh):
            self._finish(Outcome(step.id, step.address, step.verb, Result.FAILED, str(stale), stale))
        self.calls.look_again(fresh)

    def _contract_is_blocked(self) -> str:
        if self.halted is not None:
            return f"not started: {self.halted.what}"
        if self.policy == "failed":
            return "the routing policy could not be published, and nothing that is still routed is removed"
        return ""

    def publish(self) -> None:
        """Publish the policy. From then on nothing published routes to what begins to drain."""
        change, is_out = self.plan.policy, self.halted is None
        if change is not None and change.publishes:
            outcome = self._published(change)
            is_out = outcome.result is Result.DONE
            self.policy = f"generation {self.recorder.ledger.policy_generation}" if is_out else "failed"
            self._finish(outcome)
        if is_out and self.plan.begins:
            self._drains_begin()

    def _drains_begin(self) -> None:
        """What is not written down in time begins to drain with a later apply."""
        try:
            until(self.setting.is_out_of_grace, lambda: self.books.drains_begin(self.plan.begins))
        except OutOfTime:
            self.is_abandoned = True

    def _published(self, change: PolicyChange) -> Outcome:
        publisher = Publisher(self.calls, self.books, self.recorder, self.setting.now)
        outcomes, halted = tuple(self.outcomes.values()), self.halted
        try:
            return until(self.setting.is_out_of_grace, lambda: publisher.publish(change, outcomes, halted))
        except OutOfTime:
            self.is_abandoned = True
            told = f"{change.path} was not answered for before the run had to end; the next apply publishes again"
            return Outcome(PUBLISH, "policy", "publish", Result.UNKNOWN, told)

    def report(self, halted: FbplanError | None, unrecorded: FbplanError | None) -> Report:
        ordered = tuple(
            self.outcomes[key] for key in (*(s.id for s in self.plan.steps), PUBLISH) if key in self.outcomes
        )
        wrote = any(o.result in {Result.DONE, Result.UNKNOWN} for o in ordered)
        code = ExitCode.SIGINT if self.is_abandoned else exit_code_of(ordered, halted, wrote=wrote)
        if unrecorded is not None and code is ExitCode.OK:
            code = ExitCode.PARTIAL if wrote else unrecorded.exit_code
        return Report(ordered, self.recorder.ledger, self.policy, code, wrote, unrecorded, self.is_abandoned, halted)


def _told(fault: FbplanError) -> str:
    """The fault without its place: whoever tells it names the address already."""
    return f"{fault.what}: {fault.why}" if fault.why else fault.what
