import copy
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from policy_guide import GUIDE, content_of, executed, finished, guide

from fbplan.errors import FbplanError, UsageFault
from fbplan.policy.document import Ids, preview
from fbplan.policy.render import FORMATS, render


def test_json_is_the_document():
    assert json.loads(render(finished(), "json")) == finished()


def test_the_guides_typescript_constants():
    assert render(finished(), "typescript") == (
        "// Generated from the routing policy, generation 42. Do not edit: change the spec.\n"
        "\n"
        "export const GENERATION = 42;\n"
        "\n"
        "// repository app-data\n"
        "// app-logs-azure is also capped by stored_bytes, which these constants cannot say: read the policy file\n"
        'export const REPO_ID = "repo-1";\n'
        'export const ENDPOINT = "https://s3-us-east-1-aws.flashback.tech";\n'
        "export const ORDER = [\n"
        '  "app-logs-gcp",\n'
        '  "app-logs-aws",\n'
        '  "app-logs-azure",\n'
        "] as const;\n"
        "// what to pass as the bucket in an SDK call\n"
        "export const BUCKETS: Readonly<Record<(typeof ORDER)[number], string>> = {\n"
        '  "app-logs-gcp": "app-logs-gcp",\n'
        '  "app-logs-aws": "app-logs-aws",\n'
        '  "app-logs-azure": "App logs (Azure)",\n'
        "};\n"
        "// share of the limit at which writes leave the bucket\n"
        "export const SOFT_CAPS: Readonly<Record<(typeof ORDER)[number], number>> = {\n"
        '  "app-logs-gcp": 0.8,\n'
        '  "app-logs-aws": 0.8,\n'
        '  "app-logs-azure": 1.0,\n'
        "};\n"
        "// bytes in a period; null is unlimited\n"
        "export const LIMITS: Readonly<Record<(typeof ORDER)[number], number | null>> = {\n"
        '  "app-logs-gcp": 500000000000,\n'
        '  "app-logs-aws": 1000000000000,\n'
        '  "app-logs-azure": null,\n'
        "};\n"
    )


def test_the_guides_environment_variables():
    assert render(finished(), "env") == (
        "# Generated from the routing policy, generation 42. Do not edit: change the spec.\n"
        "\n"
        "# repository app-data\n"
        "# FB_KEY_ID and FB_KEY_SECRET of writers: file:secrets/app-data-writer.env\n"
        "# FB_KEY_ID and FB_KEY_SECRET of readers: exec\n"
        "# app-logs-azure is also capped by stored_bytes, which these variables cannot say: read the policy file\n"
        "FB_S3_ENDPOINT=https://s3-us-east-1-aws.flashback.tech\n"
        "FB_REPO_ID=repo-1\n"
        "# buckets by preference; what to pass as the bucket in an SDK call; shares of the limit; bytes in a period\n"
        "FB_WRITE_ORDER=app-logs-gcp,app-logs-aws,app-logs-azure\n"
        "FB_WRITE_BUCKETS='app-logs-gcp,app-logs-aws,App logs (Azure)'\n"
        "FB_SOFT_CAPS=0.8,0.8,1.0\n"
        "FB_LIMITS=500000000000,1000000000000,unlimited\n"
    )


def test_the_guides_table():
    written = guide()
    written["repositories"]["app-data"]["routing"]["order"] = ["app-logs-gcp", "app-logs-azure"]
    rendered = render(finished(written), "markdown")
    assert rendered == (
        "## Routing policy, generation 42\n"
        "\n"
        "### `app-data`\n"
        "\n"
        "- protocol S3, mode NORMAL, 20 writers\n"
        "- endpoint `https://s3-us-east-1-aws.flashback.tech`\n"
        "- write key in `file:secrets/app-data-writer.env`\n"
        "- read key in `exec`\n"
        "\n"
        "| order | bucket | state | provider | caps | folder |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| 1 | `app-logs-gcp` | active | `gcp` | ingress_bytes 500 GB, soft 80%, hard 95% | `gcp` |\n"
        "| 2 | `app-logs-azure` | active | `azure` | ingress_bytes unlimited<br>stored_bytes 2 TiB, soft 80%, hard 100% |  |\n"
        "| no writes | `app-logs-aws` | active | `aws` | ingress_bytes 1 TB, soft 80%, hard 100% | `aws` |\n"
    )


TWO = guide()
TWO["repositories"] |= {
    "2nd": {
        "storage_type": "BLOB",
        "buckets": [{"bucket": "app-logs-aws", "folder": "x"}],
        "routing": {"endpoint": "https://b:1"},
    },
    "third": {"storage_type": "GCS", "buckets": [{"bucket": "not-attached", "folder": "x"}]},
}
TWO_IDS = Ids({"app-data": "1", "2nd": "2", "third": "3"}, dict.fromkeys(TWO["buckets"], "b"), {})


def test_several_repositories_are_told_apart_by_their_names():
    document = finished(TWO, ids=TWO_IDS)
    names = re.findall(r"(?m)^(\w+)=", render(document, "env"))
    assert names[:6:5] == ["_2ND_FB_BLOB_ENDPOINT", "_2ND_FB_LIMITS"]
    assert names[6:12:5] == ["APP_DATA_FB_S3_ENDPOINT", "APP_DATA_FB_LIMITS"]
    assert names[12:] == [
        "THIRD_FB_REPO_ID",
        "THIRD_FB_WRITE_ORDER",
        "THIRD_FB_WRITE_BUCKETS",
        "THIRD_FB_SOFT_CAPS",
        "THIRD_FB_LIMITS",
    ]
    constants = executed(render(document, "python"))
    assert constants["APP_DATA_ORDER"] == ("app-logs-gcp", "app-logs-aws", "app-logs-azure")
    assert constants["THIRD_ENDPOINT"] is None
    assert constants["THIRD_LIMITS"] == {"not-attached": None}
    assert render(document, "markdown").count("### ") == 3


@pytest.mark.parametrize("format_", FORMATS)
def test_one_repository_can_be_picked(format_):
    rendered = render(finished(TWO, ids=TWO_IDS), format_, "2nd")
    assert "app-logs-aws" in rendered
    assert "app-logs-gcp" not in rendered
    assert "_2ND" not in rendered


def test_two_names_that_would_share_a_constant_are_refused():
    written = guide()
    entry = written["repositories"].pop("app-data")
    written["repositories"] = {"app-data": entry, "app_data": {**entry, "api_keys": {}}}
    document = finished(written, ids=Ids({"app-data": "1", "app_data": "2"}, dict.fromkeys(TWO["buckets"], "b"), {}))
    with pytest.raises(FbplanError, match="constants of one name"):
        render(document, "env")
    assert "FB_REPO_ID=2\n" in render(document, "env", "app_data")
    assert render(document, "markdown").count("### ") == 2


@pytest.mark.parametrize("address", [("name", "App logs (Azure)"), ("container", "acmeapplogs"), ("folder", "az")])
def test_what_a_writer_passes_as_the_bucket_follows_the_address(address):
    written = guide()
    repository = written["repositories"]["app-data"]
    repository["routing"]["address"] = address[0]
    repository["buckets"][2]["folder"] = "az"
    assert executed(render(finished(written), "python"))["BUCKETS"]["app-logs-azure"] == address[1]


@pytest.mark.parametrize("format_", ["env", "typescript", "python"])
def test_an_id_that_is_not_known_yet_never_becomes_a_constant(format_):
    pending = preview(content_of(GUIDE), Ids({}, {}, {}), 1, "x")
    with pytest.raises(FbplanError, match="'app-data' is not known"):
        render(pending, format_)
    assert render(pending, "markdown")


def test_an_unknown_format_or_repository_is_a_wrong_command():
    with pytest.raises(UsageFault) as caught:
        render(finished(), "yaml")
    assert caught.value.next == "use one of: json, env, markdown, typescript, python"
    with pytest.raises(UsageFault) as caught:
        render(finished(), "env", "gone")
    assert caught.value.next == "use one of: app-data"


def test_a_document_of_another_shape_is_told():
    broken = copy.deepcopy(finished())
    broken["repositories"]["app-data"]["order"].append("gone")
    with pytest.raises(FbplanError, match="does not hold"):
        render(broken, "markdown")
    broken["repositories"]["app-data"]["protocol"] = "FTP"
    with pytest.raises(FbplanError, match="not of the format"):
        render(broken, "markdown")


def _empty():
    written = guide()
    written["repositories"]["app-data"]["routing"] = {"order": []}
    return finished(written)


POLICIES = {"guide": finished(), "several": finished(TWO, ids=TWO_IDS), "empty": _empty()}


def _written(folder, format_, suffix):
    """A file of constants for each policy; one run of a checker over all of them is enough."""
    modules = [folder / f"{name}.{suffix}" for name in POLICIES]
    for module, document in zip(modules, POLICIES.values(), strict=True):
        module.write_text(render(document, format_))
    return modules


def test_python_constants_pass_a_strict_type_check(tmp_path):
    modules = _written(tmp_path, "python", "py")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}/cache", *modules],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def _compiler():
    """A TypeScript compiler that is already on this machine."""
    local = Path(__file__).parents[2] / "node_modules/.bin/tsc"
    return shutil.which("tsc") or (str(local) if local.exists() else None)


@pytest.mark.skipif(_compiler() is None, reason="no TypeScript compiler on this machine")
def test_typescript_constants_compile_and_are_chosen_from_under_the_compilers_own_target(tmp_path):
    """ES5 for TypeScript up to 5: there `ORDER` has no `find`, but a loop runs over it."""
    modules = [*_written(tmp_path, "typescript", "ts"), tmp_path / "choose.ts"]
    modules[-1].write_text(CHOOSE)
    strict = ["--noEmit", "--strict", "--noUncheckedIndexedAccess", "--skipLibCheck"]
    run = subprocess.run([_compiler(), *strict, *modules], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


CHOOSE = """
import { LIMITS, ORDER, SOFT_CAPS } from "./guide";

export function choose(used: Record<(typeof ORDER)[number], number>) {
  for (const name of ORDER) {
    const limit = LIMITS[name];
    if (limit === null || used[name] < SOFT_CAPS[name] * limit) return name;
  }
  return undefined;
}
"""
