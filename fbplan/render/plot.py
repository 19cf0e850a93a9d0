"""A simulated month as SVG: what went where day by day, and below it each bucket on its way to its caps.

The picture has a background of its own and follows the colour scheme of whoever looks. Same input, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fbplan.policy.wording import size
from fbplan.render import words
from fbplan.render.simulation import verdict
from fbplan.simulation.moments import days, hours, moment, month_starts, span
from fbplan.simulation.result import BucketCourse, CapCourse, Simulation

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
WIDTH, LEFT, RIGHT = 960, 28, 150
TOP, DAILY, PANEL, GAP, FOOT = 92, 132, 84, 34, 34
MOST_PANELS = 12
MOST_COLUMNS = 62
_LABEL = 58
"""The least width between two labels of the time axis."""
_POINTS = 480
"""Points of a curve, at most."""


def simulation_svg(found: Simulation) -> str:
    """The picture; buckets beyond the first twelve are left out and counted."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    return environment.get_template("simulation.svg.j2").render(_Plot(found).facts())


class _Plot:
    """The layout of one picture; lengths in pixels."""

    def __init__(self, found: Simulation) -> None:
        self.found = found
        self.buckets = found.buckets[:MOST_PANELS]
        self.hours = max(1, (found.end_ms - found.start_ms) // HOUR_MS)
        self.inner = WIDTH - LEFT - RIGHT

    def facts(self) -> dict[str, Any]:
        tops = [TOP + DAILY + GAP + index * (PANEL + GAP) for index in range(len(self.buckets))]
        bottom = (tops[-1] + PANEL) if tops else TOP + DAILY
        return {
            "width": WIDTH,
            "height": bottom + FOOT,
            "left": LEFT,
            "right": WIDTH - RIGHT,
            "top": TOP,
            "bottom": bottom,
            "heading": ", ".join(r.name for r in self.found.repositories[:4])
            + (" …" if len(self.found.repositories) > 4 else ""),
            "span": span(self.found.start_ms, self.found.end_ms),
            "verdict": verdict(self.found),
            "more": len(self.found.buckets) - len(self.buckets),
            "legend": list(self._legend()),
            "daily": self._daily(),
            "panels": [
                self._panel(bucket, n, top) for n, (bucket, top) in enumerate(zip(self.buckets, tops, strict=True))
            ],
            "ticks": self._ticks(),
            "turns": [self._x(ms) for ms in month_starts(self.found.start_ms, self.found.end_ms)],
            "bands": self._bands(),
        }

    def _x(self, ms: int) -> str:
        return _px(LEFT + (ms - self.found.start_ms) * self.inner / (self.hours * HOUR_MS))

    def _legend(self) -> Iterator[dict[str, Any]]:
        x = LEFT
        for number, bucket in enumerate(self.buckets):
            text = f"{bucket.name} {words.size(bucket.written)}"
            width = 24 + 7 * len(text)
            if x + width > WIDTH - 20:
                return
            yield {"x": x, "text": text, "tone": number % 8}
            x += width

    def _daily(self) -> dict[str, Any]:
        """Columns of a day each, of an hour for a few days, of several days when there are too many."""
        per = 1 if self.hours <= MOST_COLUMNS else 24 * -(-self.hours // (24 * MOST_COLUMNS))
        starts = range(0, self.hours, per)
        sums = [[sum(bucket.hourly[at : at + per]) for at in starts] for bucket in self.buckets]
        highest = max((sum(column) for column in zip(*sums, strict=True)), default=0) or 1
        width, gap = self.inner * per / self.hours, 2.0
        bars = []
        for index, at in enumerate(starts):
            base = 0.0
            wide = min(width, self.inner * (self.hours - at) / self.hours)
            for number, column in enumerate(sums):
                height = column[index] * DAILY / highest
                if height >= 0.05:
                    x = LEFT + index * width + gap / 2
                    y = TOP + DAILY - base - height
                    bars.append(
                        {"x": _px(x), "y": _px(y), "w": _px(max(0.5, wide - gap)), "h": _px(height), "tone": number % 8}
                    )
                    base += height
        unit = "hour" if per == 1 else "day" if per == 24 else f"{per // 24} days"
        return {"bars": bars, "base": TOP + DAILY, "label": f"written per {unit}", "highest": words.size(highest)}

    def _panel(self, bucket: BucketCourse, number: int, top: int) -> dict[str, Any]:
        cap = bucket.cap
        ceiling = max(cap.hard if cap else 0, *bucket.uses, 1) * 1.04

        def y(count: int) -> float:
            return top + PANEL - count * PANEL / ceiling

        every = max(1, self.hours // _POINTS)
        points = [(0, bucket.uses[0] - bucket.hourly[0] if bucket.uses else 0)]
        last = points[0][1]
        for index, used in enumerate(bucket.uses, 1):
            if used < last and points[-1][0] < index - 1:
                points.append((index - 1, last))
            if index % every == 0 or index == self.hours or used < last:
                points.append((index, used))
            last = used
        line = " ".join(f"{_px(LEFT + at * self.inner / self.hours)},{_px(y(used))}" for at, used in _straight(points))
        return {
            "tone": number % 8,
            "name": bucket.name,
            "told": words.size(bucket.written) + " written",
            "top": top,
            "base": top + PANEL,
            "line": line,
            "area": f"{LEFT},{top + PANEL} {line} {WIDTH - RIGHT},{top + PANEL}",
            "caps": list(_caps(cap, y)) if cap else [],
            "marks": list(self._marks(cap, y)) if cap else [],
        }

    def _marks(self, cap: CapCourse, y: Any) -> Iterator[dict[str, Any]]:
        """A dot and a time wherever a cap was reached."""
        for reached in cap.reached:
            marks = [(reached.soft_ms, cap.soft, 17)] if reached.hard_ms != reached.soft_ms else []
            for ms, level, below in (*marks, (reached.hard_ms, cap.hard, -6)):
                if ms is not None:
                    x = float(self._x(ms))
                    is_left = x < WIDTH - RIGHT - 92 if below > 0 else x < LEFT + 110
                    yield {
                        "x": _px(x),
                        "y": _px(y(level)),
                        "text": moment(ms).strip(),
                        "text_x": _px(x + 8 if is_left else x - 8),
                        "text_y": _px(y(level) + below),
                        "anchor": "start" if is_left else "end",
                    }

    def _ticks(self) -> list[dict[str, Any]]:
        """Midnights, as many as have room for their label; a month always names itself."""
        if self.hours <= 4 * 24:
            found = hours(self.found.start_ms, self.found.end_ms, 3 if self.hours <= 36 else 12)
            return [self._tick(ms, label) for ms, label in found]
        marks = days(self.found.start_ms, self.found.end_ms)
        per_day = self.inner * 24 / self.hours
        every = next((n for n in (1, 2, 7, 14, 28, 56) if n * per_day >= _LABEL), 112)
        named = [float(self._x(ms)) for ms, label in marks if " " in label]
        out = []
        for index, (ms, label) in enumerate(marks):
            x = float(self._x(ms))
            is_free = index % every == 0 and all(abs(x - other) >= _LABEL for other in named)
            if " " in label or is_free:
                out.append(self._tick(ms, label))
        return out if per_day * 31 >= _LABEL else out[::3]

    def _tick(self, ms: int, label: str) -> dict[str, Any]:
        x = float(self._x(ms))
        anchor = "start" if x < LEFT + 20 else "middle"
        return {"x": _px(x), "label": label, "is_named": " " in label, "anchor": anchor}

    def _bands(self) -> list[dict[str, Any]]:
        """Times in which some repository found no bucket, with a label where there is room for it."""
        spans = sorted((*span, entry.name) for entry in self.found.repositories for span in entry.read_only)
        merged: list[tuple[int, int, frozenset[str]]] = []
        for start, end, name in spans:
            if merged and start <= merged[-1][1]:
                begin, until, names = merged.pop()
                merged.append((begin, max(end, until), names | {name}))
            else:
                merged.append((start, end, frozenset({name})))
        out = []
        for start, end, names in merged:
            x, edge = float(self._x(start)), float(self._x(end))
            is_all = len(names) == len(self.found.repositories)
            text = "read-only" if is_all else f"{', '.join(sorted(names))} read-only"
            text = text if edge - x >= 7 * len(text) else "read-only" if edge - x >= 64 and is_all else ""
            out.append({"x": _px(x), "w": _px(max(1.0, edge - x)), "mid": _px((x + edge) / 2), "text": text})
        return out


def _caps(cap: CapCourse, y: Any) -> Iterator[dict[str, Any]]:
    """The lines of a cap, their labels moved apart where they would touch."""
    hard, soft = y(cap.hard), y(cap.soft)
    if cap.soft < cap.hard:
        yield {
            "kind": "soft",
            "y": _px(soft),
            "text_y": _px(max(soft, hard + 14) + 4),
            "text": f"soft {size(cap.soft)}",
        }
    yield {"kind": "hard", "y": _px(hard), "text_y": _px(hard + 4), "text": f"hard {size(cap.hard)}"}


def _straight(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The points without those inside a level stretch."""
    return [
        point
        for index, point in enumerate(points)
        if not 0 < index < len(points) - 1 or not points[index - 1][1] == point[1] == points[index + 1][1]
    ]


def _px(length: float) -> str:
    """A tenth of a pixel is fine enough, and the same on every machine."""
    text = f"{length:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"
