"""The adapters of the Node module over the real SDKs of Azure and Google, against what stands in for their clouds."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typescript_module

HERE = Path(__file__).parent
PACKAGES = typescript_module.PACKAGES
ACCOUNT, ACCOUNT_KEY = (
    "devstoreaccount1",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
)
"""Azurite's, known to everyone."""


def absent(package: str) -> str | None:
    missing = typescript_module.missing()
    return missing or (None if (PACKAGES / package).is_dir() else f"{package} not in .tools; tests/run.sh installs it")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def azurite(tmp_path: Path) -> Iterator[str]:
    command = PACKAGES / ".bin/azurite-blob"
    if not command.exists():
        pytest.skip("azurite not in .tools; tests/run.sh installs it")
    port = free_port()
    options = [
        "--blobPort",
        str(port),
        "--location",
        str(tmp_path / "azurite"),
        "--disableTelemetry",
        "--skipApiVersionCheck",
    ]
    server = subprocess.Popen([command, *options], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    while "successfully listens" not in server.stdout.readline():
        assert server.poll() is None
    yield f"http://127.0.0.1:{port}/{ACCOUNT}"
    server.terminate()
    server.communicate()


@pytest.fixture
def google() -> Iterator[str]:
    port = free_port()
    code = f"""
from gcp_storage_emulator.server import create_server
server = create_server("127.0.0.1", {port}, in_memory=True)
server.start()
print("up", flush=True)
input()
server.stop()
"""
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "up\n"
    yield f"http://127.0.0.1:{port}"
    server.communicate("\n")


def seen(kind: str, url: str, folder: Path) -> dict[str, object]:
    ran = subprocess.run(
        ["node", str(HERE / "node/adapters.mjs")],
        env={
            "PATH": os.environ["PATH"],
            "TMPDIR": str(folder),
            "FBPLAN_MODULE": str(typescript_module.built()),
            "KIND": kind,
            "STORE_URL": url,
            "DEAD_URL": f"http://127.0.0.1:{free_port()}/{ACCOUNT}",
            "ACCOUNT": ACCOUNT,
            "ACCOUNT_KEY": ACCOUNT_KEY,
        },
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, object] = json.loads(ran.stdout)
    return found


EVERYWHERE = {
    "put": ["a", True],
    "get": "one",
    "head": [3, ["fbseq", "fbsha256"]],
    "stream": ["stored", 262_144],
    "overwritten": "two",
    "list": [["a", "k ü/1", 3]],
    "deleted": {"isComplete": True, "failed": {}},
    "missing": ["NotFound"],
    "dead": ["NotStored", *[[0, "ECONNREFUSED"]] * 4],
    "retries": ["RoutingError"],
}


@pytest.mark.skipif(absent("@azure/storage-blob") is not None, reason=absent("@azure/storage-blob") or "all is there")
def test_azure_blob_storage(azurite: str, tmp_path: Path) -> None:
    assert seen("blob", azurite, tmp_path) == {
        **EVERYWHERE,
        "once": ["AlreadyExists", [409, "BlobAlreadyExists"]],
        "nowhere": ["Refused", [404, "ContainerNotFound"]],
    }


@pytest.mark.skipif(
    absent("@google-cloud/storage") is not None, reason=absent("@google-cloud/storage") or "all is there"
)
def test_google_cloud_storage(google: str, tmp_path: Path) -> None:
    found = seen("gcs", google, tmp_path)
    assert found.pop("once") is None, "this emulator ignores preconditions"
    assert found == {**EVERYWHERE, "nowhere": ["Refused", [404, ""]]}
