"""Clients of an SDK, kept by what tells them apart; a rotated key is followed, and nobody is interrupted."""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from fbplan.runtime.adapters.credentials import Credentials, Key
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.transport import Place, TransportFailure

_T = TypeVar("_T")


class Wanted(NamedTuple):
    """What tells one client from another."""

    endpoint: str
    protocol: str
    key_id: str
    timeout_ms: int = 0
    """0 where each call says its own."""
    signs_body: bool = True


class Answering(Protocol):
    """Makes a call with a client, and a TransportFailure of what the SDK raises about the store."""

    def __call__(self, call: Callable[[Any], _T], client: Any, /) -> _T: ...


Made = Callable[[Place, Wanted, Key], Any]
Connect = Callable[[Place, Key | None], Any]
"""A client of the user's making, for a place and the key that was found for it, if any was."""


def no_key(_place: Place) -> tuple[str, str]:
    """Credentials for a client that brings its own."""
    return "", ""


class Clients:
    """One client for each endpoint, protocol and key id. May be asked from any thread."""

    def __init__(self, credentials: Credentials, endpoint: str | None, made: Made, answer_of: Answering) -> None:
        """`endpoint`: where the policy names none."""
        self._credentials = credentials
        self._endpoint = endpoint
        self._made = made
        self._answer_of = answer_of
        self._lock = threading.Lock()
        self._key_ids: dict[str, str] = {}
        self.held: dict[Wanted, Any] = {}

    def ask(
        self,
        place: Place,
        call: Callable[[Any], _T],
        *,
        timeout_ms: int = 0,
        signs_body: bool = True,
        is_repeatable: bool = True,
    ) -> _T:
        """The answer of a call, or TransportFailure. What changes nothing is asked again when the key has changed."""
        key = self._credentials.of(place)
        try:
            return self._answer_of(call, self._client(place, key, timeout_ms, signs_body=signs_body))
        except TransportFailure as failure:
            if not is_repeatable or failure.status not in {401, 403}:
                raise
            self._credentials.reload()
            fresh = self._credentials.of(place)
            if fresh.key_id == key.key_id:
                raise
        return self._answer_of(call, self._client(place, fresh, timeout_ms, signs_body=signs_body))

    def reload(self, *, forget: bool = False) -> None:
        """Look for the keys again. `forget`: make the clients again too, because they hold what was made of the keys."""
        self._credentials.reload()
        if forget:
            with self._lock:
                self.held = {}

    def _client(self, place: Place, key: Key, timeout_ms: int, *, signs_body: bool) -> Any:
        endpoint = place.endpoint or self._endpoint
        if endpoint is None:
            raise RoutingError(
                f"repository '{place.repository}' names no endpoint in the policy: give the transport endpoint=..."
            )
        wanted = Wanted(endpoint, place.protocol, key.key_id, timeout_ms, signs_body)
        found = self.held.get(wanted)
        if found is not None:
            return found
        with self._lock:
            before = self._key_ids.get(place.repository)
            self._key_ids[place.repository] = key.key_id
            if before not in {None, *self._key_ids.values()}:
                # whoever holds a client with the old key still finishes
                self.held = {known: client for known, client in self.held.items() if known.key_id != before}
            if wanted not in self.held:
                self.held[wanted] = self._made(place, wanted, key)
            return self.held[wanted]
