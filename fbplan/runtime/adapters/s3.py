"""S3 through boto3: one request for each call, its retries off."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, TypeVar

from fbplan.runtime.adapters.clients import Clients, Wanted
from fbplan.runtime.adapters.credentials import Credentials, Given, Key
from fbplan.runtime.adapters.endpoints import Limits, monotonic_ms
from fbplan.runtime.adapters.s3_answers import answer_of
from fbplan.runtime.adapters.s3_parts import S3Parts, sendable
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.transport import Entry, Got, Head, Place, Stored, TransportFailure

_T = TypeVar("_T")
_NONE: Mapping[str, Any] = MappingProxyType({})
_NEEDED = "the router needs boto3 for S3: pip install 'fbplan[s3]'"


class S3Transport(S3Parts):
    """A `Transport` over boto3 for the repositories of one policy.

    Programming errors that the SDK finds before it sends anything (a parameter that no such call has) come through as
    they are; everything else is TransportFailure.
    """

    def __init__(
        self,
        folder: str | Path = ".",
        *,
        credentials: Given | None = None,
        fallback: Given | None = None,
        endpoint: str | Sequence[str] | None = None,
        region: str = "us-east-1",
        config: Any = None,
        environ: Mapping[str, str] = os.environ,
        clock_ms: Callable[[], int] = monotonic_ms,
    ) -> None:
        """`folder`: the policy's, for its sinks. `credentials(place)` gives key id and secret instead of sinks and the
        environment, `fallback(place)` after them. `endpoint`: where the policy names none, one or several in order of
        preference. `config`: a botocore Config for proxies, pool sizes and the like; retries, timeouts, path style and
        signature stay as they must be. `clock_ms`: for tests.
        Raises RoutingError without boto3.
        """
        try:
            import boto3
        except ImportError:
            raise RoutingError(_NEEDED) from None
        self._region = region
        self._config = config
        # the session's own credentials would only be looked for, at the price of a request to a metadata service
        self._session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name=region)  # noqa: S106
        found = Credentials(Path(folder), credentials, fallback=fallback, environ=environ)
        self._clients = Clients(found, endpoint, self._made, answer_of, bound=_stepped, clock_ms=clock_ms)

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
        options: Mapping[str, Any] = _NONE,
    ) -> Stored:
        sent, signs_body = sendable(body, size)
        parameters: dict[str, Any] = {
            **options,
            "Bucket": place.address,
            "Key": key,
            "Body": sent,
            "ContentLength": size,
            "Metadata": {**options.get("Metadata", {}), **metadata},
        }
        if write_once:
            parameters["IfNoneMatch"] = "*"
        answer = self._ask(
            place,
            timeout_ms,
            lambda client: client.put_object(**parameters),
            signs_body=signs_body,
            is_repeatable=False,
        )
        return Stored(answer.get("ETag"), answer)

    def head(self, place: Place, key: str, *, timeout_ms: int, options: Mapping[str, Any] = _NONE) -> Head | None:
        wanted = {**options, "Bucket": place.address, "Key": key}
        try:
            return _head(self._ask(place, timeout_ms, lambda client: client.head_object(**wanted), tells_code=False))
        except TransportFailure as failure:
            if failure.status == 404:
                return None
            raise

    def get(self, place: Place, key: str, *, timeout_ms: int, options: Mapping[str, Any] = _NONE) -> Got:
        wanted = {**options, "Bucket": place.address, "Key": key}
        answer = self._ask(place, timeout_ms, lambda client: client.get_object(**wanted))
        return Got(_head(answer), answer["Body"])

    def delete(self, place: Place, key: str, *, timeout_ms: int) -> None:
        self._ask(place, timeout_ms, lambda client: client.delete_object(Bucket=place.address, Key=key))

    def list(
        self, place: Place, prefix: str, *, timeout_ms: int, options: Mapping[str, Any] = _NONE
    ) -> Sequence[Entry]:
        """`options` may hold what a paginator of boto3 takes: `StartAfter`, and `PaginationConfig` with `MaxItems`."""
        wanted = {**options, "Bucket": place.address, "Prefix": prefix}

        def pages(client: Any) -> list[Entry]:
            asked = client.get_paginator("list_objects_v2").paginate(**wanted)
            return [
                Entry(line["Key"], line["Size"], line.get("ETag"), line)
                for page in asked
                for line in page.get("Contents", ())
            ]

        return self._ask(place, timeout_ms, pages)

    def reload(self) -> None:
        self._clients.reload()

    def _ask(
        self,
        place: Place,
        timeout_ms: int,
        call: Callable[[Any], _T],
        *,
        signs_body: bool = True,
        is_repeatable: bool = True,
        tells_code: bool = True,
    ) -> _T:
        return self._clients.ask(
            place,
            timeout_ms,
            lambda client, _limits: call(client),
            signs_body=signs_body,
            is_repeatable=is_repeatable,
            tells_code=tells_code,
        )

    def _made(self, _place: Place, wanted: Wanted, key: Key) -> Any:
        from botocore.config import Config

        stated = getattr(self._config, "s3", None) or {}
        ours = Config(
            retries={"total_max_attempts": 1},
            connect_timeout=wanted.connect_ms / 1000,
            read_timeout=wanted.timeout_ms / 1000,
            signature_version="s3v4",
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={
                **stated,
                "addressing_style": "path",
                # what cannot be read twice cannot be hashed before it is sent
                **({} if wanted.signs_body else {"payload_signing_enabled": False}),
            },
        )
        return self._session.client(
            "s3",
            endpoint_url=wanted.endpoint,
            aws_access_key_id=key.key_id,
            aws_secret_access_key=key.secret,
            region_name=self._region,
            config=ours if self._config is None else self._config.merge(ours),
        )


def _stepped(limits: Limits) -> Limits:
    """Not longer than asked for, in steps: the SDK has one timeout a client, and a client costs milliseconds."""
    return Limits(_step(limits.timeout_ms), _step(limits.connect_ms))


def _step(timeout_ms: int) -> int:
    step = 250 if timeout_ms < 5_000 else 1_000
    return max(timeout_ms - timeout_ms % step, min(timeout_ms, 250))


def _head(answer: Mapping[str, Any]) -> Head:
    metadata = {name.lower(): value for name, value in answer.get("Metadata", {}).items()}
    return Head(int(answer["ContentLength"]), answer.get("ETag"), metadata, answer)
