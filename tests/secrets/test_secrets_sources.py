"""Where secrets come from."""

import os
import sys

import pytest

from fbplan.errors import ExitCode, FbplanError
from fbplan.secrets import EnvSource, ExecSource, FileSource, Secret, SecretUnavailable

ENVIRON = {"PATH": os.environ["PATH"]}


def refusal(source, folder, environ=ENVIRON):
    with pytest.raises(SecretUnavailable) as caught:
        source.read(folder, environ)
    assert isinstance(caught.value, FbplanError)
    assert caught.value.exit_code is ExitCode.ERROR
    assert caught.value.next
    return str(caught.value)


def python(code, **settings):
    return ExecSource(exec=(sys.executable, "-c", code), **settings)


def test_env_reads_the_variable_as_it_is(tmp_path):
    assert EnvSource(env="A").read(tmp_path, {"A": " x\n"}) == Secret(" x\n")


@pytest.mark.parametrize(
    ("environ", "why"), [({}, "is not set"), ({"A": ""}, "is empty"), ({"A": "x\udcff"}, "is not UTF-8 text")]
)
def test_env_says_which_variable_is_missing(tmp_path, environ, why):
    assert refusal(EnvSource(env="A"), tmp_path, environ) == f"no secret from env A: the environment variable 'A' {why}"


@pytest.mark.parametrize("newline", ["", "\n", "\r\n"])
def test_file_drops_one_newline_and_counts_from_the_folder(tmp_path, newline):
    (tmp_path / "a.pem").write_bytes(b"line\nlast" + newline.encode())
    assert FileSource(file="a.pem").read(tmp_path, {}) == Secret("line\nlast")
    assert FileSource(file=str(tmp_path / "a.pem")).read(tmp_path / "elsewhere", {}) == Secret("line\nlast")


def test_file_expands_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.pem").write_text("x")
    assert FileSource(file="~/a.pem").read(tmp_path / "elsewhere", {}) == Secret("x")


def test_file_of_the_greatest_size_is_read_whole(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 65536 + b"\r\n")
    assert FileSource(file="a").read(tmp_path, {}) == Secret("x" * 65536)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff", "is not UTF-8 text"),
        (b"x" * 65536 + b"\ny", "is larger than 64 KiB"),
    ],
)
def test_file_refuses_what_cannot_be_a_secret(tmp_path, content, why):
    (tmp_path / "a").write_bytes(content)
    assert refusal(FileSource(file="a"), tmp_path) == f"no secret from file a: '{tmp_path}/a' {why}"


def test_file_says_why_it_cannot_be_read(tmp_path):
    assert refusal(FileSource(file="."), tmp_path).endswith("cannot be read: Is a directory")
    assert refusal(FileSource(file="absent"), tmp_path).endswith("cannot be read: No such file or directory")
    assert refusal(FileSource(file="~nobody-has-this-name/x"), tmp_path).endswith("No such file or directory")


def test_exec_reads_stdout_less_one_newline(tmp_path):
    assert python("print('x\\n')").read(tmp_path, ENVIRON) == Secret("x\n")


def test_exec_runs_in_the_folder_with_the_given_environment_and_no_stdin(tmp_path):
    code = "import os, sys; print(os.getcwd(), os.environ['A'], repr(sys.stdin.read()))"
    assert python(code).read(tmp_path, {**ENVIRON, "A": "1"}) == Secret(f"{tmp_path} 1 ''")


def test_exec_finds_a_relative_command_from_the_folder_and_a_bare_one_in_path(tmp_path):
    script = tmp_path / "bin" / "get"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\necho "$1"\n')
    script.chmod(0o700)
    assert ExecSource(exec=("bin/get", "$HOME *")).read(tmp_path, ENVIRON) == Secret("$HOME *")
    assert ExecSource(exec=("get", "x")).read(tmp_path, {"PATH": str(script.parent)}) == Secret("x")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("print('out'); import sys; sys.exit('err-canary')", "exit code 1"),
        ("import os; os.kill(os.getpid(), 15)", "killed by signal 15"),
        ("pass", "its output is empty"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "its output is not UTF-8 text"),
        ("print('x' * 70000)", "it printed more than 64 KiB and was killed"),
    ],
)
def test_exec_says_why_without_what_the_command_printed(tmp_path, capfd, code, why):
    assert refusal(python(code), tmp_path) == f"no secret from exec {sys.executable} -c …: {why}"
    assert capfd.readouterr() == ("", "")


def test_exec_says_that_output_is_never_shown(tmp_path):
    with pytest.raises(SecretUnavailable) as caught:
        python("raise SystemExit(3)").read(tmp_path, ENVIRON)
    assert "never shows it, because it may hold a secret" in caught.value.next


@pytest.mark.parametrize(
    "code", ["while True: pass", "import os; os.close(1)\nwhile True: pass", "while True: print('x', flush=True)"]
)
def test_exec_stops_at_its_timeout(tmp_path, code):
    message = refusal(python(code, timeout=0.2), tmp_path)
    assert message.endswith(("it did not finish in 0.2 s and was killed", "it printed more than 64 KiB and was killed"))


def test_exec_says_when_there_is_no_such_command(tmp_path):
    assert refusal(ExecSource(exec=("no-such-command",)), tmp_path).endswith(
        "'no-such-command' is not an executable command"
    )
    (tmp_path / "empty").touch(mode=0o700)
    (tmp_path / "empty").write_bytes(b"\0not a program")
    assert refusal(ExecSource(exec=("./empty",)), tmp_path).endswith("cannot be started: Exec format error")
