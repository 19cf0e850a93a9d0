"""Over a real socket, in a process of its own: cuts, kills, locks, stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fbplan.emulator import open_emulator, serve
from fbplan.errors import ExitCode, FbplanError, LockHeld

PROGRAM = """
import sys
from pathlib import Path
from fbplan.emulator import open_emulator, serve
emulator = open_emulator(Path(sys.argv[1]))
serve(emulator, "127.0.0.1", 0, lambda url: print(url, flush=True))
emulator.close()
print("closed", flush=True)
"""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A server process on a free port, and a client of it."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            url = process.stdout.readline().strip()
            assert url, process.stderr.read()
            with httpx.Client(base_url=url, headers={"Authorization": "Bearer any"}) as client:
                yield process, client
        finally:
            process.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    with serving(tmp_path) as started:
        yield started


def bucket(client: httpx.Client, name: str) -> dict[str, str]:
    workspace = client.get("/workspace").json()["workspaces"][0]["id"]
    return {"name": name, "bucket": name, "storageType": "S3", "workspaceId": workspace, "key": "k", "secret": "s"}


def names(client: httpx.Client) -> list[str]:
    return [entry["name"] for entry in client.get("/bucket").json()["buckets"]]


@pytest.mark.parametrize(("kind", "written"), [("cut-before", []), ("cut-after", ["b"])])
def test_a_cut_closes_the_socket_without_an_answer(server, kind: str, written: list[str]) -> None:
    _, client = server
    body = bucket(client, "b")
    client.post("/_emulator/faults", json={"method": "POST", "path": "/bucket", "fault": kind})
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post("/bucket", json=body)
    assert names(client) == written


def test_faults_with_bodies_arrive_as_they_are(server) -> None:
    _, client = server
    client.post(
        "/_emulator/faults",
        json=[
            {"fault": "429", "retry_after": 3},
            {"fault": "502-html", "nth": 2},
            {"fault": "truncated-json", "nth": 3},
        ],
    )
    limited, gateway, truncated = (client.get("/bucket") for _ in range(3))
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "3")
    assert (gateway.status_code, gateway.text.startswith("<html>")) == (502, True)
    assert (truncated.status_code, len(truncated.content)) == (200, int(truncated.headers["Content-Length"]))


def test_a_slow_answer_times_out_after_its_write(server) -> None:
    _, client = server
    body = bucket(client, "b")
    client.post("/_emulator/faults", json={"method": "POST", "path": "/bucket", "fault": "delay-after", "seconds": 2})
    with pytest.raises(httpx.ReadTimeout):
        client.post("/bucket", json=body, timeout=0.3)
    assert names(client) == ["b"]


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, client):
        for name in ("one", "two", "three"):
            assert client.post("/bucket", json=bucket(client, name)).is_success
        process.send_signal(signal.SIGKILL)
        process.wait()
    with serving(tmp_path) as (_, client):
        assert names(client) == ["one", "two", "three"]


def test_a_second_process_on_the_folder_is_refused_by_name(server, tmp_path: Path) -> None:
    process, _ = server
    with pytest.raises(LockHeld, match=f"{tmp_path}.*process {process.pid}") as refused:
        open_emulator(tmp_path)
    assert refused.value.exit_code is ExitCode.LOCKED


def test_the_folder_is_free_again_after_closing(tmp_path: Path) -> None:
    first = open_emulator(tmp_path)
    with pytest.raises(LockHeld, match=str(os.getpid())):
        open_emulator(tmp_path)
    first.close()
    open_emulator(tmp_path).close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_cleanly(server, number: int) -> None:
    process, client = server
    client.get("/health")
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr) == (0, "closed\n", "")


def test_a_taken_port_is_an_error_for_people(tmp_path: Path) -> None:
    emulator = open_emulator(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FbplanError, match=f"port {port} cannot be opened.*in use"):
            serve(emulator, "127.0.0.1", port, lambda _url: None)
    emulator.close()


def test_writers_at_once_neither_lose_nor_double_anything(server) -> None:
    _, client = server
    body = bucket(client, "x")
    wanted = [f"b{number}" for number in range(40)] * 2
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(
                lambda name: client.post("/bucket", json=body | {"name": name, "bucket": name}).status_code, wanted
            )
        )
    assert (statuses.count(200), statuses.count(400)) == (40, 40)
    assert sorted(names(client)) == sorted(set(wanted))
