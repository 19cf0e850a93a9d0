import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from policy_guide import finished

from fbplan.errors import FbplanError
from fbplan.policy.canonical import digest_of
from fbplan.policy.published import Published, publish, read_published

NOTHING = Published(None, None)


def names_in(folder):
    return [found.name for found in folder.iterdir()]


def sealed(document):
    """The document with the digest that it should have."""
    return {**document, "digest": digest_of({key: part for key, part in document.items() if key != "digest"})}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "made" / "on the way" / "routing-policy.json"


def test_what_is_published_is_read_back(path):
    publish(path, finished())
    assert read_published(path) == Published(finished(), None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.read_text() == json.dumps(finished(), indent=2, sort_keys=True) + "\n"
    assert names_in(path.parent) == ["routing-policy.json"]


def test_the_file_is_for_every_reader_whatever_the_umask(path):
    before = os.umask(0o077)
    try:
        publish(path, finished())
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    target.write_text("old")
    link.symlink_to(target)
    publish(link, finished())
    assert link.is_symlink()
    assert read_published(target).document == finished()


def test_what_a_killed_run_left_is_taken_away(path):
    path.parent.mkdir(parents=True)
    path.with_name(".routing-policy.json.fbplan-tmp").write_text("half")
    publish(path, finished())
    assert names_in(path.parent) == ["routing-policy.json"]


FILLS_THE_DISK = """
import json, resource, sys
from pathlib import Path
from fbplan.errors import FbplanError
from fbplan.policy.published import publish
resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
try:
    publish(Path(sys.argv[1]), json.loads(sys.argv[2]))
except FbplanError as error:
    print(error)
"""


def test_a_write_that_fails_midway_keeps_the_old_policy(path):
    publish(path, finished())
    before = path.read_bytes()
    run = subprocess.run(
        [sys.executable, "-B", "-c", FILLS_THE_DISK, path, json.dumps(finished(generation=43))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith(f"{path}: the routing policy was not published"), run.stderr
    assert path.read_bytes() == before
    assert names_in(path.parent) == ["routing-policy.json"]


def test_a_document_that_no_reader_would_take_is_not_published(path):
    publish(path, finished())
    with pytest.raises(FbplanError, match="its digest does not match"):
        publish(path, {**finished(), "generation": 43})
    assert read_published(path).document == finished()
    assert names_in(path.parent) == ["routing-policy.json"]


@pytest.mark.parametrize("name", ["a\0b", "file/below"])
def test_a_place_that_cannot_be_written_is_told(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(FbplanError) as caught:
        publish(tmp_path / name, finished())
    assert caught.value.where
    assert caught.value.why
    assert caught.value.next


def test_a_folder_in_the_place_of_the_policy_is_told(tmp_path):
    with pytest.raises(FbplanError):
        publish(tmp_path, finished())


def test_nothing_there_is_no_problem(path):
    assert read_published(path) == NOTHING


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "it is empty or ends too early"),
        (b'{"format":"fbplan.rou', "it is not JSON"),
        (b'{"format":', "it is empty or ends too early"),
        (b"hello", "it is not JSON (line 1: "),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"[]", "it is JSON, but no object"),
        (b"[" * 200_000, "it is nested too deeply"),
        (b'{"a":' * 200_000, "it is nested too deeply"),
        (b'{"a": 0.5}', "it holds 0.5; a policy holds integers only"),
        (b'{"a": NaN}', "it holds NaN; a policy holds integers only"),
        (b'{"a": ' + b"9" * 5000 + b"}", "it holds a number beyond 2^53-1"),
        (b'{"a": 1, "a": 1}', 'the key "a" stands twice in one object'),
        (b'{"format": "fbplan.routing/2"}', "its format is not fbplan.routing/1"),
        (
            b'{"format": "fbplan.routing/1", "min_reader": 2}',
            "it needs a newer reader: min_reader is 2, this fbplan reads 1",
        ),
        (b'{"format": "fbplan.routing/1", "a": 9007199254740993}', "it holds an integer beyond 2^53-1"),
        (b'{"format": "fbplan.routing/1", "a": "\\ud800"}', "it holds text with half of a surrogate pair"),
        (b'{"format": "fbplan.routing/1"}', "its digest does not match: it was altered by hand or damaged"),
    ],
)
def test_what_cannot_be_used_is_a_problem_in_words(tmp_path, raw, problem):
    path = tmp_path / "routing-policy.json"
    path.write_bytes(raw)
    found = read_published(path)
    assert found.document is None
    assert found.problem is not None
    assert found.problem.startswith(problem)


def test_a_torn_file_is_a_problem_wherever_it_ends(tmp_path):
    path = tmp_path / "routing-policy.json"
    publish(path, finished())
    whole = path.read_bytes()
    for end in [*range(0, len(whole) - 1, 9), len(whole) - 2]:
        path.write_bytes(whole[:end])
        found = read_published(path)
        assert (found.document, bool(found.problem)) == (None, True), end


@pytest.mark.parametrize("kind", ["folder", "fifo", "loop", "nul"])
def test_what_is_no_file_is_a_problem(tmp_path, kind):
    path = tmp_path / "routing-policy.json"
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)
        case "nul":
            path = Path("a\0b")
    found = read_published(path)
    assert (found.document, bool(found.problem)) == (None, True)


def test_a_correct_digest_over_a_wrong_shape_is_a_problem(tmp_path):
    path = tmp_path / "routing-policy.json"
    broken = finished()
    broken["buckets"]["app-logs-gcp"]["state"] = "resting"
    path.write_text(json.dumps(sealed(broken)))
    assert read_published(path).problem == "buckets.app-logs-gcp.state: input should be 'active', 'drain' or 'closed'"


def test_a_wrong_content_digest_is_a_problem(tmp_path):
    path = tmp_path / "routing-policy.json"
    path.write_text(json.dumps(sealed({**finished(), "content_digest": "sha256:" + "0" * 64})))
    assert read_published(path).problem == "its content_digest does not match its content"
