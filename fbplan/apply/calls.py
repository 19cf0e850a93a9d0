"""One step → one call, and what to do when its answer is lost: read, never repeat blindly.

A PUT or DELETE may be sent again once reading shows that it did not take effect: twice is the same as once. A POST is
never sent again in the same run, but for a key, whose orphan has been looked for and deleted first (see `issuing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pydantic import TypeAdapter

from fbplan.apply.contract import Books, Done, Sending
from fbplan.apply.lost import lost, once, settling
from fbplan.apply.matching import is_as_sent, plain_fields
from fbplan.client.api import WriteClient
from fbplan.client.lag import PATIENCE
from fbplan.errors import Ambiguous, ApiFault, FbplanError, Missing
from fbplan.kinds import KINDS
from fbplan.kinds.base import Json, Kind, split_address
from fbplan.observe import Observation
from fbplan.plan import Step, Verb
from fbplan.secrets import Secret, Sink, SinkRef, Source, SourceRef
from fbplan.settle.candidates import has_the_fields
from fbplan.state import Observed
from fbplan.wire import create_body, observed_from, update_body


class Calls:
    """Carries out single steps; safe across threads, as each touches its own object."""

    def __init__(
        self,
        client: WriteClient,
        observation: Observation,
        folder: Path,
        environ: Mapping[str, str],
        books: Books,
        issue: Callable[[Calls, Step, Kind], Done],
    ) -> None:
        """`issue` carries out the one step that is more than a call (see `issuing`)."""
        self._issue = issue
        self.client, self.folder, self.environ, self.books = client, folder, environ, books
        self._observation = observation
        self._ids = {address: live.id for address, live in observation.world.live.items()}
        self._old = dict(self._ids)
        self._sent: dict[str, Mapping[str, Json]] = {}
        self._secrets: dict[str, dict[str, Secret]] = {}
        self.sinks: dict[str, Sink] = {}
        self.known = {remote for _, remote in observation.by_id}
        """Every id that was listed before this run sent anything."""

    def prepare(self, steps: tuple[Step, ...]) -> None:
        """Resolve every secret and check every sink that the steps will need, before anything is written."""
        source, sink = TypeAdapter[Source](SourceRef), TypeAdapter[Sink](SinkRef)
        for step in steps:
            try:
                self._secrets[step.id] = {
                    name: Secret(ref)
                    if isinstance(ref, str)
                    else source.validate_python(ref).read(self.folder, self.environ)
                    for name, ref in step.secrets.items()
                }
                if step.verb is Verb.ISSUE:
                    self.sinks[step.id] = sink.validate_python(step.sink)
                    self.sinks[step.id].check(self.folder, self.environ)
            except FbplanError as fault:
                fault.where = fault.where or step.address
                raise

    def id_of(self, address: str) -> str:
        """The remote id behind an address, as far as this run knows."""
        remote = self._ids.get(address) or self._observation.world.foreign.get(address)
        if remote is None:
            raise ApiFault(
                f"there is no live {address}", address, "it should have been there by now", "plan again: fbplan plan"
            )
        return remote

    def remember(self, address: str, remote: str, sent: Mapping[str, Json]) -> None:
        """An object that this run made."""
        self._ids[address] = remote
        self._sent[address] = sent

    def look_again(self, fresh: Observation) -> None:
        self._observation = fresh

    def is_as_sent(self, address: str, fresh: Observation) -> bool:
        """Whether an object still has the fields that this run sent."""
        live = fresh.by_id.get((split_address(address)[0], self._ids.get(address, "")))
        return live is not None and is_as_sent(live, self._sent.get(address, {}), self.id_of)

    def carry_out(self, step: Step) -> Done:
        """One step. Raises Lost or Ambiguous when its outcome is not settled, another FbplanError when it did not happen."""
        try:
            kind = KINDS[split_address(step.address)[0]]
            match step.verb:
                case Verb.CREATE:
                    return self._create(step, kind)
                case Verb.UPDATE:
                    return self._update(step, kind)
                case Verb.DELETE:
                    return self._delete(step, kind)
                case Verb.ISSUE:
                    return self._issue(self, step, kind)
        except FbplanError as fault:
            fault.where = step.address if not fault.where or " /" in fault.where else fault.where
            self._redact(step, fault)
            raise

    def _redact(self, step: Step, fault: FbplanError) -> None:
        """The API checks credentials at the provider and may quote them in its refusal: nothing we sent is told."""
        for secret in self._secrets.get(step.id, {}).values():
            value = secret.reveal()
            if len(value) >= 4:
                fault.what, fault.why, fault.next = (
                    t.replace(value, "***") for t in (fault.what, fault.why, fault.next)
                )

    def parent_id(self, kind: Kind, address: str) -> str | None:
        live = self._observation.world.raw.get(address)
        if live is not None:
            return live.parent_id  # also where the parent has another address by now
        return self.id_of(f"{kind.parent}.{split_address(address)[1][0]}") if kind.parent else None

    def body(self, step: Step, kind: Kind, marker: str) -> dict[str, Json]:
        return create_body(kind, step.sets, self._plain(step), self._observation.workspace.id, self.id_of, marker)

    def _plain(self, step: Step) -> dict[str, str]:
        return {name: secret.reveal() for name, secret in self._secrets.get(step.id, {}).items()}

    def listed(self, kind: Kind, parent_id: str | None) -> list[Observed]:
        rows = self.client.listing(kind, self._observation.workspace.id, parent_id)
        return [observed_from(kind, row, parent_id) for row in rows]

    def newly_listed(self, kind: Kind, sending: Sending) -> list[Observed]:
        """Objects that were not there before and are as what was sent; waits a while for a listing that lags."""
        for seconds in (*PATIENCE, None):
            found = [
                o
                for o in self._listed_under(kind, sending.parent_id)
                if o.name == sending.name
                and o.id not in self.known
                and has_the_fields(kind, sending.sent, o)  # another one is somebody's, and was there first
            ]
            if found or seconds is None:
                return found
            self.client.pause(seconds, f"'{sending.name}' is not listed, and its create got no answer")
        return []

    def _listed_under(self, kind: Kind, parent_id: str | None) -> list[Observed]:
        """The same; nothing yet under a parent that this run made and the API does not know everywhere yet."""
        try:
            return self.listed(kind, parent_id)
        except Missing:
            if parent_id is None:
                raise
            return []

    def _create(self, step: Step, kind: Kind) -> Done:
        parent_id, marker = self.parent_id(kind, step.address), split_address(step.address)[1][-1]
        body = self.body(step, kind, marker)
        sending = Sending(str(body.get(kind.name_wire) or marker), parent_id, plain_fields(kind.name, step.sets))
        self.books.intend(step, sending)
        told = ""
        try:
            remote, _ = self.client.create(kind, body, parent_id)
        except Ambiguous as fault:
            with settling("create", fault):
                found = self.newly_listed(kind, sending)
            if len(found) != 1:
                raise lost("create", found, fault) from fault
            remote, told = found[0].id, "the answer was lost; it was found by reading"
        self.remember(step.address, remote, step.sets)
        return Done(remote, told=told)

    def _update(self, step: Step, kind: Kind) -> Done:
        remote = self._old[step.address] if step.target == "old" else self.id_of(step.address)
        parent_id, live = self.parent_id(kind, step.address), self._observation.by_id[kind.name, remote]
        marker = split_address(step.address)[1][-1]
        body = update_body(kind, live, step.sets, self._plain(step), self._observation.workspace.id, self.id_of, marker)
        self.books.intend(step, None)
        told = ""
        for is_last in (False, True):
            try:
                with once(again=is_last):
                    self.client.update(kind, remote, body, parent_id)
                break
            except Ambiguous as fault:
                with settling("update", fault):
                    fresh = next((o for o in self.listed(kind, parent_id) if o.id == remote), None)
                if fresh is not None and not step.secrets and is_as_sent(fresh, step.sets, self.id_of):
                    told = "the answer was lost; reading shows that it took effect"
                    break
                if is_last or fresh is None:
                    raise lost("update", [], fault) from fault
                self.require_lock("update", fault)
                told = "the answer was lost; it was sent again"
        self._sent[step.address] = {**self._sent.get(step.address, {}), **step.sets}
        return Done(remote, told=told)

    def _delete(self, step: Step, kind: Kind) -> Done:
        remote, parent_id = self._old[step.address], self.parent_id(kind, step.address)
        self.books.intend(step, None)
        told = [
            self.remove(kind, victim, parent_id)
            for victim in (*(o.id for o in self._observation.world.older.get(step.address, ())), remote)
        ]
        return Done(remote, told=next((t for t in told if t), ""))

    def require_lock(self, what: str, fault: Ambiguous) -> None:
        """Before a step writes once more: whoever went on meanwhile may have done what it does. Raises Ambiguous."""
        with settling(what, fault):
            if self.books.lost_lock is not None:
                raise self.books.lost_lock

    def remove(self, kind: Kind, victim: str, parent_id: str | None) -> str:
        """Delete one object and make sure that it is gone; a sentence if there was trouble on the way."""
        told = ""
        for is_last in (False, True):
            try:
                with once(again=is_last):
                    was_there = self.client.delete(kind, victim, parent_id)
            except Ambiguous as fault:
                with settling("delete", fault):
                    is_there = self._is_listed(kind, victim, parent_id, ())
                if not is_there:
                    return "the answer was lost; reading shows that it is gone"
                if is_last:
                    raise lost("delete", [], fault) from fault
                self.require_lock("delete", fault)
                told = "the answer was lost; it was sent again"
                continue
            if not was_there and self._is_listed(kind, victim, parent_id, PATIENCE):
                if told:
                    raise Ambiguous(
                        "the delete was lost on the way",
                        "",
                        "sent again it was answered 404, and the object is still listed",
                        "run the same command again",
                    )
                raise ApiFault(
                    "the API answered 404 to a delete and still lists the object",
                    "",
                    "404 may also mean the calling user",
                    "check that the user may delete in this workspace",
                )
            return told
        return told

    def _is_listed(self, kind: Kind, remote: str, parent_id: str | None, patience: Iterable[float]) -> bool:
        for seconds in (*patience, None):
            if all(o.id != remote for o in self.listed(kind, parent_id)):
                return False
            if seconds is not None:
                self.client.pause(seconds, "what was deleted is still listed")
        return True
