"""Calls to an object store through obstore: bounded in time, conditional, and settled when an answer is lost."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from fbplan.errors import AuthenticationFailed, FbplanError, Unreachable
from fbplan.storage.base import Blob
from fbplan.storage.location import ObjectUrl, Scheme

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

_ENDPOINTS = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT",
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_ENDPOINT",
    "GOOGLE_BASE_URL",
)
_EMULATORS = ("AZURE_STORAGE_USE_EMULATOR",)
_CREDENTIALS: dict[Scheme, str] = {
    "s3": 'set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (profiles are not read: eval "$(aws configure export-credentials --format env)")',
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or GOOGLE_SERVICE_ACCOUNT",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_KEY",
}
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")
_NO_VERSION = json.dumps(['"of-no-version"', "1"])
"""The tag of a version that no object ever has: the generations of GCS count microseconds."""
_NO_CREDENTIALS = re.compile(r"latest/api/token|169\.254\.169\.254|computeMetadata|metadata/identity|MissingAccount")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may take, and how long it is tried again. Seconds."""

    timeout: float = 10.0
    retries: int = 4
    altogether: float = 40.0


class Calls:
    """One bucket, asked politely. Every error is told without what the store said: its answers repeat credentials."""

    def __init__(self, store: ObjectStore, label: str, scheme: Scheme = "s3") -> None:
        self._store, self._label, self._scheme = store, label, scheme

    def get(self, key: str) -> Blob | None:
        """An object; None when there is none. Raises FbplanError, also when there is no bucket."""
        import obstore

        try:
            found = obstore.get(self._store, key)
            return Blob(bytes(found.bytes()), _tag(found.meta))
        except FileNotFoundError as fault:
            if any(word in str(fault) for word in _NO_BUCKET):
                self._fail("read", fault)
            return None
        except (obstore.exceptions.BaseError, OSError, NotImplementedError) as fault:
            self._fail("read", fault)

    def put(self, key: str, content: bytes, tag: str | None, tries: int = 3) -> str | None:
        """Write an object if it is still the one with `tag` (None: if there is none); None when it is not.

        When the answer is lost, or a retry inside the client ran into its own first attempt, what stands there decides:
        so the content has to be one that nobody else writes. Raises FbplanError.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        for attempt in range(1, tries + 1):
            try:
                return _tag(obstore.put(self._store, key, content, mode=_mode(tag)))
            except (AlreadyExistsError, PreconditionError):
                found = self.get(key)
                return found.tag if found is not None and found.content == content else None
            except (obstore.exceptions.BaseError, OSError, NotImplementedError) as fault:
                if isinstance(fault, FileNotFoundError | NotImplementedError) or _is_refusal(fault):
                    self._fail("written", fault)
                if tries == 1:
                    self._fail("written", fault)
                found = self.get(key)
                if found is not None and found.content == content:
                    return found.tag
                if not _same(None if found is None else found.tag, tag):
                    return None
                if attempt == tries:
                    self._fail("written", fault)
        return None

    def heeds_conditions(self, key: str) -> bool:
        """Whether the store refuses what it has to refuse; `key` must exist, and is spoilt when it does not."""
        return self._turns_away(key, b"{}", None) and self.would_write(key, b"{}")

    def would_write(self, key: str, content: bytes) -> bool:
        """Ask to write under a condition that no object meets: who may not write is told so, and nothing changes.

        False when the store ignored the condition: then `content` stands there. Raises FbplanError. Who may not is
        refused before any condition is looked at, in every cloud.
        """
        return self._turns_away(key, content, _NO_VERSION)

    def _turns_away(self, key: str, content: bytes, tag: str | None) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        try:
            obstore.put(self._store, key, content, mode=_mode(tag))
        except (AlreadyExistsError, PreconditionError) as fault:
            if any(word in str(fault) for word in _NO_BUCKET):  # S3 tells that, too, as a condition that is not met
                self._fail("written", fault)
            return True
        except (obstore.exceptions.BaseError, OSError, NotImplementedError) as fault:
            self._fail("written", fault)
        return False

    def keys(self, folder: str) -> Iterator[str]:
        """The objects under a folder, at any depth, in no order."""
        import obstore

        try:
            for page in obstore.list(self._store, folder or None):
                yield from (row["path"] for row in page)
        except (obstore.exceptions.BaseError, OSError) as fault:
            self._fail("listed", fault)

    def children(self, folder: str) -> list[str]:
        """The objects of a folder and the folders in it, not deeper."""
        import obstore

        try:
            found = obstore.list_with_delimiter(self._store, folder or None)
        except (obstore.exceptions.BaseError, OSError) as fault:
            self._fail("listed", fault)
        return [*(row["path"] for row in found["objects"]), *(path.rstrip("/") for path in found["common_prefixes"])]

    def delete(self, keys: list[str]) -> None:
        """Delete objects in this order; those that are gone already are no error."""
        import obstore

        for key in keys:
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError as fault:
                if any(word in str(fault) for word in _NO_BUCKET):
                    self._fail("removed", fault)
            except (obstore.exceptions.BaseError, OSError) as fault:
                self._fail("removed", fault)

    def _fail(self, verb: str, fault: BaseException) -> NoReturn:
        raise told(f"the object store cannot be {verb}", self._label, self._scheme, fault) from None


def told(what: str, label: str, scheme: Scheme, fault: BaseException) -> FbplanError:
    """An error in our words. Of the store's own only a status and a code are kept: the rest may hold credentials."""
    text = str(fault)
    if any(word in text for word in _NO_BUCKET):
        return FbplanError(
            what, label, "the bucket is not there", "make it, or correct the URL; fbplan makes no bucket for its ledger"
        )
    status = re.search(r"status code: (\d{3})", text)
    code = re.search(r"<Code>(\w{1,60})</Code>", text)
    if _NO_CREDENTIALS.search(text):  # before what the machine's own metadata service said to that
        return AuthenticationFailed(what, label, "no credentials were found", _CREDENTIALS[scheme])
    if _is_refusal(fault):
        why = f"it refused the credentials ({code[1] if code else status[1] if status else 'no right to do this'})"
        return AuthenticationFailed(what, label, why, _CREDENTIALS[scheme])
    if status or code:
        why = f"it answered {' '.join(m[1] for m in (status, code) if m)}"
    elif "kind: Timeout" in text:
        why = "it did not answer in time"
    elif "kind: Connect" in text:
        why = "no connection"
    else:
        why = "the connection failed"
    return Unreachable(what, label, why, "look at the network and the endpoint, then run the same command again")


def connected(url: ObjectUrl, patience: Patience, environ: Mapping[str, str] | None = None) -> Calls:
    """The bucket of a URL, with the credentials that each cloud's environment variables name. Asks nothing yet."""
    try:
        from obstore.exceptions import BaseError
        from obstore.store import AzureStore, GCSStore, S3Store
    except ImportError as fault:
        raise FbplanError(
            "a ledger in an object store needs obstore", str(url), str(fault), "pip install 'fbplan[objectstore]'"
        ) from fault
    env = os.environ if environ is None else environ
    client: ClientConfig = {
        "timeout": timedelta(seconds=patience.timeout),
        "connect_timeout": timedelta(seconds=min(5.0, patience.timeout)),
        # only where the user named such an endpoint
        "allow_http": any((env.get(name) or "").startswith("http://") for name in _ENDPOINTS)
        or any(env.get(name) for name in _EMULATORS),
    }
    retry: RetryConfig = {
        "max_retries": patience.retries,
        "retry_timeout": timedelta(seconds=patience.altogether),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=min(5.0, patience.timeout)),
            "base": 2,
        },
    }
    store = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}[url.scheme]
    try:
        return Calls(store(url.bucket, client_options=client, retry_config=retry), str(url), url.scheme)
    except (BaseError, OSError) as fault:
        raise told("the object store cannot be opened", str(url), url.scheme, fault) from None


def _is_refusal(fault: BaseException) -> bool:
    return type(fault).__name__ in {"PermissionDeniedError", "UnauthenticatedError"} or (
        re.search(r"status code: 40[13]", str(fault)) is not None
    )


def _tag(found: Any) -> str:
    """S3 and Azure know a version by its etag, GCS by its generation: both are kept, in one text."""
    return json.dumps([found.get("e_tag"), found.get("version")])


def _mode(tag: str | None) -> Any:
    if tag is None:
        return "create"
    e_tag, version = json.loads(tag)
    return {name: value for name, value in (("e_tag", e_tag), ("version", version)) if value is not None}


def _same(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    (tag, version), (tag2, version2) = json.loads(one), json.loads(other)
    return bool(tag == tag2 if tag and tag2 else version == version2)
