"""An API key from its POST to its sink. Its secret is shown once: it is stored before anything else, or the key goes.

check the sink → intent → POST → note the id → ask the lock → store → read back → done
                           └ no answer: find the key by name, delete it, POST once more
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fbplan.apply.calls import Calls
from fbplan.apply.contract import Done, Sending
from fbplan.apply.lost import lost, settling
from fbplan.apply.matching import plain_fields
from fbplan.client.envelope import UNREADABLE
from fbplan.errors import Ambiguous, FbplanError, SinkFailed
from fbplan.kinds.base import Kind
from fbplan.plan import Step
from fbplan.secrets import IssuedKey, Secret


def issue(calls: Calls, step: Step, kind: Kind) -> Done:
    """Create a key and bring its secret to the sink before anything else happens to it."""
    parent_id = calls.parent_id(kind, step.address)
    body = calls.body(step, kind, "")
    sending = Sending(str(body[kind.name_wire]), parent_id, plain_fields(kind.name, step.sets))
    calls.books.intend(step, sending)
    try:
        remote, answer = calls.client.create(kind, body, parent_id)
    except Ambiguous as fault:
        _remove_orphan(calls, step, kind, sending, fault)
        try:
            remote, answer = calls.client.create(kind, body, parent_id)
        except Ambiguous as second:
            _remove_orphan(calls, step, kind, sending, second)
            raise lost("create", [], second) from second
    key_id = answer.get("key")
    calls.books.issued(step, remote, key_id if isinstance(key_id, str) else "")
    try:
        _require_lock(calls, step)
        key_id = _stored(calls, step, answer, parent_id or "")
    except SinkFailed as fault:
        raise _taken_back(calls, kind, remote, parent_id, fault) from fault
    calls.remember(step.address, remote, step.sets)
    return Done(remote, key_id, f"secret stored in {calls.sinks[step.id].describe()}")


def _require_lock(calls: Calls, step: Step) -> None:
    """Who went on meanwhile may have stored another key there: ours must not take its place. Raises SinkFailed."""
    lost = calls.books.lost_lock
    if lost is not None:
        raise SinkFailed(
            "the lock was lost while the key was made, so its secret was not stored",
            step.address,
            "somebody else may have stored another one meanwhile",
            lost.next,
        )


def _stored(calls: Calls, step: Step, answer: Mapping[str, Any], parent_id: str) -> str:
    """Bring the secret to the sink and read it back; the access key id. Raises SinkFailed."""
    key_id, secret = answer.get("key"), answer.get("secret")
    if not isinstance(key_id, str) or not isinstance(secret, str) or not secret or UNREADABLE in key_id + secret:
        raise SinkFailed(
            "the API issued a key without its secret",
            step.address,
            "there is nothing to store",
            "run the same command again",
        )
    sink = calls.sinks[step.id]
    sink.store(IssuedKey(step.address, parent_id, key_id, Secret(secret), step.generation), calls.folder, calls.environ)
    if sink.is_readable and sink.read_back(calls.folder) != key_id:
        raise SinkFailed(
            "the sink does not hold what was written to it",
            step.address,
            sink.describe(),
            "check what else writes there",
        )
    return key_id


def _taken_back(calls: Calls, kind: Kind, remote: str, parent_id: str | None, fault: SinkFailed) -> SinkFailed:
    """The key whose secret is lost is deleted again; if that fails it stays on the books, and the next apply does it."""
    try:
        calls.remove(kind, remote, parent_id)
    except FbplanError as second:
        return SinkFailed(
            fault.what,
            fault.where,
            f"{fault.why}; and the new key could not be deleted again ({second.what})",
            "run the same command again once the API answers: it deletes the key that nobody has the secret of",
            is_taken_back=False,
        )
    return SinkFailed(fault.what, fault.where, f"{fault.why}; the new key was deleted again".lstrip("; "), fault.next)


def _remove_orphan(calls: Calls, step: Step, kind: Kind, sending: Sending, fault: Ambiguous) -> None:
    """A key whose answer was lost has a secret that nobody knows: delete it, so that it can be issued again."""
    with settling("create", fault):
        found = calls.newly_listed(kind, sending)
    calls.require_lock("create", fault)  # a key under that name may be theirs by now, and in its sink
    if len(found) > 1:
        raise Ambiguous(
            f"{len(found)} new keys are called '{sending.name}'",
            "",
            f"ids: {', '.join(sorted(o.id for o in found))}",
            "delete the ones that nobody uses by hand, then run the same command again",
        ) from fault
    for orphan in found:
        with settling("create", fault):
            calls.remove(kind, orphan.id, sending.parent_id)
    if not found:
        calls.books.left(step)
