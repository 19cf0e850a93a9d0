"""No input makes load_spec raise anything but SpecInvalid, wait, or take long."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from fbplan.errors import Code, Diagnostic, SpecInvalid
from fbplan.spec.load import LoadedSpec, load_spec
from fbplan.spec.source import MAX_BYTES

HEAD = "version: 1\nworkspace: acme\n"


def refused(path: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecInvalid) as caught:
        load_spec(path)
    found = caught.value.diagnostics
    assert found
    for diagnostic in found:
        assert diagnostic.message
        assert diagnostic.fix
        assert diagnostic.location is not None
        str(diagnostic.location).encode()
        (diagnostic.message + diagnostic.fix + diagnostic.frame).encode()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return found


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "fbplan.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def only(path: Path) -> Diagnostic:
    found = refused(path)
    assert len(found) == 1
    return found[0]


def test_a_missing_file_names_the_command_that_makes_one(tmp_path: Path) -> None:
    found = only(tmp_path / "nowhere.yaml")
    assert (found.code, found.message) == (Code.UNREADABLE, "there is no such file")
    assert "fbplan init" in found.fix


def test_a_folder_stands_for_the_fbplan_yaml_in_it(tmp_path: Path) -> None:
    found = only(tmp_path)
    assert (found.message, found.location.path) == ("there is no such file", str(tmp_path / "fbplan.yaml"))
    written(tmp_path, HEAD)
    assert isinstance(load_spec(tmp_path), LoadedSpec)


def test_a_folder_called_fbplan_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fbplan.yaml").mkdir()
    assert only(tmp_path).message == "this is a folder"


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, HEAD)
    path.chmod(0)

    def denied(*args: object, **kwargs: object) -> int:
        raise PermissionError(13, "Permission denied")

    if os.access(path, os.R_OK):  # root reads everything
        monkeypatch.setattr(os, "open", denied)
    assert only(path).message == "the file cannot be read: permission denied"


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "fbplan.yaml/under", "\udcff\udcfe.yaml", "a\nb\x1b[31m"])
def test_a_name_that_cannot_be_a_file_is_refused(tmp_path: Path, name: str) -> None:
    written(tmp_path, HEAD)
    assert only(tmp_path / name).code is Code.UNREADABLE


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("b.yaml")
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    assert only(tmp_path / "a.yaml").code is Code.UNREADABLE


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fbplan.yaml")
    assert only(tmp_path).message == "this is not a regular file"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_refused(device: str) -> None:
    assert only(Path(device)).message == "this is not a regular file"


def test_a_file_of_a_hundred_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "fbplan.yaml"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    assert only(path).code is Code.TOO_LARGE
    assert MAX_BYTES < 100 * 2**20


BINARY = {
    "binary": bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00",
    "utf-16": HEAD.encode("utf-16"),
    "bad utf-8": b"version: 1\nworkspace: ab\xff\n",
    "encoded surrogate": b"version: 1\nworkspace: \xed\xa0\x80\n",
    "overlong": b"version: 1\nworkspace: \xc0\x80\n",
}


@pytest.mark.parametrize("content", BINARY.values(), ids=BINARY)
def test_what_is_not_utf8_is_refused(tmp_path: Path, content: bytes) -> None:
    assert only(written(tmp_path, content)).message == "the file is not UTF-8 text"


def test_the_place_of_a_byte_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    found = only(written(tmp_path, b"version: 1\nworkspace: \xc3\xa4b\xff\n"))
    assert (found.location.line, found.location.column) == (2, 14)


HOSTILE = {
    "nul": "version: 1\nworkspace: a\0b\n",
    "escape": "version: 1\nworkspace: \x1b[31m\n",
    "lone surrogate escape": 'version: 1\nworkspace: "\\ud800"\n',
    "escaped nul": 'version: 1\nledger: "a\\0b"\n',
    "noncharacter": 'version: 1\nworkspace: "\\uffff"\n',
    "open brackets": "[" * 500_000,
    "closed brackets": "a: " + "[" * 500_000 + "]" * 500_000,
    "open braces": "{a: " * 200_000,
    "duplicate before brackets": "a: 1\na: 2\nb: " + "[" * 500_000,
    "duplicate before closed brackets": "a: 1\na: 2\nb: " + "[" * 100_000 + "]" * 100_000,
    "big number before brackets": "a: 99999999999999999999999\nb: " + "[" * 100_000,
    "second document of brackets": "a: 1\n---\n" + "[" * 500_000,
    "tag before brackets": "a: !x 1\nb: " + "[" * 500_000,
    "complex key before brackets": "? [a]\n: 1\nb: " + "[" * 100_000,
    "compact sequences": "- " * 200_000 + "a",
    "duplicate before compact sequences": "a: 1\na: 2\nb:\n" + "- " * 200_000 + "a",
    "compact keys": "? " * 200_000,
    "deep blocks": "".join(" " * depth + "a:\n" for depth in range(1500)),
    "a line of ten megabytes": "version: 1\nworkspace: [" + "x" * 10_000_000 + "]\n",
    "a key of ten megabytes": "version: 1\n" + "x" * 10_000_000 + ": 1\n",
    "a broken line of ten megabytes": "version: 1\na: b: " + "x: y " * 2_000_000 + "\n",
    "an integer of 5,000 digits": "version: " + "9" * 5000 + "\n",
    "a size of 5,000 digits": "version: 1\nbuckets: {a: {bucket: a, storage_type: S3, soft_cap: {limit: "
    + "9" * 5000
    + "G}}}\n",
    "a duration of 5,000 digits": "version: 1\nrepositories: {a: {storage_type: S3, routing: {drain: "
    + "9" * 5000
    + "d}}}\n",
    "a float of 5,000 digits": "version: 1." + "9" * 5000 + "\n",
    "infinity": "version: .inf\nlimits: {max_deletes: .nan}\n",
    "integer key": "version: 1\n1: 2\n",
    "boolean key": "version: 1\nbuckets: {true: {}}\n",
    "null key": "version: 1\nbuckets: {null: {}}\n",
    "float key": "version: 1\nbuckets: {1.5: {}, .nan: 3}\n",
    "list key": "version: 1\n? [a]\n: 2\n",
    "mapping key": "version: 1\nbuckets: {? {a: b} : {}}\n",
    "empty key": "version: 1\nbuckets: {'': {}}\n",
    "colliding keys": "version: 1\n1: a\ntrue: b\n1.0: c\n'1': d\n",
    "emoji": "version: 1\nbuckets:\n  🪣: {bucket: 🪣, storage_type: 🪣}\n",
    "right to left": "version: 1\nbuckets:\n  \u202egol: {bucket: סל, storage_type: \u2066S3}\n",
    "line separators": "version: 1\u2028\nbuckets: {a: x\u2028y\u0085z}\n",
    "cycle": "version: 1\nbuckets: &a {b: *a}\n",
    "cycle of lists": "&a [*a]\n",
    "python tag": "version: !!python/object/apply:os.system ['true']\n",
    "binary tag": "version: !!binary aGk=\n",
    "set tag": "version: 1\nbuckets: !!set {a, b}\n",
    "tag handle": "%TAG ! tag:example.com,2000:\n---\nversion: !x 1\n",
    "bare tag": "! version: 1\n",
    "tag alone": "!\n",
    "anchors only": "&a &b version: 1\n",
    "empty": "",
    "spaces": "   \n\t\n",
    "null": "null\n",
    "directive only": "%YAML 1.2\n",
    "document ends": "...\n...\n",
    "list": "- a\n- b\n",
    "text": "hello",
    "number": "12\n",
    "comment": "#",
    "colon": ":",
    "question": "?",
    "dash": "-",
    "flow of keys": "{" + ", ".join(f"k{i}" for i in range(2000)) + "}",
    "hundred levels": "version: 1\nworkspace: " + "[" * 100 + "]" * 100 + "\n",
    "deep in a known place": "version: 1\nbuckets: {a: {soft_cap: " + "[" * 100 + "{limit: 1}" + "]" * 100 + "}}\n",
    "union names as keys": "version: 1\nbuckets: {a: {bucket: x, storage_type: S3, key: {str: a}, soft_cap: {SoftCap: {limit: 1}}}}\n",
    "bracketed names": "version: 1\nbuckets: {'[key]': {'[key]': 1}}\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_told_and_never_raised(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    started = time.process_time()
    refused(path)
    assert time.process_time() - started < 5


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
    )
    assert only(written(tmp_path, bomb)).code is Code.TOO_LARGE


def test_an_alias_bomb_behind_a_duplicate_key_is_refused(tmp_path: Path) -> None:
    bomb = "a: 1\na: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
    )
    assert refused(written(tmp_path, bomb))[0].code is Code.DUPLICATE_KEY


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_endings_and_a_byte_order_mark_change_no_place(tmp_path: Path, ending: str, mark: str) -> None:
    text = mark + "version: 1\nbuckets:\n  a:\n    bucket: x\n    storage_type: S4\n".replace("\n", ending)
    found = only(written(tmp_path, text))
    assert (found.location.line, found.location.column) == (5, 19)
    assert found.frame == (
        "      4 |     bucket: x\n>     5 |     storage_type: S4\n        |                   ^\n      6 |"
    )


def test_columns_count_characters(tmp_path: Path) -> None:
    found = only(written(tmp_path, "version: 1\nbuckets: {a: {bucket: 🪣🪣, storage_type: S4}}\n"))
    assert found.location.column == 41


def test_ten_thousand_problems_are_told_in_seconds(tmp_path: Path) -> None:
    bad = "".join(
        f"  b{i:05}: {{bucket: x{i}, storage_type: Q{i}, regoin{i}: y, secret: hunter{i}, credential: c{i}}}\n"
        for i in range(2500)
    )
    credentials = "".join(f"  k{i}: {{provider: AWS}}\n" for i in range(2500))
    path = written(tmp_path, f"version: 1\ncredentials:\n{credentials}buckets:\n{bad}")
    started = time.process_time()
    found = refused(path)
    assert len(found) == 10_000
    assert time.process_time() - started < 5


def test_ten_thousand_duplicates_and_tags_are_told_in_seconds(tmp_path: Path) -> None:
    path = written(tmp_path, "version: 1\n" + "workspace: !a x\n" * 5_000)
    started = time.process_time()
    assert len(refused(path)) == 9_999
    assert time.process_time() - started < 5


@pytest.mark.parametrize("entry", ["5", "{bucket: x, storage_type: S3, secret: a}"])
def test_many_problems_on_one_long_line_are_told_in_seconds(tmp_path: Path, entry: str) -> None:
    path = written(tmp_path, "version: 1\nbuckets: {" + ", ".join(f"b{i}: {entry}" for i in range(5_000)) + "}\n")
    started = time.process_time()
    found = refused(path)
    assert len(found) == 5_000
    assert max(len(row) for row in found[-1].frame.split("\n")) < 200
    assert time.process_time() - started < 5


def test_yaml_1_1_words_stay_text(tmp_path: Path) -> None:
    text = "version: 1\nbuckets:\n  NO: {bucket: '010', storage_type: S3, region: NO, name: 12:30, provider: on}\n  010: {bucket: 010, storage_type: S3}\n"
    spec = load_spec(written(tmp_path, text)).spec
    bucket = spec.buckets["NO"]
    assert (bucket.bucket, bucket.region, bucket.name, bucket.provider) == ("010", "NO", "12:30", "on")
    assert spec.buckets["010"].bucket == "010"


def test_emoji_and_right_to_left_text_are_names(tmp_path: Path) -> None:
    text = "version: 1\nbuckets:\n  a: {bucket: x, storage_type: S3, name: 'דלי 🪣'}\n"
    assert load_spec(written(tmp_path, text)).spec.buckets["a"].name == "דלי 🪣"


def test_a_mail_address_is_no_password(tmp_path: Path) -> None:
    text = "version: 1\ncredentials: {a: {provider: GCP, key: robot@acme.iam.gserviceaccount.com, secret: {env: S}}}\n"
    assert load_spec(written(tmp_path, text)).spec.credentials["a"].key == "robot@acme.iam.gserviceaccount.com"


def test_relative_paths_count_from_the_folder_of_the_spec(tmp_path: Path) -> None:
    loaded = load_spec(written(tmp_path, "version: 1\nbuckets:\n  a: {bucket: x, storage_type: S3}\n"))
    assert loaded.folder == tmp_path
    assert loaded.where(("buckets", "a")) == f"{tmp_path / 'fbplan.yaml'}:3:3"
    assert loaded.where(("buckets", "gone")) == f"{tmp_path / 'fbplan.yaml'}:2:1"


def test_two_sinks_are_one_file_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "link").symlink_to("secrets")
    (tmp_path / "w.env").symlink_to("secrets/w.env")
    keys = "k: {access: READ, sink: {file: link/w.env}}, l: {access: READ, sink: {file: w.env}}"
    text = f"version: 1\nrepositories: {{r: {{storage_type: S3, api_keys: {{{keys}}}}}}}\n"
    assert [d.message for d in refused(written(tmp_path, text))] == ["api_key.r.k has the same sink"]
