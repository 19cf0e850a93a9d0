"""What azure-storage-blob raises, as the failure that the chooser classifies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fbplan.runtime.adapters.network import was_sent
from fbplan.runtime.adapters.retry_after import retry_after_ms
from fbplan.runtime.transport import TransportFailure

_T = TypeVar("_T")


def answer_of(call: Callable[[Any], _T], client: Any) -> _T:
    """What the call gives. Raises TransportFailure; a call that cannot be made comes through as the SDK has it."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

    try:
        return call(client)
    except HttpResponseError as fault:
        if fault.response is not None:
            raise _refusal(fault) from fault
        if isinstance(fault, ClientAuthenticationError):
            # a key that cannot sign
            raise TransportFailure(401, type(fault).__name__, was_sent=False) from fault
        raise TransportFailure(0, type(fault).__name__) from fault
    except AzureError as fault:
        raise TransportFailure(0, type(fault).__name__, was_sent=was_sent(fault)) from fault


def _refusal(fault: Any) -> TransportFailure:
    headers = {str(name).lower(): str(value) for name, value in fault.response.headers.items()}
    # of the words that it knows the SDK makes an enum
    code = getattr(fault, "error_code", None) or headers.get("x-ms-error-code", "")
    return TransportFailure(
        int(fault.status_code or 0), str(getattr(code, "value", code)), retry_after_ms=retry_after_ms(headers)
    )
