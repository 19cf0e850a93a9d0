"""aws-sdk-js v3 against the Bridge Node: the same operations, and errors as its users see them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from bridge_rig import MB, Node

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / ".tools" / "node_modules"


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
@pytest.mark.skipif(
    not (MODULES / "@aws-sdk" / "s3-request-presigner").is_dir(),
    reason="aws-sdk-js is not in .tools; tests/run.sh installs it",
)
def test_aws_sdk_js_v3_does_everything(node: Node) -> None:
    buckets = ["a", "full403", "full429", "full507"]
    key = node.key(node.repository("r", *((node.bucket(name), "") for name in buckets)))
    for status in (403, 429, 507):
        node.credit(bucket=f"full{status}", limit=1, status=status)
    told = subprocess.run(
        ["node", str(HERE / "bridge_story.cjs")],
        env={
            "PATH": os.environ["PATH"],
            "NODE_PATH": str(MODULES),
            "BRIDGE_URL": node.url,
            "FB_KEY_ID": key["key"],
            "FB_SECRET": key["secret"],
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == {
        "put": ["hello", "text/plain", {"fbseq": "7"}],
        "range": "el",
        "head": 5,
        "empty": "",
        "stream": hashlib.sha256(b"x" * 70000 + b"y" * 5).hexdigest(),
        "once": [412, "PreconditionFailed"],
        "copy": "hello",
        "multipart": [6 * MB, '-2"'],
        "list": ["big", "copy", "empty", "k ü", "stream"],
        "buckets": buckets,
        "signed": [200, "by url", 204],
        "deleted": 3,
        "missing": [404, "NoSuchKey"],
        "full403": [403, "QUOTA_EXCEEDED"],
        "full429": [429, "QUOTA_EXCEEDED"],
        "full507": [507, "InsufficientStorage"],
    }
