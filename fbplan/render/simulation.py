"""A simulated month: a table for a person, a section for a pull request, one line for a workflow."""

from __future__ import annotations

from collections.abc import Sequence

from fbplan.render import words
from fbplan.render.human import PLAIN, Palette
from fbplan.render.markdown import cell, code
from fbplan.simulation.difference import Difference
from fbplan.simulation.moments import moment, span
from fbplan.simulation.result import BucketCourse, CapCourse, RepositoryCourse, Simulation, Switch

MOST_SWITCHES = 12
MOST_ROWS = 40
"""Of each table in a comment."""
ALIKE = "the two policies act alike on this schedule"
_NONE = "–"


def simulation_text(found: Simulation, changed: Sequence[Difference] | None, palette: Palette = PLAIN) -> str:
    """Buckets, repositories, switches; then what is different from the other policy, if there is one."""
    p, lines = palette, [f"{palette.strong}{_heading(found)}{palette.off}", ""]
    rows: list[tuple[str, ...]] = [("bucket", "written", "soft cap reached", "hard cap reached", "left", "over")]
    rows += [_bucket_row(bucket, cap) for bucket in found.buckets for cap in bucket.caps or (None,)]
    lines += _table(rows, p)
    rows = [("repository", "wanted", "written", "refused", "read-only")]
    rows += [_repository_row(entry) for entry in found.repositories]
    lines += ["", *_table(rows, p), ""]
    told = [(s.at_ms, f"{entry.name}: {_way(s)}") for entry in found.repositories for s in entry.switches]
    lines += [f"  {moment(at)}  {text}" for at, text in sorted(told)[:MOST_SWITCHES]]
    if len(told) > MOST_SWITCHES:
        lines.append(f"  {p.dim}… and {len(told) - MOST_SWITCHES:,} more (each one: -o json){p.off}")
    if told:
        lines.append("")
    lines += [f"{p.caution}{note}{p.off}" for note in found.notes]
    if changed is not None:
        shown = _visible(changed)
        lines.append("what the policy changes" if shown else ALIKE)
        lines += [f"  {difference_line(line)}" for line in shown]
        lines.append("")
    tint = p.danger if found.overshoot else p.caution if found.read_only_ms else p.good
    lines.append(f"{tint}{verdict(found)}{p.off}")
    return "\n".join(lines) + "\n"


def verdict(found: Simulation) -> str:
    """The two figures that matter, in one line."""
    over = f"{words.size(found.overshoot)} over the hard caps" if found.overshoot else "no hard cap is passed"
    closed = f"{_hours(found.read_only_ms)} read-only" if found.read_only_ms else "never read-only"
    return f"{over}, {closed}"


def difference_line(found: Difference) -> str:
    """`app-logs-gcp: written 399.9 GB → 475.0 GB`."""
    return f"{found.subject}: {found.figure} {_figure(found, found.before)} → {_figure(found, found.after)}"


def simulation_markdown(found: Simulation, changed: Sequence[Difference] | None) -> str:
    """A section for a comment: the verdict, what changes, and the table folded away."""
    lines = [f"**simulated** {cell(_heading(found))}: {verdict(found)}", ""]
    shown = _visible(changed or ())
    if changed is not None and not shown:
        lines += [ALIKE, ""]
    elif shown:
        lines += ["| | | before | after |", "| --- | --- | ---: | ---: |"]
        lines += [
            f"| {code(d.subject)} | {cell(d.figure)} | {_figure(d, d.before)} | {_figure(d, d.after)} |"
            for d in shown[:MOST_ROWS]
        ]
        lines += [f"\n… and {len(shown) - MOST_ROWS:,} more"] if len(shown) > MOST_ROWS else []
        lines.append("")
    rows = [_bucket_row(bucket, cap) for bucket in found.buckets for cap in bucket.caps or (None,)]
    lines += [
        f"<details{'' if changed is not None else ' open'}><summary>{words.counted(len(found.buckets), 'bucket')}</summary>",
        "",
        "| bucket | written | soft cap reached | hard cap reached | left | over |",
        "| --- | ---: | --- | --- | ---: | ---: |",
        *(f"| {' | '.join((code(row[0]), *map(cell, row[1:])))} |" for row in rows[:MOST_ROWS]),
        "",
        "| repository | wanted | written | refused | read-only |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(
            f"| {' | '.join((code(entry.name), *map(cell, _repository_row(entry)[1:])))} |"
            for entry in found.repositories[:MOST_ROWS]
        ),
        "",
        "</details>",
    ]
    lines += [f"- ⚠️ {cell(note)}" for note in found.notes[:MOST_ROWS]]
    return "\n".join(lines) + "\n"


def simulation_annotation(found: Simulation, changed: Sequence[Difference] | None) -> str:
    """One workflow command: a warning when a cap is passed or writes find no bucket, else a notice."""
    level = "warning" if found.overshoot or found.read_only_ms else "notice"
    listed = [difference_line(d) for d in _visible(changed or ())[:10]]
    told = "%0A".join(text.replace("%", "%25") for text in (f"{_heading(found)}: {verdict(found)}", *listed))
    return f"::{level} title=fbplan simulation::{told}\n"


def _visible(changed: Sequence[Difference]) -> list[Difference]:
    """Those that a person can see: figures are shown to a tenth of their unit, JSON has every byte."""
    return [d for d in changed if _figure(d, d.before) != _figure(d, d.after)]


def _heading(found: Simulation) -> str:
    kind = "processes that count for themselves" if found.terms.is_simple else "expiring grants"
    return f"{span(found.start_ms, found.end_ms)}, {kind}"


def _bucket_row(bucket: BucketCourse, cap: CapCourse | None) -> tuple[str, ...]:
    written = words.size(bucket.written)
    if cap is None:
        return bucket.name, written, "no cap", _NONE, _NONE, _NONE
    name = bucket.name if cap.meter == "ingress_bytes" else f"{bucket.name} ({cap.meter})"
    soft = _times([r.soft_ms for r in cap.reached])
    hard = _times([r.hard_ms for r in cap.reached])
    over = words.size(cap.overshoot) if cap.overshoot else "0"
    return name, written, soft, hard, words.size(cap.left), over


def _times(found: list[int | None]) -> str:
    times = [ms for ms in found if ms is not None]
    more = f" (+{len(times) - 1})" if len(times) > 1 else ""
    return moment(times[0]) + more if times else _NONE


def _repository_row(entry: RepositoryCourse) -> tuple[str, ...]:
    refused = words.size(entry.refused) if entry.refused else "0"
    amounts = (words.size(entry.wanted), words.size(entry.written), refused)
    return entry.name, *amounts, _hours(entry.read_only_ms)


def _way(found: Switch) -> str:
    return f"{found.before or 'read-only'} → {found.after or 'read-only'}"


def _figure(found: Difference, value: int | None) -> str:
    if value is None:
        return "never" if found.unit == "time" else "none"
    match found.unit:
        case "bytes":
            return words.size(value) if value else "0"
        case "time":
            return moment(value)
        case "duration":
            return _hours(value)
        case "count":
            return f"{value:,}"


def _hours(ms: int) -> str:
    """In hours and minutes, rounded up: a minute without writes is no zero."""
    minutes = -(-ms // 60_000)
    return f"{minutes // 60:,} h {minutes % 60:02} min" if minutes % 60 else f"{minutes // 60:,} h"


def _table(rows: list[tuple[str, ...]], p: Palette) -> list[str]:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    out = []
    for number, row in enumerate(rows):
        cells = [
            text.ljust(width) if index == 0 or "reached" in rows[0][index] else text.rjust(width)
            for index, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        line = "  " + "  ".join(cells).rstrip()
        out.append(f"{p.dim}{line}{p.off}" if number == 0 else line)
    return out
