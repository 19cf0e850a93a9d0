"""What went wrong before a store could answer, for the SDKs that send through requests and urllib3."""

from __future__ import annotations

from collections.abc import Iterator


def was_sent(fault: BaseException) -> bool:
    """Whether bytes may have left: not when no connection was ever made, which some cause of the fault then says."""
    from urllib3 import exceptions

    return not any(
        isinstance(cause, exceptions.NewConnectionError | exceptions.ConnectTimeoutError) for cause in _causes(fault)
    )


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    while fault is not None:
        yield fault
        # azure-core keeps what it caught apart, because it raises later
        fault = getattr(fault, "inner_exception", None) or fault.__cause__ or fault.__context__
