"""`policy why`: a decision in plain words, one that was made or one that would be made now."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from fbplan.cli.options import output_option
from fbplan.cli.output import emit, parse_outputs, remember, story
from fbplan.errors import ExitCode, FbplanError, UsageFault


@click.command(
    epilog="\b\nExamples:\n  tail -1 decisions.jsonl | fbplan policy why\n  fbplan policy why decisions.jsonl\n  fbplan policy why --policy routing-policy.json --usage usage.json --repository app-data --size 5MB"
)
@click.argument("record", metavar="[RECORD]", required=False)
@click.option("--policy", "policy_file", type=click.Path(path_type=Path), help="Ask this policy file instead.")
@click.option("--usage", "usage_file", type=click.Path(path_type=Path), help="With this usage file.")
@click.option("--repository", metavar="NAME", help="The repository to write to. [default: the only one]")
@click.option("--size", default="0B", metavar="SIZE", show_default=True, help="The size of the object, like 5MB.")
@click.option("--writer", default="w0", metavar="NAME", show_default=True, help="The writer that asks.")
@click.option("--at", "moment", metavar="TIME", help="When, as 2026-11-30T12:00:00Z. [default: now]")
@click.option("--simple", is_flag=True, help="A process that counts its own bytes, instead of one of a fleet.")
@output_option
def why(
    record: str | None,
    policy_file: Path | None,
    usage_file: Path | None,
    repository: str | None,
    size: str,
    writer: str,
    moment: str | None,
    simple: bool,
    outputs: tuple[str, ...],
) -> int:
    """Say in plain words why a write went where it went, or where one would go now."""
    wanted = parse_outputs(outputs)
    remember(wanted)
    if policy_file is not None and record is not None:
        raise UsageFault(
            "either a record or --policy", "", "", "fbplan policy why RECORD, or: fbplan policy why --policy FILE"
        )
    if policy_file is None:
        text, document = _explained(record)
    else:
        text, document = _answered(policy_file, usage_file, repository, size, writer, moment, is_simple=simple)
    emit(
        wanted,
        {
            "human": lambda _: text,
            "json": lambda _: json.dumps(document, indent=1, ensure_ascii=False) + "\n",
            "md": lambda _: f"```text\n{text}```\n",
            "github": lambda _: (
                f"::notice title=fbplan policy why::{text.rstrip().replace('%', '%25').replace(chr(10), '%0A')}\n"
            ),
        },
    )
    return int(ExitCode.OK)


def _answered(
    policy_file: Path,
    usage_file: Path | None,
    repository: str | None,
    size: str,
    writer: str,
    moment: str | None,
    *,
    is_simple: bool,
) -> tuple[str, Any]:
    """Where a write would go now."""
    from fbplan.simulation.asked import Question, answer, memory_of, told, usage_of
    from fbplan.simulation.subject import subject_of_file

    subject = subject_of_file(policy_file)
    raw = _read(usage_file) if usage_file is not None else None
    usage = usage_of(raw, subject, str(usage_file)) if raw is not None else None
    if usage is None and not is_simple:
        story("without --usage: as a process that counts its own bytes and has written nothing yet")
    names = sorted(subject.policy.repositories)
    if repository is None and len(names) != 1:
        raise UsageFault(
            "which repository?", "", f"the policy has {', '.join(names) or 'none'}", "add --repository NAME"
        )
    question = Question(
        repository or names[0], size_of("--size", size), _moment(moment), is_simple or usage is None, writer
    )
    found = answer(subject, usage, question, None if raw is None else memory_of(raw))
    return told(found), found


def _explained(record: str | None) -> tuple[str, Any]:
    """Every record of a file, or of stdin."""
    from fbplan.simulation.records import NotARecord, explained, record_in

    where = "stdin" if record in {None, "-"} else str(record)
    if where == "stdin" and sys.stdin.isatty():
        raise UsageFault(
            "no decision record", "", "stdin is a terminal", "name a file of records, or ask with --policy FILE"
        )
    raw = sys.stdin.buffer.read() if where == "stdin" else _read(Path(where))
    found = []
    for number, line in enumerate(raw.decode(errors="replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            found.append(record_in(line))
        except NotARecord as fault:
            raise FbplanError(
                "this is no decision record",
                f"{where}:{number}",
                str(fault),
                "a record is one line of JSON, as a Router gives it to `on_record`",
            ) from None
    if not found:
        raise UsageFault("no decision record", where, "nothing is in there", "fbplan policy why RECORD")
    return "".join(map(explained, found)), found


def _read(path: Path | None) -> bytes:
    from fbplan.policy.reading import read_bytes

    try:
        return read_bytes(path or Path())
    except OSError as fault:
        raise FbplanError(
            "the file cannot be read", str(path), fault.strerror or str(fault), "name another one"
        ) from None
    except ValueError as fault:
        raise FbplanError("the file cannot be read", str(path), str(fault), "name a regular file") from None


def size_of(option: str, text: str) -> int:
    """The bytes that an option says; a plain number is bytes."""
    from pydantic_core import PydanticCustomError

    from fbplan.kinds.amounts import parse_size

    try:
        found: Any = parse_size(int(text) if text.isdecimal() and text.isascii() and len(text) < 20 else text)
    except PydanticCustomError as fault:
        fix = str((fault.context or {}).get("fix", ""))
        raise UsageFault(f"{option} '{text}': {fault.message()}", "", "", fix) from None
    return int(found)


def _moment(text: str | None) -> int:
    if text is None:
        return time.time_ns() // 1_000_000
    from fbplan.simulation.moments import at

    found = at(text)
    if found is None:
        raise UsageFault(f"--at '{text}': not a time", "", "", "write it like 2026-11-30T12:00:00Z")
    return found
