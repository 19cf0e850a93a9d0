"""Servers that stand in for a cloud: Azurite for Azure, gcp-storage-emulator for Google. One of each for a session."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Published, of every Azurite: https://github.com/Azure/Azurite#default-storage-account"""
_TOOLS = Path(__file__).parents[1] / ".tools/node_modules/.bin"
# Its warnings would be errors here, so it is on its own.
_GOOGLE = """
from gcp_storage_emulator.server import create_server
server = create_server("127.0.0.1", {port}, in_memory=True)
server.start()
print("up", flush=True)
input()
server.stop()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def azurite(folder: Path) -> Iterator[str]:
    """Microsoft's own emulator of Azure Blob Storage."""
    found = shutil.which("azurite-blob") or shutil.which("azurite-blob", path=str(_TOOLS))
    if found is None:
        pytest.skip("azurite-blob is neither on the PATH nor in .tools: tests/run.sh installs it")
    port = free_port()
    server = subprocess.Popen(
        [found, "--blobPort", str(port), "--location", str(folder), "--disableTelemetry", "--skipApiVersionCheck"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    while "successfully listens" not in server.stdout.readline():
        assert server.poll() is None
    yield f"http://127.0.0.1:{port}/{ACCOUNT}"
    server.terminate()
    server.communicate(timeout=20)


@contextmanager
def google() -> Iterator[str]:
    """The emulator of Google Cloud Storage that PyPI has. It ignores preconditions."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-c", _GOOGLE.format(port=port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "up\n"
    yield f"http://127.0.0.1:{port}"
    server.communicate("\n")
