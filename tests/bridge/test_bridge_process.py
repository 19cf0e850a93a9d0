"""`fbplan emulator --bridge-port` as a process of its own: what it prints, how much memory it takes, how it stops."""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from bridge_rig import MB, session

BIG = 64 * MB


class Served:
    """The process, and clients of both of its ports."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stderr is not None
        told = "".join(process.stderr.readline() for _ in range(4))
        (api,) = re.findall(r"listens on (\S+),", told)
        (self.url,) = re.findall(r"S3, path style: (\S+)", told)
        self.api = httpx.Client(base_url=api, headers={"Authorization": "Bearer any"})

    def s3(self) -> Any:
        workspace = self.api.get("/workspace").json()["workspaces"][0]["id"]
        common = {"workspaceId": workspace, "storageType": "S3"}
        bucket = self.api.post(
            "/bucket", json={**common, "name": "a", "bucket": "acme", "key": "k", "secret": "s"}
        ).json()
        attached = [{"bucketId": bucket["bucketId"], "folder": "f", "master": False}]
        repo = self.api.post("/repo", json={**common, "name": "r", "mode": "NORMAL", "repoBuckets": attached}).json()
        key = self.api.post(f"/repo/{repo['repoId']}/apikey", json={"name": "w", "accessType": "WRITE"}).json()
        return session().client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=key["key"],
            aws_secret_access_key=key["secret"],
            config=Config(max_pool_connections=8, retries={"total_max_attempts": 1}),
        )

    def memory(self) -> int:
        """The most that the process ever held, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    command = [
        sys.executable,
        "-m",
        "fbplan",
        "emulator",
        "--port",
        "0",
        "--bridge-port",
        "0",
        "--data",
        str(tmp_path / "e"),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        served = Served(process)
        try:
            yield served
        finally:
            served.api.close()
            process.kill()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of a process from /proc")
def test_a_large_object_streams_through_in_bounded_memory(served: Served, tmp_path: Path) -> None:
    s3 = served.s3()
    source, target = tmp_path / "source", tmp_path / "target"
    with source.open("wb") as file:
        for number in range(64):
            file.write(bytes([number]) * MB)
    s3.put_object(Bucket="a", Key="small", Body=b"x")
    s3.get_object(Bucket="a", Key="small")["Body"].read()
    before = served.memory()

    with source.open("rb") as file:
        s3.put_object(Bucket="a", Key="one", Body=file)
    s3.upload_file(str(source), "a", "parts", Config=TransferConfig(multipart_chunksize=16 * MB, use_threads=False))
    s3.copy_object(Bucket="a", Key="copy", CopySource="a/parts")
    for key in ("one", "copy"):
        with target.open("wb") as file:
            for piece in s3.get_object(Bucket="a", Key=key)["Body"].iter_chunks(MB):
                file.write(piece)
        with source.open("rb") as one, target.open("rb") as other:
            assert hashlib.file_digest(one, "sha256").digest() == hashlib.file_digest(other, "sha256").digest()

    assert served.memory() - before < 8 * MB


def test_eight_threads_lose_and_double_nothing(served: Served) -> None:
    s3 = served.s3()

    def story(number: int) -> bool:
        body = str(number).encode() * 100
        s3.put_object(Bucket="a", Key=f"k{number}", Body=body)
        s3.put_object(Bucket="a", Key="shared", Body=body)
        return bool(s3.get_object(Bucket="a", Key=f"k{number}")["Body"].read() == body)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(story, range(80)))
    assert s3.list_objects_v2(Bucket="a")["KeyCount"] == 81
    (row,) = served.api.get("/stats/daily").json()["data"]
    sizes = [len(str(number)) * 100 for number in range(80)]
    assert (int(row["upl_bytes"]), int(row["dwl_bytes"])) == (2 * sum(sizes), sum(sizes))
    last = s3.head_object(Bucket="a", Key="shared")["ContentLength"]
    assert int(row["size_change"]) == sum(sizes) + last


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_both_ports_cleanly(served: Served, number: int) -> None:
    served.s3().list_objects_v2(Bucket="a")  # its connection stays open
    served.process.send_signal(number)
    _, told = served.process.communicate(timeout=30)
    assert (served.process.returncode, told) == (0, "")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{served.url}/health")


def test_a_taken_bridge_port_is_an_error_for_people(served: Served, tmp_path: Path) -> None:
    port = served.url.rpartition(":")[2]
    command = [
        sys.executable,
        "-m",
        "fbplan",
        "emulator",
        "--port",
        "0",
        "--bridge-port",
        port,
        "--data",
        str(tmp_path / "f"),
    ]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (told.returncode, f"port {port} cannot be opened" in told.stderr, "Traceback" in told.stderr) == (
        1,
        True,
        False,
    )
