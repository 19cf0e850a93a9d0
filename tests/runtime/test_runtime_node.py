"""The router for Node: its own tests, which stand in `node/`, and that it needs nothing but Node."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import typescript_module

from fbplan.policy.module import LANGUAGES, module_text

HERE = Path(__file__).parent
needs_node = pytest.mark.skipif(
    typescript_module.missing() is not None, reason=typescript_module.missing() or "all is there"
)


@needs_node
@pytest.mark.parametrize("path", sorted((HERE / "node").glob("*.test.mjs")), ids=lambda path: path.stem)
def test_the_router_for_node_keeps_its_own_tests(path: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        ["node", "--test", "--test-reporter=tap", str(path)],
        env={"PATH": os.environ["PATH"], "FBPLAN_MODULE": str(typescript_module.built()), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(re.findall(r"^# pass (\d+)", ran.stdout, re.MULTILINE)[0]) >= 7
    assert "# skipped 0" in ran.stdout


def test_the_module_imports_nothing_but_node_s_own_modules() -> None:
    text = module_text(LANGUAGES["typescript"])
    assert all(name.startswith("node:") for name in re.findall(r'^import .* from "(.+)";$', text, re.MULTILINE))
    assert ' from "./' not in text


@needs_node
def test_the_five_lines_compile_in_a_strict_project_with_the_types_of_the_sdk(tmp_path: Path) -> None:
    module = typescript_module.built()
    (tmp_path / "node_modules").symlink_to(typescript_module.PACKAGES)
    (tmp_path / "fbplan.mts").write_bytes(module.with_suffix(".mts").read_bytes())
    (tmp_path / "service.mts").write_text(SERVICE, encoding="utf-8")
    ran = subprocess.run(
        [typescript_module.PACKAGES / ".bin/tsc", "--strict", "--noEmit", "--skipLibCheck", "--module", "nodenext",
         "--target", "es2022", "--types", "node", "service.mts"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout


SERVICE = """
import { S3Client } from "@aws-sdk/client-s3";
import { Storage } from "@google-cloud/storage";
import { BlobServiceClient } from "@azure/storage-blob";
import { ReadOnly, Router, blobTransport, gcsTransport, s3Transport } from "./fbplan.mjs";

const client = new S3Client({ maxAttempts: 1 });
const router = Router.fromFile("routing-policy.json", s3Transport({ client }));
try {
  const placed = await router.put("hello.txt", "hi");
  const seq: number | bigint | null = placed.record.seq;
  console.log(String(placed.reference), seq, (await router.get(placed.reference)).content);
} catch (fault) {
  if (fault instanceof ReadOnly) console.log(fault.retryAt, fault.why);
}
gcsTransport({ connect: () => new Storage({ retryOptions: { autoRetry: false } }) });
blobTransport({ connect: (place) => new BlobServiceClient(place.endpoint ?? "", undefined, { retryOptions: { maxTries: 1 } }) });
"""
