"""`usage show`: how each bucket stands with its caps."""

from __future__ import annotations

import json
from dataclasses import asdict

from fbplan.errors import ExitCode
from fbplan.metering.view import UsageView, UseRow
from fbplan.render.human import PLAIN, Palette
from fbplan.render.machine import exit_json
from fbplan.render.markdown import cell
from fbplan.render.words import duration, size

HEADS = ("bucket", "meter", "period", "used", "cap", "share", "left", "quality", "resets at", "as of")
_RIGHT = {3, 4, 5}


def usage_text(view: UsageView, palette: Palette = PLAIN) -> str:
    """A table, a line on the file, and what somebody should know."""
    p = palette
    table = [HEADS, *(_cells(row) for row in view.rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADS))]
    lines = []
    for number, line in enumerate(table):
        text = "  ".join(
            value.rjust(width) if column in _RIGHT else value.ljust(width)
            for column, (value, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        tint = p.dim if not number else _tint(view.rows[number - 1], p)
        lines.append(f"{tint}{text}{p.off if tint else ''}")
    lines += ["", f"{p.strong}{view.label}{p.off}: {_file(view)}"]
    lines += [f"{p.caution}{remark}{p.off}" for remark in view.remarks]
    return "\n".join(lines) + "\n"


def usage_document(view: UsageView) -> str:
    """JSON: everything that the other views show."""
    body = {"format": "fbplan.usage-view", "format_version": 1, **asdict(view), "exit": exit_json(ExitCode.OK)}
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def usage_markdown(view: UsageView) -> str:
    """The same table."""
    lines = [f"| {' | '.join(HEADS)} |", f"|{' --- |' * len(HEADS)}"]
    lines += [f"| {' | '.join(map(cell, _cells(row)))} |" for row in view.rows]
    lines += ["", _file(view), *(f"\n**{cell(remark)}**" for remark in view.remarks)]
    return "\n".join(lines) + "\n"


def usage_annotations(view: UsageView) -> str:
    """Workflow commands: a warning for each remark and for each bucket that takes no more writes."""
    told = [f"::warning title=fbplan usage::{remark}" for remark in view.remarks]
    told += [
        f"::warning title=fbplan usage::{row.bucket} {row.meter}: {row.quality}, {_left(row)} left"
        for row in view.rows
        if row.tier == "none" or row.quality == "unknown"
    ]
    return "\n".join([*told, f"::notice title=fbplan usage::{_file(view)}"]) + "\n"


def _cells(row: UseRow) -> tuple[str, ...]:
    cap = "unlimited" if not row.is_limited else size(row.limit) if row.limit is not None else "–"
    share = f"{row.share_ppm / 10_000:.1f} %" if row.share_ppm is not None else "–"
    used = size(row.used) if row.used is not None else "unknown"
    return (
        row.bucket, row.meter, row.period, used, cap, share, _left(row), row.quality, row.resets_at or "never", row.as_of,
    )  # fmt: skip


def _left(row: UseRow) -> str:
    match row.tier:
        case None:
            return "–"
        case "none":
            return "nothing"
        case tier:
            return f"{tier} {size(row.left or 0)}"


def _tint(row: UseRow, p: Palette) -> str:
    if row.quality == "unknown" or row.tier == "none":
        return p.danger
    return p.caution if row.tier == "hard" or row.quality != "ok" else ""


def _file(view: UsageView) -> str:
    return (
        f"seq {view.seq}, policy generation {view.policy_generation}, published {view.published_at} "
        f"({duration(view.age_s)} ago), as of {view.as_of}"
    )
