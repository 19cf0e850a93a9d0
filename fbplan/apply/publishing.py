"""The routing policy of a plan, published between what widens and what narrows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from fbplan.apply.books import Bookkeeper
from fbplan.apply.calls import Calls
from fbplan.apply.recorder import Recorder
from fbplan.errors import FbplanError, Interrupted, LockHeld
from fbplan.outcome import Outcome, Result
from fbplan.plan import PolicyChange
from fbplan.policy.compose import Content
from fbplan.policy.document import Ids, finish
from fbplan.policy.place import place_of
from fbplan.policy.published import next_generation

PUBLISH = "policy:publish"
"""The step that publishing is, among the outcomes."""


def require_publishable(change: PolicyChange | None, folder: Path) -> None:
    """Before the first write: what cannot be published would hold back everything that narrows. Raises FbplanError."""
    if change is not None and change.publishes:
        place_of(change.path, folder).require_publishable()


@dataclass(frozen=True, slots=True)
class Publisher:
    """What publishing needs of a running apply."""

    calls: Calls
    books: Bookkeeper
    recorder: Recorder
    now: Callable[[], float]

    def publish(self, change: PolicyChange, outcomes: Collection[Outcome], halted: FbplanError | None) -> Outcome:
        """Publish, unless something that the policy names did not come to be: then nothing may be removed either."""
        content = Content.from_json(change.content)
        named = (
            {f"repository.{n}" for n in content.body["repositories"]}
            | {f"bucket.{n}" for n in content.body["buckets"]}
            | set(content.key_addresses.values())
        )
        missing = sorted({o.address for o in outcomes if o.result is not Result.DONE and o.address in named})
        if missing:
            return _outcome(Result.SKIPPED, f"{', '.join(missing)} did not come to be")
        if halted is not None:
            return _outcome(Result.SKIPPED, f"not started: {halted.what}")
        place = place_of(change.path, self.calls.folder)
        try:
            generation = next_generation(self.recorder.ledger.policy_generation, place.read(), int(self.now()))
            document = finish(content, self._ids(content), generation, change.spec_digest)
            self.books.publishes(generation)
            place.publish(document)
        except (Interrupted, LockHeld) as fault:
            return _outcome(Result.SKIPPED, f"not published: {fault.what}", fault)
        except FbplanError as fault:
            return _outcome(Result.FAILED, str(fault), fault)
        return _outcome(Result.DONE, f"{change.path}, generation {generation}")

    def _ids(self, content: Content) -> Ids:
        keys = {
            address: key
            for address in content.key_addresses.values()
            if (key := self.recorder.key_id(address)) is not None
        }
        return Ids(
            {name: self.calls.id_of(f"repository.{name}") for name in content.body["repositories"]},
            {name: self.calls.id_of(f"bucket.{name}") for name in content.body["buckets"]},
            keys,
        )


def _outcome(result: Result, told: str, fault: FbplanError | None = None) -> Outcome:
    return Outcome(PUBLISH, "policy", "publish", result, told, fault)
