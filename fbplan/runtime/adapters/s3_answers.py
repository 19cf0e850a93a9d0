"""What botocore raises, as the failure that the chooser classifies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fbplan.runtime.adapters.retry_after import retry_after_ms
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
    return TransportFailure(status, code, retry_after_ms=retry_after_ms(said.get("HTTPHeaders", {})))
