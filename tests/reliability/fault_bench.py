"""One emulator for many cases: each scenario is prepared once, and every case begins from a copy of that state.

Time does not pass here: who sleeps moves a clock, and a delay that nobody would wait for is a timeout.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fault_scenarios import Scenario
from fault_strikes import TIMEOUT, Case
from rig import Rig

from fbplan.cli.pipeline import Planned
from fbplan.client.api import ReadClient
from fbplan.client.auth import Identity, Login
from fbplan.client.session import Session, Settings
from fbplan.emulator import Settings as Switches
from fbplan.emulator.app import Emulator
from fbplan.errors import ExitCode
from fbplan.secrets import Secret

PASSWORD = "canary-password-0f3a"


class Clock:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def monotonic(self) -> float:
        return self.slept


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scenario just before its apply: the organisation, the folder, the plan, and what all will be once it is done."""

    scenario: Scenario
    organisation: sqlite3.Connection
    files: Mapping[Path, bytes]
    planned: Planned
    before: Mapping[str, Any]
    reached: Mapping[str, Any]
    owned: frozenset[str]
    """The addresses that the ledger holds in the end."""

    @property
    def ids(self) -> dict[str, str]:
        return {address: live.id for address, live in self.planned.observation.world.raw.items()}

    @property
    def path(self) -> str:
        return self._with_ids(self.scenario.path)

    @property
    def listing(self) -> str:
        return self._with_ids(self.scenario.listing)

    def _with_ids(self, path: str) -> str:
        for address, remote in self.ids.items():
            path = path.replace(f"{{{address}}}", remote)
        return path


class Bench(Rig):
    """A rig that can be put back to where a scenario begins."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.issued: dict[str, str] = {}
        """Access key id → secret, of every answer that arrived whole."""
        super().__init__(folder)
        self._prepared: dict[str, Prepared] = {}

    def _emulator(self, folder: Path, switches: Switches) -> Emulator:
        return Emulator(folder, switches, self._delay)

    def _delay(self, seconds: float) -> None:
        if seconds >= TIMEOUT:
            raise TimeoutError("timed out")
        self.clock.sleep(seconds)

    def _session(self, login: Login | None = None) -> Session:
        return Session(
            Settings("emulator:", 4),
            Identity(None if login else Secret("rig"), login),
            app=self._listened,
            sleep=self.clock.sleep,
            jitter=lambda: 0.5,
            clock=self.clock.monotonic,
        )

    def _listened(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The emulator, with the secrets noted that it gives away."""
        answer = list(self._observed(environ, start_response))
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].endswith("/apikey"):
            try:
                body = json.loads(b"".join(answer))
            except ValueError:
                return answer
            if isinstance(body, dict) and isinstance(body.get("secret"), str):
                self.issued[body["key"]] = body["secret"]
        return answer

    def prepare(self, scenario: Scenario) -> Prepared:
        """The scenario up to its plan, and once to its end without any fault; made once."""
        if scenario.name not in self._prepared:
            self._wipe()
            self.spec(scenario.before)
            self._plant()
            assert self.apply().exit_code is ExitCode.OK
            self._plant_keys()
            self.spec(scenario.after)
            planned = self.planned(*scenario.allow)
            assert scenario.step in {s.id for s in planned.plan.steps}, [s.id for s in planned.plan.steps]
            self.app.store.settle()
            kept = sqlite3.connect(":memory:", check_same_thread=False)
            self.app.store.db.backup(kept)
            before, files = self.rows(), {p: p.read_bytes() for p in self._files()}
            report = self.execute(planned)
            assert report.exit_code is ExitCode.OK, report.outcomes
            owned = frozenset(report.ledger.entries)
            self._prepared[scenario.name] = Prepared(scenario, kept, files, planned, before, self.rows(), owned)
        return self._prepared[scenario.name]

    def restore(self, prepared: Prepared, case: Case) -> None:
        """Back to where the scenario begins, with the faults of the case installed."""
        self.app.store.settle()
        prepared.organisation.backup(self.app.store.db)
        for path in set(self._files()) - prepared.files.keys():
            path.unlink()
        for path, content in prepared.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.connect(case)
        self.app.log.clear()
        self.clear_faults()
        self.clock.slept = 0.0
        if case.strike.is_quota:
            there = len(prepared.before["bucket"])
            self.http("POST", "/_emulator/settings", {"bucket_quota": there})
        elif script := case.script(prepared.path, prepared.listing):
            self.http("POST", "/_emulator/faults", {"faults": script})

    def connect(self, case: Case) -> None:
        """A session of its own for each run, as a process has."""
        self.session.close()
        self.session = self._session(Login("owner@example.org", Secret(PASSWORD)) if case.strike.logs_in else None)
        ReadClient(self.session).workspaces()  # as every run begins: its token has been accepted once

    def was_struck(self) -> bool:
        """Whether the first line of the script came to anything; the quota is not in the script."""
        lines = self.app.script.read()
        return not lines or lines[0]["fired"] != 0

    def clear_faults(self) -> None:
        self.app.script.clear()
        if self.app.settings.bucket_quota != 100_000:
            self.http("POST", "/_emulator/settings", {"bucket_quota": 100_000})

    def _wipe(self) -> None:
        self.app.reset()
        for path in self._files():
            path.unlink()
        shutil.rmtree(self.folder / "secrets", ignore_errors=True)

    def _files(self) -> list[Path]:
        """Everything in the folder that is not the emulator's."""
        home = self.folder / "emulator"
        return [p for p in self.folder.rglob("*") if p.is_file() and home not in p.parents]

    def _plant(self) -> None:
        """Objects that no spec here declares."""
        workspace = self.http("GET", "/workspace")["workspaces"][0]["id"]
        place = {"workspaceId": workspace, "storageType": "S3"}
        credential = {"provider": "AWS", "key": "theirs", "secret": "theirs", "workspaceId": workspace}
        self.http("POST", "/apikeys", credential)
        bucket = {"name": "theirs", "bucket": "theirs", "region": "r", "key": "theirs", "secret": "theirs"}
        remote = self.http("POST", "/bucket", {**place, **bucket})["bucketId"]
        attached = [{"bucketId": remote, "folder": "x", "master": False}]
        repository = {"name": "their-app", "mode": "NORMAL", "repoBuckets": attached}
        home = self.http("POST", "/repo", {**place, **repository})["repoId"]
        self.http("POST", f"/repo/{home}/apikey", {"name": "w", "accessType": "READ"})

    def _plant_keys(self) -> None:
        home = self.ids("repository").get("app")
        if home is not None:
            self.http("POST", f"/repo/{home}/apikey", {"name": "theirs", "accessType": "READ"})

    def rows(self) -> dict[str, dict[str, tuple[Any, ...]]]:
        """What really is there, past every fault: kind → remote id → its fields, references by name."""
        ask = self.app.store.db.execute
        alive = "deleted_at IS NULL"
        attached: dict[str, list[tuple[Any, ...]]] = {}
        for repo, *rest in ask(
            "SELECT a.repo_id, b.name, a.folder, a.master FROM attachment a JOIN bucket b ON b.id = a.bucket_id"
        ):
            attached.setdefault(repo, []).append(tuple(rest))
        columns = {
            "bucket": f"SELECT b.id, b.name, b.bucket, b.storage_type, b.key, b.region, c.description FROM bucket b LEFT JOIN credential c ON c.id = b.credential_id WHERE b.{alive}",
            "credential": "SELECT id, description, provider, key, region FROM credential",
            "api_key": f"SELECT k.id, k.name, r.name, k.access_type FROM repo_key k JOIN repository r ON r.id = k.repo_id WHERE r.{alive}",
        }
        found = {kind: {row[0]: tuple(row)[1:] for row in ask(sql)} for kind, sql in columns.items()}
        found["repository"] = {
            row[0]: (*tuple(row)[1:], tuple(sorted(attached.get(row[0], ()))))
            for row in ask(f"SELECT id, name, storage_type, mode FROM repository WHERE {alive}")
        }
        return found

    def live_keys(self) -> dict[str, str]:
        """Remote id → access key id of every key that opens something."""
        return dict(self.app.store.db.execute("SELECT id, key FROM repo_key").fetchall())

    def requests(self) -> list[dict[str, Any]]:
        return [row for row in self.app.log.read(0) if not str(row["path"]).startswith("/_emulator")]

    def texts(self) -> dict[str, bytes]:
        """Every file but the sinks, by name."""
        return {p.name: p.read_bytes() for p in self._files() if p.suffix != ".env"}

    def sinks(self) -> dict[str, str]:
        """Access key id → secret in every sink."""
        found = {}
        for path in self.folder.rglob("*.env"):
            pairs = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
            found[pairs["FB_KEY_ID"].strip("'\"")] = pairs["FB_KEY_SECRET"].strip("'\"")
        return found
