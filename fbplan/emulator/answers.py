"""Answers and refusals, and the envelopes that refusals come in (api/README.md §9)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, auto


class Form(Enum):
    """The error envelope of a family of endpoints."""

    MESSAGE = auto()  # {success, message}: buckets, repositories, workspaces, credentials
    CODED = auto()  # {success, error_code, message}: user, quota, credits
    REPOSITORY = auto()  # {success, error_code, error_message, repoId}: create, update, validate


CODES = {400: "VALIDATION_ERROR", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client. `raw` replaces the JSON rendering of `body`."""

    body: object
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    content_type: str = "application/json"

    @property
    def payload(self) -> bytes:
        return self.raw if self.raw is not None else json.dumps(self.body, separators=(",", ":")).encode()


class Rejected(Exception):
    """The API refuses the request; nothing is committed."""

    def __init__(self, status: int, message: str, code: str | None = None, body: object = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.body = status, message, code, body

    def answer(self, form: Form) -> Answer:
        """The refusal in the envelope of the endpoint that was called."""
        if self.body is not None:
            return Answer(self.body, self.status)
        return Answer(_envelope(form, self.status, self.message, self.code), self.status)


def _envelope(form: Form, status: int, message: str, code: str | None) -> dict[str, object]:
    if form is Form.CODED:
        return {"success": False, "error_code": code or CODES.get(status, "ERROR"), "message": message}
    if form is Form.REPOSITORY and code:
        return {"success": False, "error_code": code, "error_message": message, "repoId": ""}
    return {"success": False, "message": message}
