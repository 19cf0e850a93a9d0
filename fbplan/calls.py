"""One step → one call, and what to do when its answer is lost: read, never repeat blindly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from fbplan.client.api import WriteClient
from fbplan.errors import Ambiguous, ApiFault, FbplanError, SinkFailed
from fbplan.kinds import KINDS
from fbplan.kinds.base import Field, Json, Kind, split_address
from fbplan.observe import Observation
from fbplan.plan import Step, Verb
from fbplan.secrets import IssuedKey, Secret, Sink, SinkRef, Source, SourceRef
from fbplan.state import Observed
from fbplan.wire import create_body, observed_from, update_body


@dataclass(frozen=True, slots=True)
class Done:
    """A step that succeeded: the id it was about, and a sentence if there is something to say."""

    id: str
    key_id: str = ""
    told: str = ""


class Calls:
    """Carries out single steps; safe across threads, as each touches its own object."""

    def __init__(self, client: WriteClient, observation: Observation, folder: Path, environ: Mapping[str, str]) -> None:
        self._client, self._observation, self._folder, self._environ = client, observation, folder, environ
        self._ids = {address: live.id for address, live in observation.world.live.items()}
        self._old = dict(self._ids)
        self._sent: dict[str, Mapping[str, Json]] = {}
        self._secrets: dict[str, dict[str, Secret]] = {}
        self._sinks: dict[str, Sink] = {}
        self._verbs: Mapping[Verb, Callable[[Step, Kind], Done]] = {
            Verb.CREATE: self._create,
            Verb.UPDATE: self._update,
            Verb.ISSUE: self._issue,
            Verb.DELETE: self._delete,
        }

    def prepare(self, steps: tuple[Step, ...]) -> None:
        """Resolve every secret and check every sink that the steps will need, before anything is written."""
        source, sink = TypeAdapter[Source](SourceRef), TypeAdapter[Sink](SinkRef)
        for step in steps:
            try:
                self._secrets[step.id] = {
                    name: Secret(ref)
                    if isinstance(ref, str)
                    else source.validate_python(ref).read(self._folder, self._environ)
                    for name, ref in step.secrets.items()
                }
                if step.verb is Verb.ISSUE:
                    self._sinks[step.id] = sink.validate_python(step.sink)
                    self._sinks[step.id].check(self._folder, self._environ)
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

    def look_again(self, fresh: Observation) -> None:
        self._observation = fresh

    def is_as_sent(self, address: str, fresh: Observation) -> bool:
        """Whether an object still has the fields that this run sent."""
        live, sent = (
            fresh.by_id.get((split_address(address)[0], self._ids.get(address, ""))),
            self._sent.get(address, {}),
        )
        return live is not None and _matches(live, sent, self.id_of)

    def carry_out(self, step: Step) -> Done:
        """One step. Raises FbplanError when it did not happen, or when nobody can tell."""
        try:
            return self._verbs[step.verb](step, KINDS[split_address(step.address)[0]])
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

    def _parent_id(self, kind: Kind, address: str) -> str | None:
        live = self._observation.world.raw.get(address)
        if live is not None:
            return live.parent_id  # also where the parent has another address by now
        return self.id_of(f"{kind.parent}.{split_address(address)[1][0]}") if kind.parent else None

    def _plain(self, step: Step) -> dict[str, str]:
        return {name: secret.reveal() for name, secret in self._secrets.get(step.id, {}).items()}

    def _list(self, kind: Kind, parent_id: str | None) -> list[Observed]:
        rows = self._client.listing(kind, self._observation.workspace.id, parent_id)
        return [observed_from(kind, row, parent_id) for row in rows]

    def _create(self, step: Step, kind: Kind) -> Done:
        parent_id, marker = self._parent_id(kind, step.address), split_address(step.address)[1][-1]
        body = create_body(kind, step.sets, self._plain(step), self._observation.workspace.id, self.id_of, marker)
        told = ""
        try:
            remote, _ = self._client.create(kind, body, parent_id)
        except Ambiguous as fault:
            remote = self._settled_create(kind, parent_id, str(body.get(kind.name_wire) or marker), fault)
            told = "the answer was lost; it was found by reading"
        self._ids[step.address] = remote
        self._sent[step.address] = step.sets
        return Done(remote, told=told)

    def _settled_create(self, kind: Kind, parent_id: str | None, name: str, fault: Ambiguous) -> str:
        known = {remote for (k, remote) in self._observation.by_id if k == kind.name}
        new = [o for o in self._list(kind, parent_id) if o.name == name and o.id not in known]
        if len(new) == 1:
            return new[0].id
        if not new:
            raise ApiFault(
                "the create was lost on the way",
                "",
                f"{fault.why or fault.what}; a fresh listing does not have it",
                "run the same command again",
            ) from fault
        raise ApiFault(
            f"the create was answered by {len(new)} objects",
            "",
            f"ids: {', '.join(sorted(o.id for o in new))}",
            "delete all but one by hand, then run the same command again",
        ) from fault

    def _update(self, step: Step, kind: Kind) -> Done:
        remote, parent_id = (
            self._old[step.address] if step.target == "old" else self.id_of(step.address),
            self._parent_id(kind, step.address),
        )
        live = self._observation.by_id[kind.name, remote]
        body = update_body(
            kind,
            live,
            step.sets,
            self._plain(step),
            self._observation.workspace.id,
            self.id_of,
            split_address(step.address)[1][-1],
        )
        try:
            self._client.update(kind, remote, body, parent_id)
        except Ambiguous as fault:
            fresh = next((o for o in self._list(kind, parent_id) if o.id == remote), None)
            if fresh is None or step.secrets or not _matches(fresh, step.sets, self.id_of):
                raise ApiFault(
                    "the update was lost on the way",
                    "",
                    f"{fault.why or fault.what}; a fresh listing does not show it",
                    "run the same command again",
                ) from fault
            return Done(remote, told="the answer was lost; reading shows that it took effect")
        self._sent[step.address] = {**self._sent.get(step.address, {}), **step.sets}
        return Done(remote)

    def _delete(self, step: Step, kind: Kind) -> Done:
        remote, parent_id = self._old[step.address], self._parent_id(kind, step.address)
        for victim in (*(o.id for o in self._observation.world.older.get(step.address, ())), remote):
            try:
                was_there = self._client.delete(kind, victim, parent_id)
            except Ambiguous as fault:
                if any(o.id == victim for o in self._list(kind, parent_id)):
                    raise ApiFault(
                        "the delete was lost on the way",
                        "",
                        f"{fault.why or fault.what}; a fresh listing still has it",
                        "run the same command again",
                    ) from fault
            else:
                if not was_there and any(o.id == victim for o in self._list(kind, parent_id)):
                    raise ApiFault(
                        "the API answered 404 to a delete and still lists the object",
                        "",
                        "404 may also mean the calling user",
                        "check that the user may delete in this workspace",
                    )
        return Done(remote)

    def _issue(self, step: Step, kind: Kind) -> Done:
        """Create a key and bring its secret to the sink before anything else happens to it."""
        parent_id = self._parent_id(kind, step.address)
        body = create_body(kind, step.sets, {}, self._observation.workspace.id, self.id_of, "")
        known = {remote for (k, remote) in self._observation.by_id if k == kind.name}
        try:
            remote, answer = self._client.create(kind, body, parent_id)
        except Ambiguous as fault:
            self._remove_orphan(kind, parent_id, str(body[kind.name_wire]), known, fault)
            remote, answer = self._client.create(kind, body, parent_id)
        key_id, secret = answer.get("key"), answer.get("secret")
        try:
            if not isinstance(key_id, str) or not isinstance(secret, str) or not secret:
                raise SinkFailed(
                    "the API issued a key without its secret",
                    step.address,
                    "there is nothing to store",
                    "run the same command again",
                )
            sink, issued = (
                self._sinks[step.id],
                IssuedKey(step.address, parent_id or "", key_id, Secret(secret), step.generation),
            )
            sink.store(issued, self._folder, self._environ)
            if sink.is_readable and sink.read_back(self._folder) != key_id:
                raise SinkFailed(
                    "the sink does not hold what was written to it",
                    step.address,
                    sink.describe(),
                    "check what else writes there",
                )
        except SinkFailed as fault:
            raise self._taken_back(kind, remote, parent_id, fault) from fault
        self._ids[step.address] = remote
        return Done(remote, key_id, f"secret stored in {sink.describe()}")

    def _taken_back(self, kind: Kind, remote: str, parent_id: str | None, fault: SinkFailed) -> SinkFailed:
        try:
            self._client.delete(kind, remote, parent_id)
        except FbplanError as second:
            return SinkFailed(
                fault.what,
                fault.where,
                f"{fault.why}; and the new key could not be deleted again ({second.what})",
                "delete it by hand: its secret is lost",
            )
        return SinkFailed(
            fault.what, fault.where, f"{fault.why}; the new key was deleted again".lstrip("; "), fault.next
        )

    def _remove_orphan(self, kind: Kind, parent_id: str | None, name: str, known: set[str], fault: Ambiguous) -> None:
        """A key whose answer was lost has a secret that nobody knows: delete it, so that it can be issued again."""
        new = [o for o in self._list(kind, parent_id) if o.name == name and o.id not in known]
        if len(new) > 1:
            raise ApiFault(
                f"{len(new)} new keys are called '{name}'",
                "",
                f"ids: {', '.join(sorted(o.id for o in new))}",
                "delete the ones that nobody uses by hand, then run the same command again",
            ) from fault
        for orphan in new:
            self._client.delete(kind, orphan.id, parent_id)


def _matches(live: Observed, sent: Mapping[str, Json], id_of: Callable[[str], str]) -> bool:
    """Whether a live object (remote ids) has the fields that were sent (addresses); only declared keys count."""
    for facts in KINDS[live.kind].compared:
        if facts.name not in sent:
            continue
        wanted, there = sent[facts.name], live.fields.get(facts.name)
        if facts.items:
            identity = next(f.name for f in facts.items if f.ref is not None)
            found = {item[identity]: item for item in there or []}
            pairs = [(item, found.get(id_of(item[identity]))) for item in wanted]
            if len(found) != len(pairs) or not all(live and _item_matches(facts, item, live) for item, live in pairs):
                return False
        else:
            wanted = id_of(wanted) if facts.ref is not None and wanted is not None else wanted
            if facts.normalise(wanted) != facts.normalise(there):
                return False
    return True


def _item_matches(facts: Field, wanted: Mapping[str, Json], there: Mapping[str, Json]) -> bool:
    return all(
        f.normalise(wanted[f.name]) == f.normalise(there.get(f.name))
        for f in facts.items
        if f.name in wanted and f.ref is None
    )
