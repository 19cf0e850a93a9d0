"""The time from a signal to the end: what each part gets, and that a CI service waits that long."""

from __future__ import annotations

import pytest

from fbplan.cli.grace import AT_LEAST, CLOSING, DEFAULT, SPARE, Grace
from fbplan.cli.main import cli

SECOND_SIGNAL = 7.5
"""Seconds after the first one (GitHub Actions); the kill comes at ten."""


def test_all_is_over_before_a_ci_service_signals_again_even_where_more_hangs_than_was_thought_of() -> None:
    assert DEFAULT + 2 * SPARE < SECOND_SIGNAL
    command = cli.get_command(None, "apply")  # type: ignore[arg-type]  # needs no context
    assert command is not None
    assert next(p.default for p in command.params if p.name == "grace") == f"{DEFAULT:.0f}s"


@pytest.mark.parametrize("seconds", [0, 1, 3, 4.5, 5, 6, 10, 60, 3600])
def test_the_grace_is_for_the_calls_and_closing_fits_into_what_is_left(seconds: float) -> None:
    grace = Grace(seconds)
    assert grace.calls >= seconds * 2 / 3
    assert grace.calls >= seconds - CLOSING
    assert grace.calls < grace.books < grace.end
    assert grace.end - grace.calls >= AT_LEAST - 1e-9
    assert grace.end == pytest.approx(max(seconds, grace.calls + AT_LEAST))


def test_the_default_in_parts() -> None:
    assert (Grace().calls, Grace().books, Grace().end) == (4.0, 5.5, 6.0)
