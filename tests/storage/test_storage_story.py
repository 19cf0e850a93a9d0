"""The whole program with its ledger on a real S3 server: every command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from storage_places import CANARIES, S3, holder, opened

SPEC = """version: 1
workspace: Production
ledger: {url}
buckets:
  logs:
    bucket: acme-logs
    storage_type: S3
    provider: aws
    region: us-east-1
    key: {{env: K}}
    secret: {{env: S}}
    soft_cap: {{limit: 1GB}}
"""


class Runner:
    """A machine that is thrown away: nothing is left of its folder but the spec."""

    def __init__(self, folder: Path, url: str, api: Path) -> None:
        folder.mkdir()
        self._folder, self._api = folder, api
        (folder / "fbplan.yaml").write_text(SPEC.format(url=url))

    def __call__(self, *words: str) -> tuple[int, str, str]:
        ran = subprocess.run(
            [sys.executable, "-m", "fbplan", *words],
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            env={
                **os.environ,
                "FB_API_URL": f"emulator:{self._api}",
                "FB_JWT": "any",
                "K": "canary-key",
                "S": "canary-secret",
                "CI": "true",
            },
        )
        told = ran.stdout + ran.stderr
        assert not [c for c in (*CANARIES.values(), "canary-key", "canary-secret", "Traceback") if c in told], told
        return ran.returncode, ran.stdout, ran.stderr


@pytest.fixture
def url(s3: S3) -> str:
    return f"s3://acme/{uuid.uuid4().hex}/ledger.json"


def test_a_runner_that_is_thrown_away_leaves_its_ledger_to_the_next(folder_url: str, tmp_path: Path) -> None:
    url = f"{folder_url}/ledger.json"
    code, _, story = Runner(tmp_path / "one", url, tmp_path / "api")("apply", "--yes")
    assert code == 0, story
    assert "is forgotten with this machine" not in story
    second = Runner(tmp_path / "two", url, tmp_path / "api")
    assert second("plan", "--detailed-exitcode")[0] == 0
    assert second("ledger", "list")[1].startswith("bucket.logs ")
    assert second("unlock")[1] == f"{url}: nobody holds the lock\n"
    assert sorted(p.name for p in (tmp_path / "two").iterdir()) == ["fbplan.yaml"]
    place = opened(url, tmp_path)
    assert place.names("journal.") == []


def test_a_runner_that_finds_the_lock_taken_names_the_holder_and_writes_nothing(url: str, tmp_path: Path) -> None:
    lease = opened(url, tmp_path).lease(holder("lease1"), 0, print)
    runner = Runner(tmp_path / "one", url, tmp_path / "api")
    code, _, story = runner("apply", "--yes", "--lock-timeout", "1s")
    assert code == 6
    assert "ada on runner-7" in story
    assert "fbplan unlock lease1" in story
    lease.release()
    assert runner("apply", "--yes")[0] == 0


def test_a_bucket_that_is_not_there_stops_before_any_write(s3: S3, tmp_path: Path) -> None:
    code, _, story = Runner(tmp_path / "one", "s3://nowhere/ledger.json", tmp_path / "api")("apply", "--yes")
    assert code == 1
    assert "the bucket is not there" in story
