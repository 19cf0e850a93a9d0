import copy
import html
import json
import re
import shutil
import subprocess

import pytest
from policy_guide import executed, finished

from fbplan.errors import FbplanError
from fbplan.policy import literals
from fbplan.policy.render import render

HOSTILE = [
    "plain-name",
    "a'b\"c",
    "back\\slash\\",
    "new\nline\r\nexport const EVIL = 1;",
    "*/ alert(1); /*",
    "`rm -rf /`$(touch /tmp/evil)${HOME}",
    "a | b || c \\| d",
    "line\u2028sep\u2029arator\x85",
    "<script>alert(1)</script> & &amp;",
    "[link](http://x) ![i](y) **bold** _u_ ~s~ # h",
    "{{ 7 * 7 }}{% raw %}{# c #}",
    "\"\"\" ''' #",
    "; rm -rf / && : > x # !history %d ~ *",
    "\x1b[31m\x07\x7f",
    "é漢😀\u202e",
    "__proto__",
    "constructor",
    "-e",
    " leading and trailing ",
]


def hostile_document(text):
    """A document whose every free text is `text`."""
    document = copy.deepcopy(finished())
    document["buckets"] = {
        text: {
            "bucket_id": text,
            "name": text,
            "container": text,
            "provider": text,
            "storage_type": "S3",
            "region": text,
            "folders": {text: text},
            "meters": [{"meter": "ingress_bytes", "limit": 2**53 - 1}, {"meter": "stored_bytes", "limit": 1}],
        }
    }
    document["repositories"] = {
        text: {
            "repo_id": text,
            "protocol": "S3",
            "endpoint": text,
            "order": [text],
            "keys": {"write": {"key_id": text, "sink": text}, "read": {"sink": text}},
        }
    }
    return document


@pytest.mark.parametrize("text", HOSTILE)
def test_python_constants_hold_any_text(text):
    assert executed(render(hostile_document(text), "python")) == {
        "GENERATION": 42,
        "REPO_ID": text,
        "ENDPOINT": text,
        "ORDER": (text,),
        "BUCKETS": {text: text},
        "SOFT_CAPS": {text: 0.8},
        "LIMITS": {text: 2**53 - 1},
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_python_source_is_ascii_where_it_is_code(text):
    for line in render(hostile_document(text), "python").splitlines():
        assert line.isascii() or line.startswith("#")


@pytest.mark.parametrize("text", [text for text in HOSTILE if "," not in text])
def test_env_assignments_hold_any_text(text, tmp_path):
    script = tmp_path / "policy.env"
    script.write_bytes(render(hostile_document(text), "env").encode())
    probe = '. "$1"; for n in FB_S3_ENDPOINT FB_REPO_ID FB_WRITE_ORDER FB_WRITE_BUCKETS FB_SOFT_CAPS FB_LIMITS; do eval "printf \'%s\\0\' \\"\\$$n\\""; done'
    run = subprocess.run(
        ["sh", "-euc", probe, "sh", script], capture_output=True, check=True, cwd=tmp_path, env={"HOME": "/"}
    )
    assert run.stderr == b""
    assert run.stdout.decode().split("\0")[:-1] == [text, text, text, text, "0.8", str(2**53 - 1)]
    assert [found.name for found in tmp_path.iterdir()] == ["policy.env"]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
@pytest.mark.parametrize("text", HOSTILE)
def test_typescript_constants_hold_any_text(text, tmp_path):
    script = tmp_path / "constants.mjs"
    # the types stand only between a constant's name and its value
    plain = re.sub(r"(?m)^(export const \w+): .*? = ", r"\1 = ", render(hostile_document(text), "typescript"))
    names = ["GENERATION", "REPO_ID", "ENDPOINT", "ORDER", "BUCKETS", "SOFT_CAPS", "LIMITS"]
    script.write_text(plain.replace("] as const;", "];") + f"\nconsole.log(JSON.stringify([{', '.join(names)}]));\n")
    run = subprocess.run(["node", script], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == [42, text, text, [text], {text: text}, {text: 0.8}, {text: 2**53 - 1}]


@pytest.mark.parametrize("text", HOSTILE)
def test_typescript_source_is_ascii_where_it_is_code(text):
    for line in render(hostile_document(text), "typescript").splitlines():
        assert line.isascii() or line.startswith("//")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_markdown_table_keeps_its_shape_and_its_text(text):
    rendered = render(hostile_document(text), "markdown")
    (row,) = [line for line in rendered.splitlines() if line.startswith("| 1 |")]
    cells = row.strip("|").split("|")
    assert len(cells) == 6
    shown = html.unescape(cells[1].strip().removeprefix("<code>").removesuffix("</code>").strip("`"))
    assert shown == literals.comment(text)
    inert = re.sub(r"`[^`]*`|<code>[A-Za-z0-9&#;]*</code>", "", rendered)
    assert not set("`<>*\\\x1b") & set(inert.replace("<br>", ""))


def test_a_nul_cannot_be_said_in_env():
    with pytest.raises(FbplanError, match="NUL"):
        render(hostile_document("a\0b"), "env")


def test_a_name_with_a_comma_would_split_an_env_list():
    with pytest.raises(FbplanError, match="comma"):
        render(hostile_document("a,b"), "env")
