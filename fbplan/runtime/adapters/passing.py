"""A client that passes on what it does not do itself, and answers in the shape of boto3's."""

from __future__ import annotations

from typing import Any


class PassingThrough:
    """Passes through whatever it does not do itself."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._client.meta.endpoint_url})"


def response_metadata(status: int) -> dict[str, Any]:
    return {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}


def client_error(operation: str, status: int, code: str, message: str) -> Exception:
    from botocore.exceptions import ClientError

    answer = {"Error": {"Code": code or str(status), "Message": message}, "ResponseMetadata": response_metadata(status)}
    fault: Exception = ClientError(answer, operation)
    return fault
