"""`--timeout NAME=DURATION` and FBPLAN_TIMEOUTS: read like the spec's durations, wrong ones end in 64."""

from __future__ import annotations

import pytest

from fbplan.cli.change import plan
from fbplan.cli.connection import connected
from fbplan.cli.main import cli
from fbplan.cli.timeouts import timeouts_from
from fbplan.client.settings import Timeouts
from fbplan.errors import ExitCode, UsageFault


@pytest.mark.parametrize(
    ("given", "variable", "expected"),
    [
        ((), "", Timeouts()),
        (("read=10s", "create=2m"), "", Timeouts(read=10, create=120)),
        ((), "read=10s,create=2m", Timeouts(read=10, create=120)),
        ((), " read = 10s , , pool=500ms ", Timeouts(read=10, pool=0.5)),
        (("read=5s",), "read=10s,run=3h", Timeouts(read=5, run=10_800)),
        (("read=5s", "read=7s"), "", Timeouts(read=7)),
        (("connect=1s", "write=2s", "action=3m"), "", Timeouts(connect=1, write=2, action=180)),
    ],
)
def test_the_command_line_goes_before_the_variable(given: tuple[str, ...], variable: str, expected: Timeouts) -> None:
    assert timeouts_from(given, {"FBPLAN_TIMEOUTS": variable}) == expected


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("raed=10s", "there is no timeout 'raed'", "did you mean read=…?"),
        (
            "x=10s",
            "there is no timeout 'x'",
            "the timeouts are connect, read, write, create, pool, action, run, like read=30s",
        ),
        ("", "there is no timeout ''", "the timeouts are"),
        ("10s", "there is no timeout '10s'", "the timeouts are"),
        ("read", "the timeout 'read' has no duration", "write it like read=30s"),
        ("read=", "'' is not a duration", "read=30s"),
        ("read=10", "'10' is not a duration", "read=30s"),
        ("read=-1s", "'-1s' is not a duration", "read=30s"),
        ("read=1e3s", "'1e3s' is not a duration", "read=30s"),
        ("read=0s", "the timeout 'read' is no time at all", "read=30s"),
        ("read=99999999w", "'99999999w' is longer than 100 years", "read=30s"),
    ],
)
def test_a_wrong_timeout_says_what_and_how(text: str, what: str, hint: str) -> None:
    with pytest.raises(UsageFault) as caught:
        timeouts_from((text,), {})
    assert caught.value.what == what
    assert caught.value.where.startswith("--timeout")
    assert hint in caught.value.next
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(UsageFault) as caught:
        timeouts_from((), {"FBPLAN_TIMEOUTS": "read=soon"})
    assert caught.value.where == "FBPLAN_TIMEOUTS read"


@pytest.mark.parametrize("command", ["plan", "apply", "whoami", "validate"])
def test_every_command_that_calls_the_api_takes_it_and_checks_it_first(command: str) -> None:
    with pytest.raises(UsageFault) as caught:
        cli.main([command, "--timeout", "raed=1s"], standalone_mode=False)
    assert caught.value.next == "did you mean read=…?"


def test_what_the_command_line_says_reaches_the_session(tmp_path: object) -> None:
    with plan.make_context("plan", ["--timeout", "read=7s", "--timeout", "action=9m"]):
        environ = {"FBPLAN_TIMEOUTS": "read=1s,pool=2s", "FB_JWT": "t"}
        with connected("http://x", environ, lambda _: None) as session:
            assert session.settings.timeouts == Timeouts(read=7, action=540, pool=2)


def test_a_wrong_variable_ends_before_any_connection() -> None:
    with pytest.raises(UsageFault), connected("http://x", {"FBPLAN_TIMEOUTS": "x", "FB_JWT": "t"}, lambda _: None):
        pytest.fail("connected")


def test_a_refresh_token_alone_is_somebody() -> None:
    with connected("http://x", {"FB_REFRESH_TOKEN": "r"}, lambda _: None) as session:
        assert session.token is None
