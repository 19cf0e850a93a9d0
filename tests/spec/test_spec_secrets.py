"""L3 for the spec: nothing that load_spec says, raises or shows holds a secret, wherever it was put."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from fbplan.errors import SpecInvalid
from fbplan.spec.load import load_spec

CANARY = "c4nary-hunter2"
PEM = f"-----BEGIN PRIVATE KEY-----\n      MII{CANARY}\n      {CANARY}==\n      -----END PRIVATE KEY-----"
BUCKET = "version: 1\nbuckets:\n  a:\n    bucket: x\n    storage_type: S3\n"
WRONG = "    region: 5\n"  # something that is told beside the secret
BROKEN = "    region: a: b\n"

PLACES = {
    "literal secret": f"    secret: {CANARY}\n",
    "quoted": f'    secret: "{CANARY}"\n',
    "single quoted": f"    secret: '{CANARY}'\n",
    "quoted over lines": f'    secret: "{CANARY}\n      and\n      {CANARY}"\n',
    "plain over lines": f"    secret: {CANARY}\n      {CANARY}\n",
    "on the next line": f"    secret:\n      {CANARY}\n",
    "literal block": f"    secret: |\n      {CANARY}\n      {CANARY}\n",
    "folded block": f"    secret: >-\n      {CANARY}\n\n      {CANARY}\n",
    "block with a comment": f"    secret: | # {CANARY}\n      {CANARY}\n",
    "pem in secret": f"    secret: |\n      {PEM}\n",
    "pem in key": f"    key: |\n      {PEM}\n",
    "pem in another key": f"    endpoint: |\n      {PEM}\n",
    "literal key": f"    key: {CANARY}\n",
    "block key": f"    key: |\n      {CANARY}\n",
    "key of a source": f"    secret: {{{CANARY}: x}}\n",
    "second key of a source": f"    secret: {{env: X, {CANARY}: x}}\n",
    "second key of a key": f"    key: {{env: X, {CANARY}: x}}\n",
    "repeated key of a source": f"    secret: {{{CANARY}: x, {CANARY}: y}}\n",
    "null key of a source": f"    secret: {{{CANARY}: }}\n",
    "value of env": f"    secret: {{env: '{CANARY}'}}\n",
    "value of file": f'    secret: {{file: "{CANARY}\\0"}}\n',
    "value of exec": f"    secret: {{exec: {CANARY}}}\n",
    "in a list": f"    secret: [{CANARY}, {CANARY}]\n",
    "in an exec list": f"    secret: {{exec: [x, 5, {CANARY}]}}\n",
    "in a block of a source": f"    secret:\n      evn: {CANARY}\n",
    "in flow over lines": f"    secret: {{\n      evn: {CANARY},\n      foo: {CANARY} }}\n",
    "typo": f"    secert: {CANARY}\n",
    "typo with another case": f"    SECRET: {CANARY}\n",
    "typo of key": f"    kye: {CANARY}\n",
    "plural": f"    secrets: {CANARY}\n",
    "password": f"    password: {CANARY}\n",
    "pwd": f"    pwd: {CANARY}\n",
    "aws name": f"    aws_secret_access_key: {CANARY}\n",
    "camel case": f"    secretAccessKey: {CANARY}\n",
    "access key": f"    access-key: {CANARY}\n",
    "connection string": f"    connection: AccountKey={CANARY}\n",
    "something unknown": f"    foo: {CANARY}\n",
    "block under something unknown": f"    foo: |\n      {CANARY}\n",
    "mapping under something unknown": f"    foo: {{bar: {CANARY}, bucket: {CANARY}}}\n",
    "list under a typo": f"    secert:\n      - {CANARY}\n",
    "quoted typo": f'    "secert": {CANARY}\n',
    "merged": f"    <<: {{secret: {CANARY}}}\n",
    "tagged": f"    secret: !!str {CANARY}\n",
    "anchored": f"    secret: &s {CANARY}\n    key: *s\n",
    "alias of a name": f"    name: &s {CANARY}\n    secret: *s\n",
    "explicit key": f"    ? secret\n    : {CANARY}\n",
    "twice": f"    secret: {CANARY}\n    secret: {CANARY}\n",
    "url": f"    endpoint: https://user:{CANARY}@example.com\n",
    "url in a comment": f"    # https://user:{CANARY}@example.com\n",
    "comment": f"    # {CANARY}\n",
    "comment like a key": f"    # secret: {CANARY}\n",
    "comment behind a value": f"    name: y # was {CANARY}\n",
    "number": "    secret: 4111222233334444\n",
    "credential in a soft cap": f"    soft_cap: {{secret: {CANARY}}}\n",
    "no colon in flow": f"    soft_cap: {{limit: 1GB, secret {CANARY}}}\n",
    "comma in flow": f"    soft_cap: {{limit: 1GB, secret: x,{CANARY}}}\n",
    "no colon and a value": f"    secret {CANARY}: x\n",
    "no space after the colon": f"    secret:{CANARY}\n",
    "no space after a colon in flow": f"    soft_cap: {{limit: 1GB, secret:{CANARY}}}\n",
    "no space after the colon of a plain word": f"    region:{CANARY}\n",
    "a list for a section": f"repositories:\n  - a: {{secret: {CANARY}}}\n  - secret: {CANARY}\n",
    "in braces": f"    secret: ${{{CANARY}}}\n",
    "in the braces of a key": f"    key: ${{{CANARY}}}\n",
    "deep": f"    secret: {{env: {{file: {{exec: {CANARY}}}}}}}\n",
    "escaped": '    secret: "\\x63\\x34nary-hunter2"\n',
    "tab": f"    secret:\t{CANARY}\n",
}
CANARIES = (CANARY, "4111222233334444", "\\x63\\x34")


def fault_of(folder: Path, text: str) -> SpecInvalid | None:
    path = folder / "fbplan.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        load_spec(path)
    except SpecInvalid as fault:
        return fault
    return None


def everything_said(fault: SpecInvalid) -> str:
    told = traceback.TracebackException.from_exception(fault, capture_locals=True)
    frames = "\n".join(
        f"{summary.name} {summary.locals}" for summary in told.stack if "test_spec_" not in summary.filename
    )
    plain = "".join(traceback.format_exception_only(fault))
    parts = [str(fault), repr(fault), fault.next, frames, plain, repr(fault.args)]
    for d in fault.diagnostics:
        parts += [d.message, d.fix, d.frame, str(d), repr(d)]
    return "\n".join(parts)


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("around", ["", WRONG, BROKEN, "    name: 'never closed\n", "    - x\n", "    ]\n"])
def test_a_secret_in_the_wrong_place_is_never_shown(tmp_path: Path, name: str, around: str) -> None:
    for text in (BUCKET + PLACES[name] + around, BUCKET + around + PLACES[name]):
        fault = fault_of(tmp_path, text)
        said = everything_said(fault) if fault is not None else ""
        for canary in CANARIES:
            assert canary not in said


@pytest.mark.parametrize(
    "line",
    [
        f"gcp: {{provider: GCP, key: {CANARY}, secret: {{env: X}}",
        f"gcp: {{provider: GCP, secret: {CANARY}, key: {{env: X}}",
        f"gcp: {{provider: GCP, 'secret': \"{CANARY}\"",
        f"gcp: {{secret: {{{CANARY}: x",
        f"secret: {CANARY}: {CANARY}",
        f"- secret: {CANARY}: x",
        f"secret {CANARY}: x: y",
        f"password = {CANARY}",
        f"{CANARY}",
        f"bucket: x secret: {CANARY}",
        f"bucket: 'x, secret: {CANARY}",
        f"endpoint: https://u:{CANARY}@x: y",
    ],
)
@pytest.mark.parametrize("after", ["\nregion: a: b\n", "\n\tx\n", "\n]\n"])
def test_a_secret_on_a_line_that_is_not_yaml_is_never_shown(tmp_path: Path, line: str, after: str) -> None:
    for text in (f"version: 1\n{line}{after}", f"version: 1\ncredentials:\n  {line}{after}"):
        fault = fault_of(tmp_path, text)
        assert fault is not None
        assert CANARY not in everything_said(fault)


def test_a_frame_of_broken_yaml_shows_what_is_plain(tmp_path: Path) -> None:
    fault = fault_of(tmp_path, f"version: 1\nbuckets:\n  app-logs:\n    region: us: east\n    secret: {CANARY}\n")
    assert fault is not None
    assert fault.diagnostics[0].frame == (
        "      3 |   app-logs:\n>     4 |     region: us: ***\n        |               ^\n      5 |     secret: ***"
    )


def test_a_frame_shows_what_is_plain_and_keeps_the_caret_in_place(tmp_path: Path) -> None:
    text = f"version: 1\nbuckets:\n  a: {{bucket: x, key: {CANARY}, secret: {{file: {CANARY}}}, storage_type: S4}} # {CANARY}\n"
    fault = fault_of(tmp_path, text)
    assert fault is not None
    (found,) = fault.diagnostics
    assert found.frame == (
        "      2 | buckets:\n"
        ">     3 |   a: {bucket: x, key: ***, secret: {file: ***}, storage_type: S4} # …\n"
        "        |                                                               ^\n"
        "      4 |"
    )


def test_a_loaded_spec_prints_neither_its_text_nor_its_tree(tmp_path: Path) -> None:
    path = tmp_path / "fbplan.yaml"
    path.write_text(f"# {CANARY}\nversion: 1\nworkspace: {CANARY}\n", encoding="utf-8")
    loaded = load_spec(path)
    loaded.where(("workspace",))
    assert CANARY not in repr(loaded.document)
    assert CANARY not in repr(loaded.document.places)
    assert CANARY not in repr(loaded.document.places.root())


def test_the_error_of_an_unreadable_file_holds_no_bytes(tmp_path: Path) -> None:
    path = tmp_path / "fbplan.yaml"
    path.write_bytes(b"secret: " + CANARY.encode() + b"\xff")
    with pytest.raises(SpecInvalid) as caught:
        load_spec(path)
    assert CANARY not in everything_said(caught.value)
    assert caught.value.__context__ is None


def test_a_list_where_names_belong_shows_its_keys(tmp_path: Path) -> None:
    fault = fault_of(tmp_path, f"version: 1\nbuckets:\n  - secret: {CANARY}\n    bucket: acme-logs\n")
    assert fault is not None
    (found,) = fault.diagnostics
    assert [row.split("|")[1] for row in found.frame.split("\n")] == [
        " buckets:",
        "   - secret: ***",
        "   ^",
        "     bucket: acme-logs",
    ]


def test_a_colon_without_its_space_shows_the_word_and_not_the_value(tmp_path: Path) -> None:
    fault = fault_of(tmp_path, f"{BUCKET}    region:{CANARY}\n    name: b\n")
    assert fault is not None
    assert "    region:***" in fault.diagnostics[0].frame
