"""What google-cloud-storage raises, as the failure that the chooser classifies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fbplan.runtime.adapters.network import was_sent
from fbplan.runtime.adapters.retry_after import retry_after_ms
from fbplan.runtime.transport import TransportFailure

_T = TypeVar("_T")


def answer_of(call: Callable[[Any], _T], client: Any) -> _T:
    """What the call gives. Raises TransportFailure; a call that cannot be made comes through as the SDK has it."""
    import requests
    import urllib3
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption

    try:
        return call(client)
    except GoogleAPICallError as fault:
        raise _refusal(fault) from fault
    except GoogleAuthError as fault:
        # no token, so nothing else was sent
        raise TransportFailure(401, type(fault).__name__, was_sent=False) from fault
    except (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as fault:
        raise TransportFailure(0, type(fault).__name__, was_sent=was_sent(fault)) from fault
    except DataCorruption as fault:
        raise TransportFailure(0, "DataCorruption") from fault


def _refusal(fault: Any) -> TransportFailure:
    response = fault.response
    headers = {} if response is None else response.headers
    return TransportFailure(int(fault.code or 0), _reason(response), retry_after_ms=retry_after_ms(headers))


def _reason(response: Any) -> str:
    """The store's own word: the reason of the first error, for which the SDK has no place after an upload."""
    import requests

    if response is None:
        return ""
    try:
        said = response.json()
    except requests.JSONDecodeError:
        return ""
    error = said.get("error") if isinstance(said, dict) else None
    errors = error.get("errors") if isinstance(error, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else {}
    reason = first.get("reason") if isinstance(first, dict) else None
    return reason if isinstance(reason, str) else ""
