"""Clients of an SDK, kept by what tells them apart; a rotated key is followed, and nobody is interrupted."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from fbplan.runtime.adapters.credentials import Credentials, Key
from fbplan.runtime.adapters.endpoints import Endpoints, Limits, monotonic_ms, never
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.transport import Place, TransportFailure

_T = TypeVar("_T")


class Wanted(NamedTuple):
    """What tells one client from another."""

    endpoint: str
    protocol: str
    key_id: str
    timeout_ms: int = 0
    connect_ms: int = 0
    """Both 0 where each call says its own."""
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


def _of_calls(_limits: Limits) -> Limits:
    return Limits(0, 0)


class Clients:
    """One client for each endpoint, protocol and key id. May be asked from any thread."""

    def __init__(
        self,
        credentials: Credentials,
        endpoint: str | Sequence[str] | None,
        made: Made,
        answer_of: Answering,
        *,
        bound: Callable[[Limits], Limits] = _of_calls,
        clock_ms: Callable[[], int] = monotonic_ms,
    ) -> None:
        """`endpoint`: where the policy names none, one or several in order of preference. `bound`: what of the limits
        of a call a client is made for; nothing where each call says its own.
        """
        self._credentials = credentials
        self._endpoint = (endpoint,) if isinstance(endpoint, str) else tuple(endpoint or ())
        self._endpoints = Endpoints(clock_ms)
        self._bound = bound
        self._made = made
        self._answer_of = answer_of
        self._lock = threading.Lock()
        self._key_ids: dict[str, str] = {}
        self.held: dict[Wanted, Any] = {}

    def ask(
        self,
        place: Place,
        timeout_ms: int,
        call: Callable[[Any, Limits], _T],
        *,
        signs_body: bool = True,
        is_repeatable: bool = True,
        tells_code: bool = True,
        is_spent: Callable[[], bool] = never,
    ) -> _T:
        """The answer of a call, or TransportFailure; of several endpoints that of the first that answers.

        What changes nothing is asked again when the key has changed. A body that `is_spent` counts as sent, because it
        cannot be sent again. For the rest see `Endpoints.ask`.
        """

        def asked(key: Key) -> _T:
            def at(endpoint: str, limits: Limits) -> _T:
                client = self._client(endpoint, place, key, self._bound(limits), signs_body=signs_body)
                return self._answer_of(lambda made: call(made, limits), client)

            return self._endpoints.ask(
                self._listed(place),
                timeout_ms,
                at,
                is_repeatable=is_repeatable,
                tells_code=tells_code,
                is_spent=is_spent,
            )

        key = self._credentials.of(place)
        try:
            return asked(key)
        except TransportFailure as failure:
            failure.was_sent = failure.was_sent or is_spent()
            if not is_repeatable or failure.status not in {401, 403}:
                raise
            self._credentials.reload()
            fresh = self._credentials.of(place)
            if fresh.key_id == key.key_id:
                raise
        return asked(fresh)

    def reload(self, *, forget: bool = False) -> None:
        """Look for the keys again. `forget`: make the clients again too, because they hold what was made of the keys."""
        self._credentials.reload()
        if forget:
            with self._lock:
                self.held = {}

    def _listed(self, place: Place) -> Sequence[str]:
        named = (place.endpoint,) if place.endpoint else ()
        found = place.endpoints or named or self._endpoint
        if not found:
            raise RoutingError(
                f"repository '{place.repository}' names no endpoint in the policy: give the transport endpoint=..."
            )
        return found

    def _client(self, endpoint: str, place: Place, key: Key, limits: Limits, *, signs_body: bool) -> Any:
        wanted = Wanted(endpoint, place.protocol, key.key_id, *limits, signs_body)
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
                at = place._replace(endpoint=endpoint) if endpoint in place.endpoints else place
                self.held[wanted] = self._made(at, wanted, key)
            return self.held[wanted]
