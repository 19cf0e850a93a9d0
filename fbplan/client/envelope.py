"""What an answer of the API means. Every odd form it is known to take is settled here.

HTTP 200 with `success:false` is a failure; a missing flag with 2xx is success; bodies may be empty or not JSON. A redirect
is no success, whatever its body.
Source: the API notes §5, §8, §9 beside `schemas/openapi.yaml`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fbplan.client.mfa import limited, names_mfa
from fbplan.errors import Ambiguous, ApiFault, AuthenticationFailed, FbplanError, Missing

_HINTS: Mapping[str, str] = {
    "NAME_ALREADY_USED": "choose another name, or adopt the repository that has it",
    "NORMAL_UNIT_FOLDER_ALREADY_USED": "give the attachment another folder",
    "NORMAL_UNIT_CANNOT_EDIT_FOLDER": "detach in one apply and attach with the new folder in the next",
    "NORMAL_UNIT_FOLDER_CANNOT_DELETE": "the attachment holds data: set the bucket to `state: drain`, move its objects, then detach it",
    "MIRROR_MASTER_UNIT_MISSING": "set `master: true` on one attachment",
    "MIRROR_MASTER_UNIT_COUNT_INVALID": "set `master: true` on exactly one attachment",
    "MIRROR_UNIT_ALREADY_IN_OTHER_REPO": "a mirrored bucket belongs to one repository: register another bucket",
    "QUOTA_EXCEEDED": "the plan of the organisation is used up: free a slot or raise it",
}

UNREADABLE = "\ufffd"
"""Stands where an answer held half a character."""
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read: its status, its JSON body (None when empty or not JSON), and what a 429 asked for."""

    status: int
    body: Any = field(repr=False)
    """May hold secrets, so it is no part of what is shown."""
    is_json: bool
    retry_after: str | None = None
    date: str | None = None
    """When the server sent it, by its own clock."""
    is_empty: bool = False
    """Whether there was no body at all, which some writes answer with when all is well."""

    @property
    def code(self) -> str:
        """The API's own error code, wherever this endpoint puts it."""
        found = self.body if isinstance(self.body, dict) else {}
        return str(found.get("error_code") or found.get("errorCode") or "")

    @property
    def message(self) -> str:
        """The API's own words, wherever this endpoint puts them. They may quote what was sent: mask them."""
        found = self.body if isinstance(self.body, dict) else {}
        texts = (found.get(name) for name in ("message", "error_message", "errorMessage", "error"))
        return next((t for t in texts if isinstance(t, str) and t), "")

    @property
    def is_quota(self) -> bool:
        """A 429 that means "no more buckets", not "slow down": its body has a bucketId, or a quota code."""
        found = self.body if isinstance(self.body, dict) else {}
        return self.status == 429 and ("bucketId" in found or self.code == "QUOTA_EXCEEDED")

    @property
    def asks_for_mfa(self) -> bool:
        """Whether it was refused because the token waits for a second factor."""
        return self.status in {401, 403} and names_mfa(f"{self.code} {self.message}")

    @property
    def is_failure(self) -> bool:
        return self.status >= 300 or (isinstance(self.body, dict) and self.body.get("success") is False)


def read_answer(status: int, content: bytes, headers: Mapping[str, str]) -> Answer:
    """Read the body leniently; what it means is decided by the caller's kind of request."""
    retry_after, date = headers.get("retry-after"), headers.get("date")
    if not content.strip():
        return Answer(status, None, is_json=False, retry_after=retry_after, date=date, is_empty=True)
    try:
        return Answer(status, _whole(content, json.loads(content)), is_json=True, retry_after=retry_after, date=date)
    except (ValueError, RecursionError):
        return Answer(status, None, is_json=False, retry_after=retry_after, date=date)


def _whole(content: bytes, body: Any) -> Any:
    """The body with halves of characters replaced: JSON can carry them, and no file, log or terminal takes them."""
    return _replaced(body) if _HALF.search(content) else body


def _replaced(found: Any) -> Any:
    if isinstance(found, str):
        return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(found, list):
        return [_replaced(value) for value in found]
    if isinstance(found, dict):
        return {_replaced(key): _replaced(value) for key, value in found.items()}
    return found


def reason_of(answer: Answer, masked: Callable[[str], str]) -> str:
    """The code and the words of a failure, for people. Masked first and cut then: a cut secret is not recognised."""
    code, message = (_CONTROL.sub(" ", masked(text)) for text in (answer.code, answer.message))
    code, message = code[:100], message[:300]
    return " ".join(part for part in (code, f"'{message}'" if message else "") if part) or "no reason given"


def fault_of(answer: Answer, call: str, masked: Callable[[str], str]) -> FbplanError:
    """The error that a failed answer stands for; `call` is the method and path, which hold no secret."""
    told = reason_of(answer, masked)
    if answer.asks_for_mfa:
        return limited(call)
    if answer.status == 401:
        return AuthenticationFailed(
            "the API does not accept the token",
            call,
            told,
            "get a new token (it lasts one hour) into FB_JWT, or set FB_EMAIL and FB_PASSWORD: then fbplan renews it",
        )
    if answer.is_quota:
        return quota_used_up(call, told)
    if 300 <= answer.status < 400:
        return Ambiguous(
            f"the API answered with a redirect ({answer.status})",
            call,
            "none is followed, since the token would go elsewhere: the address is another one, or a login page stands in between",
            "correct FB_API_URL, then run the same command again",
        )
    if answer.status >= 500 or (answer.status < 400 and not answer.is_json and not answer.is_failure):
        return Ambiguous(
            f"the API failed with status {answer.status}",
            call,
            told,
            "the outcome is read back before anything is repeated",
        )
    if answer.status == 403:
        return ApiFault(
            "the API refused (403)",
            call,
            told,
            "check the role of this user in the workspace, or whether the object is in use",
        )
    kind = Missing if answer.status == 404 else ApiFault
    what = f"the API refused ({answer.status})" if answer.status >= 400 else "the API answered success: false"
    return kind(
        what, call, told, _HINTS.get(answer.code, "the change stays in the next plan: correct it and apply again")
    )


def quota_used_up(call: str, told: str) -> ApiFault:
    """The error of a create for which there is no room: waiting does not help."""
    return ApiFault(
        "the bucket quota of the organisation is used up",
        call,
        told,
        "delete a registration that is not needed, or raise the plan; `fbplan whoami` shows the quota",
    )
