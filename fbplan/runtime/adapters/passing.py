"""What passes on whatever it does not do itself, and answers in the shape of boto3's."""

from __future__ import annotations

from typing import Any


class PassingThrough:
    """Passes through whatever it does not do itself."""

    def __init__(self, client: Any, where: str = "") -> None:
        self._client = client
        self._where = where

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._where})"


class SettingThrough(PassingThrough):
    """Sets through as well, but for what has a name of ours."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith(("_", "fbplan_")):
            super().__setattr__(name, value)
        else:
            setattr(self._client, name, value)


def response_metadata(status: int) -> dict[str, Any]:
    return {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}


def client_error(operation: str, status: int, code: str, message: str) -> Exception:
    from botocore.exceptions import ClientError

    answer = {"Error": {"Code": code or str(status), "Message": message}, "ResponseMetadata": response_metadata(status)}
    fault: Exception = ClientError(answer, operation)
    return fault
