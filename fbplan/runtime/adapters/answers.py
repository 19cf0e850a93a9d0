"""What botocore raises, as the failure that the chooser classifies."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, TypeVar

from fbplan.runtime.transport import TransportFailure

_T = TypeVar("_T")


def answer_of(call: Callable[[Any], _T], client: Any) -> _T:
    """What the call gives. Raises TransportFailure, and ParamValidationError for a call that cannot be made."""
    from botocore import exceptions

    try:
        return call(client)
    except exceptions.ClientError as fault:
        raise _refusal(fault.response) from fault
    except exceptions.ParamValidationError:
        raise
    except (
        exceptions.EndpointConnectionError,
        exceptions.ConnectTimeoutError,
        exceptions.ProxyConnectionError,
    ) as fault:
        raise TransportFailure(0, type(fault).__name__, was_sent=False) from fault
    except exceptions.BotoCoreError as fault:
        raise TransportFailure(0, type(fault).__name__) from fault


def _refusal(response: Mapping[str, Any]) -> TransportFailure:
    said = response.get("ResponseMetadata", {})
    status, code = int(said.get("HTTPStatusCode", 0)), str(response.get("Error", {}).get("Code", ""))
    # an answer without a body: the SDK then makes the status the code
    code = "" if code == str(status) else code
    return TransportFailure(status, code, retry_after_ms=_retry_after_ms(said.get("HTTPHeaders", {})))


def _retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """Seconds, or a date: that counts from the date of the answer, because the store's clock is its own."""
    stated = headers.get("retry-after", "").strip()
    if stated.isdecimal():
        return int(stated) * 1000
    until = _unix(stated)
    now = _unix(headers.get("date", ""))
    return None if until is None else max(0, round((until - (time.time() if now is None else now)) * 1000))


def _unix(date: str) -> float | None:
    try:
        found = email.utils.parsedate_to_datetime(date)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
