"""A rig that can be killed, and what must hold of its world afterwards."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rig import ENVIRON, Rig
from seams import Seams, WatchedFiles, watched_app
from typing_extensions import override

from fbplan.apply import Run, Setting
from fbplan.apply.books import Keeping
from fbplan.cli.leasing import begun_of, holder_of
from fbplan.cli.pipeline import Planned, make_plan
from fbplan.cli.recovering import recover, wanted_by
from fbplan.client.api import WriteClient
from fbplan.errors import ExitCode
from fbplan.journal.reading import read_journal
from fbplan.journal.records import Ended, Intent, Issued, Record
from fbplan.ledger import read_ledger
from fbplan.observe import find_workspace
from fbplan.spec.load import load_spec
from fbplan.state import desired_state
from fbplan.storage import Holder, Lease
from fbplan.storage.base import JOURNAL

KEEP = '#!/bin/sh\ncat >> "secrets/$1.json"\n'


class Unlocked(Lease):
    """A lock that keeps nobody apart, as on a file system that only pretends to have locks."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder

    def is_held(self) -> bool:
        return True

    def release(self) -> None:
        pass


class KillRig(Rig):
    """The whole of an apply under one lock, with every seam counted."""

    def __init__(
        self, folder: Path, seams: Seams, *, concurrency: int = 1, loses: bool = False, **switches: object
    ) -> None:
        self.seams, self._concurrency = seams, concurrency
        self.storage = WatchedFiles(folder / "fbplan.ledger.json", seams, loses=loses)
        self.wall: Callable[[], float] = time.time
        self.executor: type[Run] = Run
        super().__init__(folder, **switches)

    @override
    def _clock(self) -> datetime:
        return datetime.fromtimestamp(self.wall(), UTC)

    @override
    def _observed(self, environ: dict[str, Any], start_response: Any) -> Any:
        return watched_app(super()._observed, self.seams)(environ, start_response)

    def count_with(self, seams: Seams, *, loses: bool = False) -> None:
        """Count from here on with other seams."""
        self.seams, self.storage = seams, WatchedFiles(Path(self.storage.label), seams, loses=loses)

    def rival(self) -> KillRig:
        """Somebody else with the same folder and the same organisation."""
        other = copy.copy(self)
        other.count_with(Seams())
        other.session = other._session()
        return other

    def run(self, *allow: str, is_locked: bool = True) -> tuple[ExitCode, str]:
        """`fbplan apply`, from the lock to the last write: the exit code and whatever was told."""
        loaded, client = load_spec(self.path), WriteClient(self.session)
        lease = self.storage.lease(holder_of({}), 0, lambda _: None) if is_locked else Unlocked(holder_of({}))
        try:
            workspace = find_workspace(client, loaded.spec.workspace, read_ledger(self.storage).workspace_id)
            recovered = recover(
                self.storage, client, workspace.id, self.folder, wanted_by(desired_state(loaded.spec)), self.wall
            )
            planned: Planned = make_plan(loaded, client, tuple(sorted(allow)), self._clock)
            told = [*recovered.story, *(f"refused: {r.address}: {r.what}: {r.why}" for r in planned.plan.refusals)]
            if planned.plan.refusals:
                return ExitCode.REFUSED, "\n".join(told)
            if not planned.plan.has_changes:
                return ExitCode.OK, "\n".join(told)
            keeping = Keeping(self.storage, lease, begun_of(lease, planned.plan, planned))
            environ = {**ENVIRON, "PATH": os.defpath}
            setting = Setting(client, self.folder, environ, self.wall, self._concurrency, keeping=keeping)
            report = self.executor(planned.plan, planned.observation, planned.ledger.salted(), setting).carry_out()
            told += [f"{o.verb} {o.address}: {o.result.value}: {o.told}" for o in report.outcomes]
            told += [str(report.unrecorded)] if report.unrecorded is not None else []
            return report.exit_code, "\n".join(told)
        finally:
            lease.release()

    def journals(self) -> str:
        """What was left behind, in short: each record of each journal."""
        out = []
        for name in self.storage.names(JOURNAL):
            found = read_journal(self.storage, name)
            out += [f"{name}{' (torn)' if found.is_torn else ''}", *map(_short, found.records)]
        return "\n        ".join(out)


def _short(record: Record) -> str:
    match record:
        case Intent():
            return f"intent {record.step}"
        case Ended():
            return f"outcome {record.step}: {record.result}"
        case Issued():
            return f"issued {record.step}: {record.key_id}"
        case _:
            return type(record).__name__.lower()


def strangers(rig: Rig) -> None:
    """What no spec declares: objects of somebody else, in the workspace and in nobody's keeping."""
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    place = {"storageType": "S3", "region": "x", "workspaceId": workspace, "key": "k", "secret": "s"}
    theirs = rig.http("POST", "/bucket", {"name": "theirs", "bucket": "theirs", **place})["bucketId"]
    shared = {"provider": "AWS", "key": "k", "secret": "s", "description": "theirs", "workspaceId": workspace}
    rig.http("POST", "/apikeys", shared)
    made = {"name": "theirs", "storageType": "S3", "mode": "NORMAL", "workspaceId": workspace}
    home = rig.http("POST", "/repo", {**made, "repoBuckets": [{"bucketId": theirs, "folder": "t", "master": False}]})
    rig.http("POST", f"/repo/{home['repoId']}/apikey", {"name": "theirs", "accessType": "READ"})
