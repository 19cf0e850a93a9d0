"""A spec folder and an emulator, and the whole pipeline between them, without a process or a port."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from fbplan.apply import Setting, check_preconditions, execute
from fbplan.apply.books import Keeping
from fbplan.cli.leasing import begun_of, holder_of
from fbplan.cli.pipeline import Planned, make_expected_plan, make_plan
from fbplan.cli.recovering import Recovered, recover, wanted_by
from fbplan.cli.reviewed import from_saved
from fbplan.client.api import ReadClient, WriteClient
from fbplan.client.auth import Identity
from fbplan.client.session import Session, Settings
from fbplan.emulator import Settings as Switches
from fbplan.emulator import open_emulator
from fbplan.emulator.app import Emulator
from fbplan.ledger import read_ledger
from fbplan.observe import find_workspace
from fbplan.outcome import Report
from fbplan.plan import Plan, Step
from fbplan.secrets import Secret
from fbplan.spec.load import load_spec
from fbplan.state import desired_state
from fbplan.storage import open_storage

ENVIRON = {"K": "canary-key-5d1c", "S": "canary-secret-9f2e", "K2": "canary-key-77aa", "S2": "canary-secret-31bb"}
CANARIES = tuple(ENVIRON.values())
WRITES = {"POST", "PUT", "DELETE"}


class Rig:
    """One emulated organisation and one folder with a spec."""

    def __init__(self, folder: Path, **switches: object) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.app = self._emulator(folder / "emulator", Switches().with_values({"id_seed": "rig", **switches}))
        self.observer: Callable[[str, str, Any], None] | None = None
        self.sleeps: Callable[[float], None] = lambda _: None
        self.session = self._session()
        self._raw = httpx.Client(
            transport=httpx.WSGITransport(app=self.app), base_url="http://x", headers={"authorization": "Bearer t"}
        )
        self.path = folder / "fbplan.yaml"
        self._before: dict[str, str] = {}
        self.now: int | None = None
        """Unix seconds that plans and applies take for the time; None for the machine's clock."""

    def _emulator(self, folder: Path, switches: Switches) -> Emulator:
        return open_emulator(folder, switches)

    def _session(self) -> Session:
        return Session(
            Settings("emulator:", 4),
            Identity(Secret("rig")),
            app=self._observed,
            sleep=lambda seconds: self.sleeps(seconds),  # noqa: PLW0108 -- a test may set another one
            jitter=lambda: 0.5,
        )

    def _observed(self, environ: dict[str, Any], start_response: Any) -> Any:
        """The emulator, with somebody watching each write before it is carried out."""
        if self.observer is not None and environ["REQUEST_METHOD"] in WRITES:
            content = environ["wsgi.input"].read()
            environ["wsgi.input"] = io.BytesIO(content)
            self.observer(environ["REQUEST_METHOD"], environ["PATH_INFO"], json.loads(content) if content else None)
        return self.app(environ, start_response)

    def close(self) -> None:
        self.session.close()
        self._raw.close()
        self.app.close()

    def http(self, method: str, path: str, body: Any = None) -> Any:
        """A call past fbplan: what somebody does by hand, or the emulator's own controls."""
        answer = self._raw.request(method, path, json=body)
        assert answer.status_code < 500, answer.text
        return answer.json() if answer.content else None

    def spec(self, text: str) -> None:
        head = "" if text.lstrip().startswith("version:") else "version: 1\nworkspace: Production\n"
        self.path.write_text(head + text, encoding="utf-8")

    def planned(self, *allow: str) -> Planned:
        return make_plan(load_spec(self.path), ReadClient(self.session), tuple(sorted(allow)), self._clock)

    def expected(self, plan_id: str, *allow: str) -> Planned:
        """What `apply --expect` plans."""
        allowances = tuple(sorted(allow))
        return make_expected_plan(load_spec(self.path), ReadClient(self.session), allowances, plan_id, self._clock)

    def _clock(self) -> datetime:
        return datetime.now(UTC) if self.now is None else datetime.fromtimestamp(self.now, UTC)

    def pass_time(self, seconds: int) -> None:
        """Move the clock; it stands still otherwise."""
        self.now = (int(time.time()) if self.now is None else self.now) + seconds

    def plan(self, *allow: str) -> Plan:
        return self.planned(*allow).plan

    def recover(self) -> Recovered:
        """What an apply does before it plans."""
        loaded = load_spec(self.path)
        client = ReadClient(self.session)
        storage = open_storage(loaded.spec.ledger, self.folder)
        workspace = find_workspace(client, loaded.spec.workspace, None)
        return recover(storage, client, workspace.id, self.folder, wanted_by(desired_state(loaded.spec)))

    def apply(self, *allow: str) -> Report:
        self.recover()
        return self.execute(self.planned(*allow))

    def execute(
        self,
        planned: Planned,
        environ: dict[str, str] | None = None,
        on_start: Callable[[Step], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Report:
        storage = open_storage(planned.plan.ledger, self.folder)
        lease = None if storage is None else storage.lease(holder_of({}), 0, lambda _: None)
        setting = Setting(
            WriteClient(self.session),
            self.folder,
            ENVIRON if environ is None else environ,
            lambda: self._clock().timestamp(),
            4,
            on_start=on_start,
            keeping=Keeping(storage, lease, begun_of(lease, planned.plan, planned), stopped),
        )
        try:
            return execute(planned.plan, planned.observation, planned.ledger, setting)
        finally:
            if lease is not None:
                lease.release()

    def apply_saved(self, plan: Plan) -> Report:
        return self.execute(
            from_saved(plan, WriteClient(self.session), read_ledger(open_storage(plan.ledger, self.folder)))
        )

    def recheck(self, planned: Planned) -> None:
        check_preconditions(planned.plan, planned.observation)

    def ids(self, kind: str) -> dict[str, str]:
        """Live name → id."""
        path, key = {
            "bucket": ("/bucket", "buckets"),
            "repository": ("/repo", "repos"),
            "credential": ("/apikeys", "apiKeys"),
        }[kind]
        workspace = self.http("GET", "/workspace")["workspaces"][0]["id"]
        return {
            str(row.get("name") or row.get("description")): row["id"]
            for row in self.http("GET", f"{path}?workspaceId={workspace}")[key]
        }

    def keys(self, repository: str) -> dict[str, dict[str, Any]]:
        rows = self.http("GET", f"/repo/{self.ids('repository')[repository]}/apikey")["keys"]
        return {row["name"]: row for row in rows}

    def calls(self, *, writes_only: bool = True) -> list[tuple[str, str]]:
        """The requests since `forget_calls`, ids replaced by names."""
        names = {**self._names(), **self._before}
        rows = self.http("GET", "/_emulator/requests")["requests"]
        out = []
        for row in rows:
            if row["path"].startswith("/_emulator") or (writes_only and row["method"] not in WRITES):
                continue
            body = row.get("body") if isinstance(row.get("body"), dict) else {}
            path = row["path"]
            for remote, name in names.items():
                path = path.replace(remote, name)
            label = f" {body['name']}" if row["method"] == "POST" and "name" in body else ""
            out.append((row["method"], path + label))
        return out

    def _names(self) -> dict[str, str]:
        names = {
            remote: name for kind in ("bucket", "repository", "credential") for name, remote in self.ids(kind).items()
        }
        for repository in self.ids("repository"):
            names |= {row["id"]: name for name, row in self.keys(repository).items()}
        return names

    def forget_calls(self) -> None:
        self._before = self._names()
        self.http("DELETE", "/_emulator/requests")

    def fault(self, **script: Any) -> None:
        self.http("POST", "/_emulator/faults", {"faults": [script]})

    def watch(self) -> None:
        """Let the emulator watch the published policy from now on (L6)."""
        self.app.watch(self.folder / "routing-policy.json")

    def violations(self) -> list[str]:
        """What was done to the watched policy, by fbplan or by hand."""
        return [str(found["what"]) for found in self.app.violations()]

    def own_violations(self) -> list[str]:
        """The same without what somebody did by hand."""
        return [str(found["what"]) for found in self.app.violations() if found["by"] in {"fbplan", "policy"}]

    def drains(self) -> dict[str, int]:
        """When each drain began, as the ledger tells it."""
        return dict(read_ledger(open_storage("fbplan.ledger.json", self.folder)).drains)

    def policy(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "routing-policy.json").read_text())
        return found


def environ_with(**more: str) -> dict[str, str]:
    return {**os.environ, **ENVIRON, **more}
