"""The calls of the API by kind. A ReadClient has no method that writes: a dry run cannot write by mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fbplan.client.envelope import UNREADABLE
from fbplan.client.session import Session
from fbplan.errors import Ambiguous, ApiFault
from fbplan.kinds.base import Json, Kind


class ReadClient:
    """Everything that can be looked at."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def workspaces(self) -> list[Mapping[str, Any]]:
        return _listed(self._session.read("/workspace"), "workspaces", "GET /workspace")

    def listing(self, kind: Kind, workspace_id: str, parent_id: str | None = None) -> list[Mapping[str, Any]]:
        """Every live object of a kind, as the API shows it."""
        path = _collection(kind, parent_id)
        params = {"workspaceId": workspace_id} if kind.in_workspace else None
        return _listed(self._session.read(path, params), kind.list_key, f"GET {path}")

    def pause(self, seconds: float, why: str) -> None:
        """Wait before looking again."""
        self._session.pause(seconds, why)

    def quota(self) -> Mapping[str, Any]:
        found = self._session.read("/user/quota")
        return found if isinstance(found, dict) else {}

    def daily(self, start: str, end: str, ids: list[str], by: str = "bucketId") -> list[Mapping[str, Any]]:
        """Rows of `/stats/daily` of buckets, or of what else `by` names; byte counts may be strings or numbers."""
        params = {"startDate": start, "endDate": end, by: ",".join(ids)}
        return _listed(self._session.read("/stats/daily", params), "data", "GET /stats/daily")

    def minutes(self, start: str, end: str, bucket_ids: list[str]) -> list[Mapping[str, Any]]:
        """Rows of `/stats/minute`, shaped like those of a day."""
        params = {"startDate": start, "endDate": end, "bucketId": ",".join(bucket_ids)}
        return _listed(self._session.read("/stats/minute", params), "data", "GET /stats/minute")

    def totals(self, bucket_ids: list[str]) -> list[Mapping[str, Any]]:
        """Lifetime totals of `/bucket/stats`, as decimal strings; a bucket without traffic has its row too."""
        params = {"bucketId": ",".join(bucket_ids)}
        return _listed(self._session.read("/bucket/stats", params), "stats", "GET /bucket/stats")

    def node_minutes(self, bucket_ids: list[str]) -> list[Mapping[str, Any]]:
        """The state of each node for each bucket, from `/stats/nodes/minute`."""
        params = {"bucketId": ",".join(bucket_ids)}
        return _listed(self._session.read("/stats/nodes/minute", params), "data", "GET /stats/nodes/minute")

    def validate_bucket(self, remote_id: str, bucket: str) -> Mapping[str, Any]:
        """Ask online nodes to probe a registered bucket; changes nothing."""
        found = self._session.read(
            f"/bucket/{quote(remote_id, safe='')}/validate", method="POST", body={"bucket": bucket}
        )
        return found if isinstance(found, dict) else {}


class WriteClient(ReadClient):
    """What `apply` alone is given."""

    def create(
        self, kind: Kind, body: Mapping[str, Json], parent_id: str | None = None
    ) -> tuple[str, Mapping[str, Any]]:
        """The id of the new object and the whole answer. Raises Ambiguous when the answer holds no id."""
        path = _collection(kind, parent_id)
        found = self._session.write("POST", path, body, is_slow=bool(kind.write_only))
        answer = found if isinstance(found, dict) else {}
        remote = next((answer[key] for key in kind.id_keys if _is_id(answer.get(key))), None)
        if remote is None:
            raise Ambiguous("the answer to a create holds no id", f"POST {path}", "", "the outcome is read back")
        return remote, answer

    def update(self, kind: Kind, remote_id: str, body: Mapping[str, Json], parent_id: str | None = None) -> None:
        self._session.write("PUT", f"{_collection(kind, parent_id)}/{quote(remote_id, safe='')}", body)

    def delete(self, kind: Kind, remote_id: str, parent_id: str | None = None) -> bool:
        """Delete. False for a 404, which may also mean the calling user: confirm it by listing."""
        return self._session.remove(f"{_collection(kind, parent_id)}/{quote(remote_id, safe='')}")


def _is_id(found: Any) -> bool:
    return isinstance(found, str) and found != "" and UNREADABLE not in found


def _collection(kind: Kind, parent_id: str | None) -> str:
    return kind.collection.format(repository=quote(parent_id or "", safe=""))


def _listed(found: Any, key: str, call: str) -> list[Mapping[str, Any]]:
    """The list in an answer; a missing or odd one is an error, never an empty list."""
    rows = found.get(key) if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ApiFault(
            "the API answered without the list it should hold",
            call,
            f"'{key}' is missing or is not a list",
            "nothing was changed; try again, and report it if it stays",
        )
    return rows
