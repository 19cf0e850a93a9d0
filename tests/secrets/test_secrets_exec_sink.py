"""The exec sink hands the key over on stdin and nowhere else; `external` takes none."""

import json
import os
import sys
import time
from contextlib import suppress

import pytest

from fbplan.errors import SinkFailed
from fbplan.secrets import ExecSink, External, IssuedKey, Secret, holds

ENVIRON = {"PATH": os.environ["PATH"]}
CANARY = "canary-77aa"
ISSUED = IssuedKey("api_key.app.reader", "r-1", "AK1", Secret(CANARY), 2)

STORE = """
import json, os, sys
open("stored", "w").write(sys.stdin.read())
open("seen", "w").write(json.dumps([sys.argv, dict(os.environ)]))
print("out", file=sys.stderr)
print("out")
"""


def sink(folder, code, **settings):
    (folder / "store.py").write_text(code)
    return ExecSink(exec=(sys.executable, "store.py", "-"), **settings)


def refusal(verb, *arguments):
    with pytest.raises(SinkFailed) as caught:
        verb(*arguments)
    return caught.value


def has_no_writer(reader, seconds=5):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(BlockingIOError):  # raised as long as somebody could still write
            return os.read(reader, 1) == b""
    return False


def test_json_on_stdin_and_nothing_secret_in_arguments_or_environment(tmp_path, capfd):
    sink(tmp_path, STORE).store(ISSUED, tmp_path, ENVIRON)
    assert json.loads((tmp_path / "stored").read_text()) == {
        "address": "api_key.app.reader",
        "repo_id": "r-1",
        "key_id": "AK1",
        "secret": CANARY,
        "generation": 2,
    }
    assert CANARY not in (tmp_path / "seen").read_text()
    assert capfd.readouterr() == ("", "")


def test_dotenv_on_stdin(tmp_path):
    sink(tmp_path, STORE, format="dotenv").store(ISSUED, tmp_path, ENVIRON)
    assert (tmp_path / "stored").read_text() == f"FB_KEY_ID=AK1\nFB_KEY_SECRET={CANARY}\nFB_REPO_ID=r-1\n"


def test_a_command_that_does_not_read_succeeds(tmp_path):
    sink(tmp_path, "import os; os.close(0)").store(ISSUED, tmp_path, ENVIRON)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sys; sys.exit(3)", "exit code 3"),
        ("import sys; print(sys.stdin.read()); sys.exit(sys.stdin.read() or 'canary-77aa')", "exit code 1"),
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9"),
    ],
)
def test_a_failing_command_is_named_with_its_exit_code_and_never_its_output(tmp_path, capfd, code, why):
    failure = refusal(sink(tmp_path, code).store, ISSUED, tmp_path, ENVIRON)
    assert str(failure) == f"api_key.app.reader: the sink exec {sys.executable} store.py … cannot be written: {why}"
    assert "never shows it, because it may hold a secret" in failure.next
    assert capfd.readouterr() == ("", "")


def test_the_timeout_kills_the_command_and_its_children(tmp_path):
    os.mkfifo(tmp_path / "alive")
    # both hold the fifo's writing end for as long as they live
    forks = "exec 3<>alive; sh -c ': > started; while :; do :; done' & while :; do :; done"
    failure = refusal(ExecSink(exec=("sh", "-c", forks), timeout=0.2).store, ISSUED, tmp_path, ENVIRON)
    assert failure.why == "it did not finish in 0.2 s and was killed"
    assert (tmp_path / "started").exists()
    reader = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert has_no_writer(reader)
    finally:
        os.close(reader)


def test_a_document_larger_than_a_pipe_is_refused(tmp_path):
    huge = IssuedKey("api_key.app.reader", "r-1", "AK1", Secret(CANARY * 100_000), 1)
    assert "does not fit into a pipe" in refusal(sink(tmp_path, STORE).store, huge, tmp_path, ENVIRON).why


def test_a_value_that_dotenv_cannot_carry_is_refused_before_the_command_runs(tmp_path):
    odd = IssuedKey("api_key.app.reader", "r-1", "AK1", Secret("a\nb"), 1)
    assert "FB_KEY_SECRET" in refusal(sink(tmp_path, STORE, format="dotenv").store, odd, tmp_path, ENVIRON).why
    assert not (tmp_path / "stored").exists()
    sink(tmp_path, STORE).store(odd, tmp_path, ENVIRON)
    assert json.loads((tmp_path / "stored").read_text())["secret"] == "a\nb"


def test_check_wants_an_executable_and_does_not_run_it(tmp_path):
    sink(tmp_path, STORE).check(tmp_path, ENVIRON)
    assert not (tmp_path / "stored").exists()
    (tmp_path / "plain").write_text("")
    for argv in (("no-such-command",), ("./plain",), ("./absent",), (".",)):
        assert "is not an executable command" in refusal(ExecSink(exec=argv).check, tmp_path, ENVIRON).why
        assert "is not an executable command" in refusal(ExecSink(exec=argv).store, ISSUED, tmp_path, ENVIRON).why


def test_what_an_exec_sink_holds_is_not_known(tmp_path):
    assert sink(tmp_path, STORE).read_back(tmp_path) is None
    assert holds(sink(tmp_path, STORE), tmp_path, "AK1") is None


def test_external_takes_no_key_and_tells_nothing(tmp_path):
    assert refusal(External().check, tmp_path, ENVIRON).why == "an external key is never issued"
    assert refusal(External().store, ISSUED, tmp_path, ENVIRON).where == "api_key.app.reader"
    assert holds(External(), tmp_path, "AK1") is None
