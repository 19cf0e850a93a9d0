"""The seam to a store: what an adapter for an SDK gives. One call is one request: the SDK's own retries are off."""

from collections.abc import Awaitable, Mapping, Sequence
from types import MappingProxyType
from typing import IO, Any, NamedTuple, Protocol

from fbplan.runtime.policy import Policy, Repository


class Place(NamedTuple):
    """One bucket as a repository reaches it. A client may be kept by (endpoint, protocol, key id), never by less."""

    repository: str
    bucket: str
    address: str
    """What an SDK call names as the bucket."""
    folder: str = ""
    protocol: str = ""
    endpoint: str | None = None
    write_key_id: str | None = None
    read_key_id: str | None = None
    sink: str | None = None
    """Where the key is: `file:PATH`, or a word that says what else takes it; the writer's if there is one."""
    endpoints: tuple[str, ...] = ()
    """All Bridge Nodes that lead to the bucket, in order of preference; empty when the policy names one or none."""


def place_of(policy: Policy, repository: Repository, name: str) -> Place:
    bucket = policy.buckets[name]
    folder = bucket.folders.get(repository.name, "")
    address = {"name": bucket.address, "container": bucket.container, "folder": folder}[repository.address]
    return Place(
        repository=repository.name,
        bucket=name,
        address=address,
        folder=folder,
        protocol=repository.protocol,
        endpoint=repository.endpoint,
        write_key_id=repository.key_ids.get("write"),
        read_key_id=repository.key_ids.get("read"),
        sink=repository.sinks.get("write") or repository.sinks.get("read"),
        endpoints=repository.endpoints,
    )


class TransportFailure(Exception):
    """A request that was not answered with success.

    `status` is the HTTP status, 0 when no answer came. `code` is the store's own word (`QUOTA_EXCEEDED`). `was_sent`
    is False only when certainly no byte of the body left (a name that does not resolve, a refused connection), and the
    body can be had again from its beginning.
    """

    def __init__(
        self, status: int, code: str = "", *, retry_after_ms: int | None = None, was_sent: bool = True
    ) -> None:
        super().__init__(f"{status or 'no answer'} {code}".strip())
        self.status = status
        self.code = code
        self.retry_after_ms = retry_after_ms
        self.was_sent = was_sent


class Head(NamedTuple):
    """What a store says of an object. Keys of `metadata` are in lower case, `answer` is the SDK's own."""

    size: int
    etag: str | None = None
    metadata: Mapping[str, str] = MappingProxyType({})
    answer: Any = None


class Stored(NamedTuple):
    """What a store says of a put. `answer` is the SDK's own, for an adapter that keeps the SDK's signatures."""

    etag: str | None = None
    answer: Any = None


class Got(NamedTuple):
    """An object and its content: bytes or a stream, as the adapter has it."""

    head: Head
    content: Any


class Entry(NamedTuple):
    """One line of a listing; `answer` is the SDK's own."""

    key: str
    size: int
    etag: str | None = None
    answer: Any = None


class Transport(Protocol):
    """One request each. Raises TransportFailure for everything that is no success, and nothing else.

    `write_once` asks the store to refuse a key that is there: `If-None-Match: *`, `ifGenerationMatch=0`,
    `overwrite=False`. `head` gives None and `get` fails with 404 when the key is not there; `delete` of such a key is a
    success. `list` gives all pages. `options` is what the caller of the router wants to reach the SDK; `get` and `list`
    are called without it when there is nothing.
    """

    def put(
        self,
        place: Place,
        key: str,
        body: bytes | IO[bytes],
        *,
        size: int,
        metadata: Mapping[str, str],
        write_once: bool,
        timeout_ms: int,
        options: Mapping[str, Any],
    ) -> Stored: ...

    def head(self, place: Place, key: str, *, timeout_ms: int) -> Head | None: ...

    def get(self, place: Place, key: str, *, timeout_ms: int, options: Mapping[str, Any] = ...) -> Got: ...

    def delete(self, place: Place, key: str, *, timeout_ms: int) -> None: ...

    def list(
        self, place: Place, prefix: str, *, timeout_ms: int, options: Mapping[str, Any] = ...
    ) -> Sequence[Entry]: ...

    def reload(self) -> None:
        """Load the credentials again; clients with old ones finish what they are at."""


class AsyncTransport(Protocol):
    """The same for an event loop."""

    def put(
        self,
        place: Place,
        key: str,
        body: bytes | IO[bytes],
        *,
        size: int,
        metadata: Mapping[str, str],
        write_once: bool,
        timeout_ms: int,
        options: Mapping[str, Any],
    ) -> Awaitable[Stored]: ...

    def head(self, place: Place, key: str, *, timeout_ms: int) -> Awaitable[Head | None]: ...

    def get(self, place: Place, key: str, *, timeout_ms: int, options: Mapping[str, Any] = ...) -> Awaitable[Got]: ...

    def delete(self, place: Place, key: str, *, timeout_ms: int) -> Awaitable[None]: ...

    def list(
        self, place: Place, prefix: str, *, timeout_ms: int, options: Mapping[str, Any] = ...
    ) -> Awaitable[Sequence[Entry]]: ...

    def reload(self) -> Awaitable[None]: ...
