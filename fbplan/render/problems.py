"""An error where a plan was asked for: a pull request shows what is wrong, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fbplan.errors import Diagnostic, FbplanError, SpecInvalid
from fbplan.render.markdown import BUDGET, code, prose, with_command


def fault_markdown(fault: FbplanError) -> str:
    """What, where, why and what next; of a wrong spec every problem that fits into a comment."""
    if isinstance(fault, SpecInvalid):
        body = "".join(_cut(diagnostic_items(fault.diagnostics), len(fault.diagnostics)))
    else:
        body = "".join(
            f"- {name}: {prose(text)}\n" for name, text in (("where", fault.where), ("why", fault.why)) if text
        )
    parts = [f"### fbplan: {prose(fault.what)}\n", body, f"Next: {with_command(fault.next)}\n" if fault.next else ""]
    return "\n".join(part for part in parts if part)


def diagnostic_items(found: Iterable[Diagnostic]) -> Iterator[str]:
    """A list item for each: place, code, address, what, and how it is put right."""
    for d in found:
        place = f"{code(d.location)} " if d.location is not None else ""
        at = f"{code(d.address)}: " if d.address else ""
        yield f"- {place}{d.code.id} {at}{prose(d.message)} — {prose(d.fix)}\n"


def _cut(items: Iterable[str], count: int) -> Iterator[str]:
    left = BUDGET - 2_000  # for what stands around the list
    for index, item in enumerate(items):
        left -= len(item)
        if left < 0:
            yield f"- … and {count - index:,} more: `fbplan validate` shows them\n"
            return
        yield item
