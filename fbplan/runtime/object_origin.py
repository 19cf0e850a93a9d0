"""A file in an object store, asked for by its ETag through obstore, with the credentials of the cloud's own variables."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any

from fbplan.runtime.accept import Pair
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.form import LIMIT, Unusable
from fbplan.runtime.origin import Tell
from fbplan.runtime.remote import Seen, unreadable

_STORES = {"s3": "S3Store", "gs": "GCSStore", "az": "AzureStore"}
_ENDPOINTS = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT",
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_ENDPOINT",
    "GOOGLE_BASE_URL",
)
_EMULATOR = "AZURE_STORAGE_USE_EMULATOR"
_USED_IN: set[int] = set()
"""Processes in which obstore was used. Its threads do not outlive a fork, and a call would wait for them for ever."""


class ObjectOrigin:
    """Opening it asks nothing of the network. Raises RoutingError without obstore."""

    is_remote = True

    def __init__(self, scheme: str, bucket: str, key: str, timeout_s: float) -> None:
        self.label = f"{scheme}://{bucket}/{key}"
        self._bucket, self._key, self._timeout = bucket, key, timedelta(seconds=timeout_s)
        self._seen = Seen()
        self._open: Any = None
        try:
            from obstore import store
        except ImportError:
            raise RoutingError(f"{self.label} is read with obstore: pip install 'fbplan[objectstore]'") from None
        self._store = getattr(store, _STORES[scheme])

    def read(self, held: Pair, tell: Tell) -> bytes | None:  # noqa: ARG002 -- the file says everything
        import obstore
        from obstore.exceptions import BaseError, NotModifiedError

        if _USED_IN and os.getpid() not in _USED_IN:
            raise Unusable("forked", "obstore was used before this process was forked: make the router in the worker")
        _USED_IN.add(os.getpid())
        try:
            if self._open is None:
                self._open = self._opened()
            known = self._seen.tag
            found = obstore.get(self._open, self._key, options={} if known is None else {"if_none_match": known})
            if found.meta["size"] > LIMIT:
                raise Unusable("shape", f"it is larger than {LIMIT} bytes")
            raw, tag = bytes(found.bytes()), found.meta["e_tag"]
        except NotModifiedError:
            return None
        except (BaseError, OSError, ValueError, NotImplementedError) as fault:
            if isinstance(fault, Unusable):
                raise
            raise unreadable(_told(fault)) from None
        return None if self._seen.is_same(raw, tag) else raw

    def forget(self) -> None:
        self._seen.forget()

    def _opened(self) -> Any:
        env = os.environ
        is_plain = any((env.get(name) or "").startswith("http://") for name in _ENDPOINTS) or bool(env.get(_EMULATOR))
        client = {"timeout": self._timeout, "connect_timeout": self._timeout, "allow_http": is_plain}
        # the next look is the next try
        return self._store(
            self._bucket, client_options=client, retry_config={"max_retries": 0, "retry_timeout": self._timeout}
        )


def _told(fault: BaseException) -> str:
    """In our words: of the store's own only a status and a code are kept, the rest may hold credentials."""
    text = str(fault)
    status, code = re.search(r"status code: (\d{3})", text), re.search(r"<Code>(\w{1,60})</Code>", text)
    said = " ".join(found[1] for found in (status, code) if found)
    if said:
        return f"it answered {said}"
    if isinstance(fault, FileNotFoundError):
        return "there is no such object"
    return "it did not answer in time" if "imed out" in text or "kind: Timeout" in text else "the connection failed"
