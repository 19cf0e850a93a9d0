"""The adapters of the Node module over the real SDKs of Azure and Google, against what stands in for their clouds."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import typescript_module
from stand_ins import ACCOUNT, ACCOUNT_KEY, free_port

HERE = Path(__file__).parent
PACKAGES = typescript_module.PACKAGES


def absent(package: str) -> str | None:
    missing = typescript_module.missing()
    return missing or (None if (PACKAGES / package).is_dir() else f"{package} not in .tools; tests/run.sh installs it")


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
def test_azure_blob_storage(azurite_url: str, tmp_path: Path) -> None:
    assert seen("blob", azurite_url, tmp_path) == {
        **EVERYWHERE,
        "once": ["AlreadyExists", [409, "BlobAlreadyExists"]],
        "nowhere": ["Refused", [404, "ContainerNotFound"]],
    }


@pytest.mark.skipif(
    absent("@google-cloud/storage") is not None, reason=absent("@google-cloud/storage") or "all is there"
)
def test_google_cloud_storage(google_url: str, tmp_path: Path) -> None:
    found = seen("gcs", google_url, tmp_path)
    assert found.pop("once") is None, "this emulator ignores preconditions"
    assert found == {**EVERYWHERE, "nowhere": ["Refused", [404, ""]]}
