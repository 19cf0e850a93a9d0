"""Where a result goes: `-o FORMAT[=PATH]`, stdout for the result alone, stderr for the story."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import click

from fbplan.cli.overwriting import require_replaceable
from fbplan.cli.streams import STDOUT, silence
from fbplan.errors import ExitCode, FbplanError, UsageFault
from fbplan.render.human import COLOURED, PLAIN, Palette, fault_text
from fbplan.storage.atomic import require_writable, write_atomically
from fbplan.storage.remedy import remedy

FORMATS = ("human", "json", "md", "github")
View = Callable[[Palette], str]


def palette_for(stream: IO[str], environ: Mapping[str, str] | None = None) -> Palette:
    """Colour obeys NO_COLOR, then FORCE_COLOR, then whether somebody is looking."""
    env = os.environ if environ is None else environ
    if env.get("NO_COLOR"):
        return PLAIN
    if env.get("FORCE_COLOR"):
        return COLOURED
    return COLOURED if stream.isatty() and env.get("TERM") != "dumb" else PLAIN


def parse_outputs(given: Sequence[str]) -> tuple[tuple[str, Path | None], ...]:
    """`-o json=plan.json -o md` → what goes where; human on stdout when nothing else was asked for."""
    out: list[tuple[str, Path | None]] = []
    for text in given or ("human",):
        name, _, path = text.partition("=")
        if name not in FORMATS:
            raise UsageFault(
                f"-o '{text}': there is no format '{name}'",
                "",
                "",
                f"use one of {', '.join(FORMATS)}, optionally with =PATH",
            )
        out.append((name, Path(path) if path else None))
    if sum(path is None for _, path in out) > 1:
        raise UsageFault(
            "two formats would both go to stdout", "", "", "give all but one of them a path: -o json=plan.json -o human"
        )
    return tuple(out)


def require_places(outputs: tuple[tuple[str, Path | None], ...]) -> None:
    """Whether every file can be written, before anything is done whose report would be lost. Raises FbplanError."""
    for _, path in outputs:
        if path is not None:
            require_replaceable(path)
            require_writable(path, "the output")


def emit(outputs: tuple[tuple[str, Path | None], ...], views: Mapping[str, View]) -> None:
    """Write each asked-for view where it belongs. Raises FbplanError for the first that failed, after all the others."""
    faults = []
    for name, path in outputs:
        try:
            if path is None:
                _print(views[name](palette_for(sys.stdout)))
            else:
                require_replaceable(path)
                write_atomically(path, encoded(views[name](PLAIN)), "the output")
            _settle((name, path))
        except FbplanError as fault:
            faults.append(fault)
    if faults:
        raise faults[0]


def encoded(text: str) -> bytes:
    """As UTF-8. A live name may hold what is no text (JSON can carry half a character): it is shown as its escape."""
    return text.encode("utf-8", "backslashreplace")


def _print(text: str) -> None:
    try:
        click.echo(text, nl=False, color=True)
    except OSError as fault:
        silence(STDOUT)
        raise FbplanError(
            "the output cannot be written", "stdout", fault.strerror or str(fault), remedy(fault)
        ) from fault


def story(text: str) -> None:
    """A line for whoever watches; never a result. Nobody watching, or a full disk there, is no reason to stop."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True, color=True)


_CURRENT: list[tuple[tuple[str, Path | None], ...]] = []


def remember(outputs: tuple[tuple[str, Path | None], ...]) -> None:
    """What the running command was asked for, so that an error is told in the same form."""
    _CURRENT[:] = [outputs]


def _settle(told: tuple[str, Path | None]) -> None:
    """A view that holds its result keeps it: an error that ends the command does not take its place."""
    _CURRENT[:] = [tuple(output for output in outputs if output != told) for outputs in _CURRENT]


def tell_fault(fault: FbplanError) -> ExitCode:
    """An error on stderr; and in every other form that was asked for and holds no result yet."""
    story(fault_text(fault, palette_for(sys.stderr)).rstrip("\n"))
    for name, path in _CURRENT[0] if _CURRENT else ():
        text = _fault_view(name, fault)
        try:
            if text is not None and path is None:
                _print(text)
            elif text is not None and path is not None:
                require_replaceable(path)
                write_atomically(path, encoded(text), "the output")
        except FbplanError as second:
            story(f"and the output cannot be written either: {second}")
    return fault.exit_code


def _fault_view(name: str, fault: FbplanError) -> str | None:
    """The error in this format; for a person it is on stderr already."""
    from fbplan.render import machine

    match name:
        case "json":
            return machine.fault_document(fault, fault.exit_code)
        case "github":
            return machine.fault_annotations(fault)
        case "md":
            from fbplan.render.problems import fault_markdown

            return fault_markdown(fault)
    return None
