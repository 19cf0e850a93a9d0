"""The document about faults: what the recorded runs of the matrix came to, as tables for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fault_record import recorded
from fault_strikes import SAMPLED, STRIKES, Case, cases
from mutant_table import MUTANTS

NEXT = "; the next run finishes it"
COLUMNS = ("create", "issue", "update", "delete")
_HEAD = """\
# What happens when something goes wrong

Made from the recorded runs of the fault matrix by `python tests/docs/doc_generate.py`; tests keep it fresh.
{steps} kinds of step were struck by {faults} faults at up to four points each: {runs:,} applies that went wrong.
After every one of them fbplan had told the truth, nothing stood there twice or was left behind, foreign objects were as
before, no secret stood outside of its sink, and no POST had been repeated without a look in between.

`→` means: this run does not finish it, the next `fbplan apply` does. No case needed more than one; in some there was
nothing left to do, and only this run could not know that.
"issue" is a new API key: its secret is shown once, so a key whose answer was lost is deleted and issued again.
"listing" is the fresh look that comes before anything is removed; "publish" is the routing policy.
A cell with "or" depends on the step: a secret cannot be read back, so a resend is sent again where another update
would be found by reading; and exit 7 or 8 becomes 3 as soon as something was written.

## A fault strikes once
"""
_TWO = """
## The fault strikes the write, and then the look that is to settle it

For faults that only spoil what is read, the connection is cut after the write took effect.
These were run for {sampled}.
"""
_TWICE = "\n## The fault strikes the write twice in a row\n"
_MUTANTS = """
## Deliberate mistakes, and what catches them

Each was put in where the real part stands, and the test fails for it.

| mistake | caught by |
| --- | --- |
"""


def reliability_text() -> str:
    """The whole document."""
    ran = cases(is_full=False)
    once = [c for c in ran if c.point in {"write", "before-contract"}]
    head = _HEAD.format(steps=len({c.scenario.name for c in ran}), faults=len(STRIKES), runs=len(ran))
    two = _TWO.format(sampled=", ".join(sorted(SAMPLED)))
    return "".join(
        (
            head,
            *_table(once, (*COLUMNS, "listing", "publish")),
            two,
            *_table([c for c in ran if c.point == "write-and-read"], COLUMNS),
            _TWICE,
            *_table([c for c in ran if c.point == "twice"], COLUMNS),
            _MUTANTS,
            *(f"| {m.mistake} | `{m.file}::{m.test}` |\n" for m in MUTANTS),
        )
    )


def _table(ran: list[Case], columns: tuple[str, ...]) -> Iterator[str]:
    """Faults that come to the same stand in one row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for strike in STRIKES:
        found = [c for c in ran if c.strike.name == strike.name]
        if found:
            rows.setdefault(tuple(_cell(found, column) for column in columns), []).append(strike.told)
    yield f"\n| fault | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}\n"
    for cells, faults in rows.items():
        yield f"| {'<br>'.join(faults)} | {' | '.join(cells)} |\n"


def _cell(found: list[Case], column: str) -> str:
    behaviours = recorded()
    if column == "publish":
        return _published(found)
    if column == "listing":
        told = [behaviours[str(c)].step for c in found if c.point == "before-contract"]
    else:
        told = [behaviours[str(c)].step for c in found if c.point != "before-contract" and c.scenario.column == column]
    return _joined(told)


def _published(found: list[Case]) -> str:
    """Whether the policy went out; a step that it names and that did not come to be holds it back."""
    behaviours = recorded()
    told = {
        column: {b.policy for c in found if c.scenario.column == column and (b := behaviours[str(c)]).policy}
        for column in COLUMNS
    }
    held = [column for column, words in told.items() if "held back" in words]
    if not any(told.values()):
        return "–"
    return f"held back after {' or '.join(held)} →" if held else "as usual"


def _joined(told: list[str]) -> str:
    """Each behaviour once, the most frequent first; the exit codes of one way to stop together."""
    counted = [words for words, _ in Counter(told).most_common()]
    exits = sorted({w.split("exit ")[1].removesuffix(NEXT) for w in counted if w.startswith("stops, ")}, reverse=True)
    stops = [f"stops, exit {' or '.join(exits)}{NEXT}"] if exits else []
    others = [w for w in counted if not w.startswith("stops, ") and w + NEXT not in counted]
    return " or ".join(w.replace(NEXT, " →").replace("goes on as usual", "as usual") for w in (*stops, *others)) or "–"
