"""The executor: a plan → outcomes. It decides nothing; it carries out, records, and says what happened.

expand → publish the policy → one fresh listing → contract → ledger
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from pathlib import Path

from fbplan.calls import Calls, Done
from fbplan.client.api import WriteClient
from fbplan.errors import (
    AuthenticationFailed,
    ExitCode,
    FbplanError,
    Interrupted,
    Refused,
    SinkFailed,
    Stale,
    Unreachable,
)
from fbplan.ledger import Entry, KeyGeneration, Ledger
from fbplan.observe import Observation, observe
from fbplan.outcome import Outcome, Report, Result
from fbplan.plan import Action, Change, Phase, Plan, Step, Verb
from fbplan.planner import ABSENT
from fbplan.policy.compose import Content
from fbplan.policy.document import Ids, finish
from fbplan.policy.published import next_generation, publish, read_published
from fbplan.state import fingerprint, generation_of


@dataclass(slots=True)
class Setting:
    """What an apply works with, apart from the plan."""

    client: WriteClient
    folder: Path
    environ: Mapping[str, str]
    now: Callable[[], float]
    concurrency: int = 8
    on_start: Callable[[Step], None] = field(default=lambda _: None)
    on_outcome: Callable[[Outcome], None] = field(default=lambda _: None)
    keep: Callable[[Ledger], Ledger] = field(default=lambda ledger: ledger)
    """Writes the ledger: once before the first call, to know that it can, and once at the end, whatever happened."""


def check_preconditions(plan: Plan, observation: Observation, addresses: Iterable[str] | None = None) -> None:
    """Raises Stale when anything the plan touches is not as it was when the plan was made."""
    moved = []
    for address in sorted(plan.preconditions if addresses is None else addresses):
        expected, live = plan.preconditions.get(address), observation.world.raw.get(address)
        found = fingerprint(live) if live is not None else ABSENT
        if expected is not None and expected != found:
            moved.append(
                f"{address} {'is gone' if found == ABSENT else 'now exists' if expected == ABSENT else 'was changed'}"
            )
    if moved:
        raise Stale(
            "the plan is stale",
            "",
            "; ".join(moved) + " since it was made",
            "plan again and review what is new: fbplan plan",
        )


def execute(plan: Plan, observation: Observation, ledger: Ledger, setting: Setting) -> Report:
    """Carry out a plan whose preconditions hold. Raises only before the first write."""
    if plan.refusals:
        raise Refused(
            "the plan holds changes that are refused",
            plan.refusals[0].address,
            plan.refusals[0].what,
            "see `fbplan plan` for each of them and how to allow it",
        )
    run = _Run(plan, observation, ledger.salted(), setting)
    run.calls.prepare(plan.steps)
    run.ledger = setting.keep(
        run.ledger
    )  # what cannot be recorded must not be written: this fails before the first call
    try:
        run.phase(Phase.EXPAND)
        run.publish()
        run.phase(Phase.CONTRACT)
    except KeyboardInterrupt:
        run.stop(Interrupted("interrupted", "", "nothing new was started", "run the same command again to finish"))
    finally:
        run.record_ledger_only_changes()
        run.ledger = setting.keep(run.ledger)
    return run.report()


class _Run:
    """One execution: the ids known so far, the outcomes, and the ledger as it grows."""

    def __init__(self, plan: Plan, observation: Observation, ledger: Ledger, setting: Setting) -> None:
        self.plan, self.observation, self.setting = plan, observation, setting
        self.ledger = replace(ledger, workspace_id=observation.workspace.id)
        self.outcomes: dict[str, Outcome] = {}
        self.policy = "unchanged"
        self.halted: FbplanError | None = None
        self.changes = {change.address: change for change in plan.changes}
        self.calls = Calls(setting.client, observation, setting.folder, setting.environ)
        self._recording = threading.Lock()

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
        """Run every step after those it needs; a step that failed is never done, so what needs it is skipped."""
        waiting: TopologicalSorter[str] = TopologicalSorter(
            {s.id: [n for n in s.needs if n in steps] for s in steps.values()}
        )
        waiting.prepare()
        ready: deque[str] = deque()
        running: dict[Future[Outcome], str] = {}
        most = max(1, self.setting.concurrency)
        with ThreadPoolExecutor(max_workers=most) as pool:
            try:
                while waiting.is_active():
                    ready.extend(waiting.get_ready())
                    while ready and len(running) < most:
                        step = steps[ready.popleft()]
                        if self._is_settled(step):
                            waiting.done(step.id)
                        else:
                            self.setting.on_start(step)
                            running[pool.submit(self._step, step)] = step.id
                    for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                        self._finish(future.result())
                        waiting.done(running.pop(future))
            except KeyboardInterrupt:
                for future in running:  # what is in flight is finished and recorded; nothing else begins
                    self._finish(future.result())
                raise

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
                return f"needs {needed.replace(':', ' ')}, which {'failed' if outcome.result is Result.FAILED else 'was skipped'}"
        return ""

    def _step(self, step: Step) -> Outcome:
        try:
            done = self.calls.carry_out(step)
        except FbplanError as fault:
            return Outcome(step.id, step.address, step.verb, Result.FAILED, _told(fault), fault)
        with self._recording:
            self._record(step, done)
        return Outcome(step.id, step.address, step.verb, Result.DONE, done.told)

    def _finish(self, outcome: Outcome) -> None:
        self.outcomes[outcome.step] = outcome
        if isinstance(outcome.fault, (AuthenticationFailed, Unreachable)):
            self.halted = outcome.fault
        self.setting.on_outcome(outcome)

    def stop(self, fault: FbplanError) -> None:
        """No more steps; those that never ran are told as skipped."""
        self.halted = fault
        for step in self.plan.steps:
            if step.id not in self.outcomes:
                self._finish(Outcome(step.id, step.address, step.verb, Result.SKIPPED, f"not started: {fault.what}"))

    def _look_again(self, steps: Mapping[str, Step]) -> None:
        """One fresh listing before anything is removed: what moved since the start is left alone."""
        fresh = observe(self.setting.client, self.observation.workspace, self.plan.targets, self.ledger)
        expanded = {s.address for s in self.plan.steps if s.phase is Phase.EXPAND}
        for step in steps.values():
            live = fresh.world.live.get(step.address)
            try:
                if step.address not in expanded:
                    check_preconditions(self.plan, fresh, [step.address])
                elif live is not None and not self.calls.is_as_sent(step.address, fresh):
                    raise Stale(
                        "it moved while this apply ran",
                        step.address,
                        "somebody else changed it",
                        "plan again and review what is new: fbplan plan",
                    )
            except Stale as fault:
                self._finish(Outcome(step.id, step.address, step.verb, Result.FAILED, str(fault), fault))
        self.calls.look_again(fresh)

    def _contract_is_blocked(self) -> str:
        if self.halted is not None:
            return f"not started: {self.halted.what}"
        if self.policy == "failed":
            return "the routing policy could not be published, and nothing that is still routed is removed"
        return ""

    def publish(self) -> None:
        """Publish the policy, unless something that it names did not come to be: then nothing is removed either."""
        change = self.plan.policy
        if change is None or not change.publishes:
            return
        content = Content.from_json(change.content)
        named = (
            {f"repository.{n}" for n in content.body["repositories"]}
            | {f"bucket.{n}" for n in content.body["buckets"]}
            | set(content.key_addresses.values())
        )
        missing = sorted(
            {o.address for o in self.outcomes.values() if o.result is not Result.DONE and o.address in named}
        )
        if missing or self.halted is not None:
            self.policy = "failed"
            why = (
                f"{', '.join(missing)} did not come to be"
                if missing
                else f"not started: {self.halted.what if self.halted else ''}"
            )
            self._finish(Outcome("policy:publish", "policy", "publish", Result.SKIPPED, why))
            return
        path = self.setting.folder / change.path
        try:
            generation = next_generation(self.ledger.policy_generation, read_published(path), int(self.setting.now()))
            publish(path, finish(content, self._ids(content), generation, change.spec_digest))
        except FbplanError as fault:
            self.policy = "failed"
            self._finish(Outcome("policy:publish", "policy", "publish", Result.FAILED, str(fault), fault))
            return
        self.ledger = replace(self.ledger, policy_generation=generation)
        self.policy = f"generation {generation}"
        self._finish(
            Outcome("policy:publish", "policy", "publish", Result.DONE, f"{change.path}, generation {generation}")
        )

    def _ids(self, content: Content) -> Ids:
        keys = {
            address: key for address in content.key_addresses.values() if (key := self._key_id(address)) is not None
        }
        return Ids(
            {name: self.calls.id_of(f"repository.{name}") for name in content.body["repositories"]},
            {name: self.calls.id_of(f"bucket.{name}") for name in content.body["buckets"]},
            keys,
        )

    def _key_id(self, address: str) -> str | None:
        entry = self.ledger.entries.get(address)
        if entry is not None and entry.keys:
            return entry.keys[-1].key_id
        live = self.observation.world.live.get(address)
        return live.key_id if live is not None else None

    def _record(self, step: Step, done: Done) -> None:
        """Take one finished step into the ledger."""
        address, change = step.address, self.changes[step.address]
        match step.verb:
            case Verb.DELETE if step.target == "old":
                self._drop(f"{address}-replaced")
            case Verb.DELETE:
                self._drop(address)
            case Verb.UPDATE if step.target == "old":
                self._put(f"{address}-replaced", Entry(done.id, str(step.sets["name"])))
            case Verb.ISSUE:
                self._put(
                    address,
                    self._entry(
                        change,
                        done.id,
                        (*self._generations(address), KeyGeneration(done.id, done.key_id, step.generation)),
                    ),
                )
            case Verb.CREATE:
                self._put(address, self._entry(change, done.id, ()))
            case Verb.UPDATE:
                last = [s for s in self.plan.steps if s.address == address][-1]
                if step.id == last.id:
                    self._put(address, self._entry(change, done.id, self._generations(address)))

    def record_ledger_only_changes(self) -> None:
        """Adoptions, departures without a write, and changes that only the ledger knows."""
        stepped = {step.address for step in self.plan.steps}
        for change in self.plan.changes:
            if change.former is not None and change.address in self.ledger.entries:
                self._drop(change.former)
            if change.address in stepped:
                continue
            live = self.observation.world.live.get(change.address)
            if change.action is Action.FORGET:
                self._drop(change.address)
            elif live is not None and change.record is not None:
                self._put(change.address, self._entry(change, live.id, self._generations(change.address)))
                if change.former is not None:
                    self._drop(change.former)

    def _generations(self, address: str) -> tuple[KeyGeneration, ...]:
        """Every generation of a key that still lives, oldest first."""
        entry, live = self.ledger.entries.get(address), self.observation.world.live.get(address)
        if entry is not None and entry.keys and live is not None:
            return entry.keys
        if live is None or live.key_id is None:
            return ()
        group = (*self.observation.world.older.get(address, ()), live)
        return tuple(KeyGeneration(o.id, o.key_id or "", generation_of(o.name)) for o in group)

    def _entry(self, change: Change, remote: str, keys: tuple[KeyGeneration, ...]) -> Entry:
        record = change.record
        if record is None:
            return Entry(remote, change.address)
        digests = {name: self.ledger.digest(name, value) for name, value in record.fields.items()}
        return Entry(remote, record.name, record.protect, record.version, digests, keys)

    def _put(self, address: str, entry: Entry) -> None:
        if self.ledger.is_kept:
            self._entries()[address] = entry

    def _drop(self, address: str) -> None:
        self._entries().pop(address, None)

    def _entries(self) -> dict[str, Entry]:
        """The entries as a mapping that this run owns; copied once, not per step."""
        if not isinstance(self.ledger.entries, _Owned):
            self.ledger = replace(self.ledger, entries=_Owned(self.ledger.entries))
        return self.ledger.entries  # type: ignore[return-value]  # the line above made it ours

    def report(self) -> Report:
        ordered = tuple(
            self.outcomes[key] for key in (*(s.id for s in self.plan.steps), "policy:publish") if key in self.outcomes
        )
        wrote = any(o.result is Result.DONE for o in ordered)
        return Report(ordered, self.ledger, self.policy, _exit_code(ordered, self.halted, wrote=wrote), wrote)


class _Owned(dict[str, Entry]):
    """Entries that belong to the running apply."""


def _told(fault: FbplanError) -> str:
    """The fault without its place: whoever tells it names the address already."""
    return f"{fault.what}: {fault.why}" if fault.why else fault.what


def _exit_code(outcomes: tuple[Outcome, ...], halted: FbplanError | None, *, wrote: bool) -> ExitCode:
    if isinstance(halted, Interrupted):
        return ExitCode.SIGINT
    if any(isinstance(o.fault, SinkFailed) for o in outcomes):
        return ExitCode.SINK
    undone = [o for o in outcomes if o.result is not Result.DONE]
    if not undone:
        return ExitCode.OK
    if wrote:
        return ExitCode.PARTIAL
    if halted is not None:
        return halted.exit_code
    if any(isinstance(o.fault, Stale) for o in outcomes):
        return ExitCode.STALE
    return ExitCode.PARTIAL
