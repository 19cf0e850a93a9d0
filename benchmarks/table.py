"""The rows of the result, and the one table that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure import Sample

HEAD = ("what", "fbplan median", "min", "peer", "median", "min", "ratio", "budget", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a figure of fbplan, perhaps a peer's beside it, perhaps a budget.

    Times are judged by their minima: noise of the machine only ever adds.
    """

    what: str
    ours: tuple[float, float]
    """Median and minimum."""
    unit: str = "s"
    peer: str = ""
    theirs: tuple[float, float] | None = None
    most: float | None = None
    """The budget: of the ratio when there is a peer, else of the figure itself."""

    @property
    def ratio(self) -> float | None:
        return self.ours[1] / self.theirs[1] if self.theirs else None

    @property
    def is_over(self) -> bool:
        measured = self.ratio if self.ratio is not None else self.ours[1]
        return self.most is not None and measured > self.most

    @property
    def verdict(self) -> str:
        return "" if self.most is None else "OVER" if self.is_over else "ok"

    def cells(self) -> tuple[str, ...]:
        theirs = tuple(shown(figure, self.unit) for figure in self.theirs) if self.theirs else ("", "")
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        unit = "x" if self.theirs else self.unit
        budget = f"<= {shown(self.most, unit)}" if self.most is not None else ""
        return (self.what, *(shown(f, self.unit) for f in self.ours), self.peer, *theirs, ratio, budget, self.verdict)

    def as_json(self) -> dict[str, object]:
        return {
            "what": self.what,
            "unit": self.unit,
            "fbplan": {"median": self.ours[0], "min": self.ours[1]},
            "peer": {"name": self.peer, "median": self.theirs[0], "min": self.theirs[1]} if self.theirs else None,
            "ratio_of_minima": self.ratio,
            "ratio_of_medians": self.ours[0] / self.theirs[0] if self.theirs else None,
            "budget": self.most,
            "verdict": self.verdict or None,
        }


def times(sample: Sample) -> tuple[float, float]:
    return sample.median, sample.least


def against(what: str, samples: dict[str, Sample], budgets: dict[str, float]) -> list[Row]:
    """A line per peer; the first of `samples` is fbplan."""
    (_, ours), *peers = samples.items()
    if not peers:
        return [Row(what, times(ours))]
    return [
        Row(what, times(ours), peer=name, theirs=times(theirs), most=budgets.get(name))
        for name, theirs in sorted(peers, key=lambda peer: peer[0] not in budgets)
    ]


def shown(figure: float, unit: str) -> str:
    match unit:
        case "s":
            return f"{figure:.2f} s" if figure < 10 else f"{figure:.1f} s"
        case "ms":
            return f"{figure * 1000:.0f} ms"
        case "MB":
            return f"{figure:.0f} MB"
        case _:
            return f"{round(figure, 2):g}{unit}"


def table_text(rows: Sequence[Row]) -> str:
    lines: list[tuple[str, ...]] = [HEAD]
    before = ""
    for row in rows:
        what, *cells = row.cells()
        lines.append(("" if what == before else what, *cells))
        before = what
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in {0, 3, 8} else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
