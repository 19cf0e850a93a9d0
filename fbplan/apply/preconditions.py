"""Whether everything that a plan touches is still as it was: before the first write, and once more before contract."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from fbplan.apply.calls import Calls
from fbplan.client.lag import PATIENCE
from fbplan.commands import given
from fbplan.errors import Stale
from fbplan.ledger import Ledger
from fbplan.observe import Observation, observe
from fbplan.plan import Phase, Plan, Step
from fbplan.planner import ABSENT
from fbplan.state import fingerprint


def again(plan: Plan) -> str:
    """What to do about a plan that is stale."""
    return f"plan again and review what is new: fbplan plan{given(plan.spec_path)}"


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
        raise Stale("the plan is stale", "", "; ".join(moved) + " since it was made", again(plan))


@dataclass(frozen=True, slots=True)
class SecondLook:
    """One fresh listing before anything is removed."""

    plan: Plan
    calls: Calls

    def fresh(
        self, steps: Collection[Step], before: Observation, ledger: Ledger, is_halted: Callable[[], bool]
    ) -> Observation:
        """A listing that shows what this run sent; after some patience the one that there is. Raises FbplanError."""
        client, sent = self.calls.client, sorted({s.address for s in steps} & self._expanded())
        for seconds in (*PATIENCE, None):
            fresh = observe(client, before.workspace, self.plan.targets, ledger)
            late = [a for a in sent if a not in fresh.world.live or not self.calls.is_as_sent(a, fresh)]
            if not late or seconds is None or is_halted():
                break
            client.pause(seconds, f"{late[0]} is not listed as it was sent")
        return fresh

    def moved(self, steps: Collection[Step], fresh: Observation) -> Iterator[tuple[Step, Stale]]:
        """The steps whose object somebody changed since the start, or since this run sent it."""
        expanded = self._expanded()
        for step in steps:
            try:
                if step.address not in expanded:
                    check_preconditions(self.plan, fresh, [step.address])
                elif fresh.world.live.get(step.address) is None or not self.calls.is_as_sent(step.address, fresh):
                    raise Stale(
                        "it moved while this apply ran", step.address, "somebody else changed it", again(self.plan)
                    )
            except Stale as fault:
                yield step, fault

    def _expanded(self) -> set[str]:
        return {s.address for s in self.plan.steps if s.phase is Phase.EXPAND}
