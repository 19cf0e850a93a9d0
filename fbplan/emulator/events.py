"""Who changed what: POST /systemevent, a read that uses POST."""

from __future__ import annotations

from collections.abc import Mapping

from fbplan.emulator.answers import Answer, Rejected
from fbplan.emulator.call import Call, Operation
from fbplan.emulator.dates import moment
from fbplan.emulator.documents import mapping, texts

CONTEXTS = (
    "workspace", "bucket", "repo", "user", "org", "workspaceuser", "apikey", "usersettings", "orgsettings",
    "flashbacknode", "orgkey", "aillm", "aillmapikey", "conversation",
)  # fmt: skip
EVENTS = ("created", "updated", "deleted")
MOST = 1000


def list_events(call: Call) -> Answer:
    body = mapping(call.document)
    skip, take = _whole(body, "skip"), _whole(body, "take")
    if skip is None or take is None:
        raise Rejected(400, "Missing required field: skip, take")
    conditions, values = ["TRUE"], list[object]()
    text = texts(body, optional=("from_timestamp", "to_timestamp", "contextId", "userId", "workspaceId"))
    for name, sql in (("contextId", "context_id = ?"), ("userId", "user_id = ?"), ("workspaceId", "workspace_id = ?")):
        if name in text:
            conditions.append(f"e.{sql}")
            values.append(text[name])
    for name, sql in (("from_timestamp", "e.at >= ?"), ("to_timestamp", "e.at <= ?")):
        if name in text:
            conditions.append(sql)
            values.append(_stamp(text[name], name))
    for name, words in (("context", CONTEXTS), ("event", EVENTS)):
        index = _whole(body, name)
        if index is not None:
            conditions.append(f"e.{name} = ?")
            values.append(words[index] if index < len(words) else "")
    where = " AND ".join(conditions)
    rows = call.rows(
        "SELECT e.*, a.name, a.email FROM event e LEFT JOIN account a ON a.id = e.user_id"  # noqa: S608
        f" WHERE {where} ORDER BY e.id DESC LIMIT ? OFFSET ?",
        *values, min(take, MOST), skip,
    )  # fmt: skip
    org_id = call.store.meta("org_id")
    events = [
        {
            "id": row["id"],
            "timestamp": row["at"],
            "contextId": row["context_id"],
            "context": row["context"],
            "event": row["event"],
            "orgId": org_id,
            "userId": row["user_id"],
            "userName": row["name"] or "",
            "userEmail": row["email"] or "",
            "workspaceId": row["workspace_id"],
            "jsonData": None,
            "showUnread": True,
        }
        for row in rows
    ]
    total = call.count(f"SELECT count(*) FROM event e WHERE {where}", *values)  # noqa: S608
    return Answer({"events": events, "total": total, "skip": skip, "take": take})


def _whole(body: Mapping[str, object], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise Rejected(400, f"{name} must be a whole number")
    return value


def _stamp(text: str, name: str) -> str:
    try:
        return moment(text).strftime("%Y-%m-%dT%H:%M:%S")
    except ValueError:
        raise Rejected(400, f"{name} is not an ISO 8601 date") from None


OPERATIONS = (Operation("POST", "/systemevent", list_events),)
