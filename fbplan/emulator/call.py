"""One request as an operation sees it, and the row of the table that binds an operation to its path."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from fbplan.emulator.answers import Answer, Form, Rejected
from fbplan.emulator.settings import Settings
from fbplan.emulator.store import Store

Role = Literal["READ", "WRITE", "ADMIN"]
RANKS: Mapping[str, int] = {"READ": 0, "WRITE": 1, "ADMIN": 2}
ORG_ADMIN = 254


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, from the bearer token."""

    user_id: str
    org_role: int

    @property
    def is_admin(self) -> bool:
        return self.org_role >= ORG_ADMIN


@dataclass(frozen=True, slots=True)
class Call:
    """Everything an operation may look at. `db` is the present state, or an earlier one when lists are stale."""

    store: Store
    db: sqlite3.Connection
    settings: Settings
    caller: Caller
    query: Mapping[str, str]
    document: object
    now: datetime

    def filter(self, name: str) -> str | None:
        """A query parameter; empty and the text `undefined` mean no filter (api/README.md §5)."""
        value = self.query.get(name, "")
        return None if value in {"", "undefined"} else value

    def filters(self, *names: str) -> frozenset[str] | None:
        """A comma-joined list of ids under any of `names`, or None for no filter."""
        for name in names:
            value = self.filter(name)
            if value is not None:
                return frozenset(part for part in value.split(",") if part)
        return None

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self.db.execute(sql, values).fetchone()
        return found

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self.db.execute(sql, values).fetchall()

    def count(self, sql: str, *values: object) -> int:
        row = self.row(sql, *values)
        return int(row[0] or 0) if row is not None else 0

    def is_full(self, table: str, quota: int | None) -> bool:
        """Whether as many live rows of `table` exist as the quota allows."""
        # The highest row number bounds the count from above and costs no scan, which 10,000 creates in a row would feel.
        if quota is None or self.count(f"SELECT max(seq) FROM {table}") < quota:  # noqa: S608 -- named by our own code
            return False
        return self.count(f"SELECT count(*) FROM {table} WHERE deleted_at IS NULL") >= quota  # noqa: S608

    def write(self, sql: str, *values: object) -> None:
        self.db.execute(sql, values)

    def role_in(self, workspace_id: str) -> str | None:
        """The caller's role in a workspace, or None without one. Organisation administrators have every right."""
        if self.caller.is_admin:
            return "ADMIN"
        row = self.row(
            "SELECT role FROM member WHERE workspace_id = ? AND user_id = ?", workspace_id, self.caller.user_id
        )
        return None if row is None else str(row["role"])

    def demand(self, workspace_id: str, role: Role) -> None:
        """Raise the 403 of a caller whose role in the workspace is below `role`."""
        held = self.role_in(workspace_id)
        if held is None or RANKS[held] < RANKS[role]:
            raise Rejected(403, "Insufficient permissions")

    def visible(self, column: str) -> tuple[str, tuple[object, ...]]:
        """The SQL condition, and its values, that leaves what the caller and the workspaceId query allow."""
        conditions, values = [], list[object]()
        workspace_id = self.filter("workspaceId")
        if workspace_id is not None:
            conditions.append(f"{column} = ?")
            values.append(workspace_id)
        if not self.caller.is_admin:
            conditions.append(f"{column} IN (SELECT workspace_id FROM member WHERE user_id = ?)")  # noqa: S608
            values.append(self.caller.user_id)
        return (" AND ".join(conditions) or "TRUE"), tuple(values)

    def record(self, context: str, event: str, context_id: str, workspace_id: str | None) -> None:
        """Note who changed what, for POST /systemevent."""
        self.write(
            "INSERT INTO event (at, context, event, context_id, user_id, workspace_id) VALUES (?, ?, ?, ?, ?, ?)",
            iso(self.now), context, event, context_id, self.caller.user_id, workspace_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the routing table. `handler` takes the call and the path's parameters by name."""

    method: str
    path: str
    handler: Callable[..., Answer]
    form: Form = Form.MESSAGE
    writes: bool = False
    is_public: bool = False


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as the API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
