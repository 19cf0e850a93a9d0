"""For a person at a terminal: what is at stake first, one line a resource, the summary last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fbplan.errors import Diagnostic, FbplanError, SpecInvalid
from fbplan.plan import Action, Change, Plan, Refusal
from fbplan.render import words

MOST_LINES = 40
"""Creates and adoptions shown one by one; beyond it they are counted. Everything riskier is always shown."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by meaning; all empty when the output is not a terminal."""

    danger: str = ""
    caution: str = ""
    good: str = ""
    dim: str = ""
    strong: str = ""
    off: str = ""

    def of(self, action: Action) -> str:
        match action:
            case Action.DELETE | Action.REPLACE:
                return self.danger
            case Action.UPDATE | Action.ROTATE:
                return self.caution
            case Action.CREATE:
                return self.good
            case Action.ADOPT | Action.FORGET:
                return self.dim


PLAIN = Palette()
COLOURED = Palette("\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[1m", "\x1b[0m")


def plan_text(plan: Plan, palette: Palette = PLAIN, saved: str | None = None) -> str:
    """The whole plan."""
    return "\n".join(_plan(plan, palette, saved)) + "\n"


def _plan(plan: Plan, p: Palette, saved: str | None) -> Iterator[str]:
    for action in Action:
        group = [c for c in plan.changes if c.action is action and not c.is_due]
        if group:
            yield f"{p.of(action)}{words.TITLES[action]}{p.off}"
            yield from _group(group, plan, p)
            yield ""
    yield from _calendar(plan, p)
    yield from _policy(plan, p)
    yield from _remarks(plan, p)
    if plan.refusals:
        yield f"{p.danger}refused{p.off}"
        for refusal in plan.refusals:
            yield from _refusal(refusal, plan.places.get(refusal.address, ""), p)
        yield ""
    verdict = f"{p.strong}{plan.workspace}: {words.totals(plan)}{p.off}"
    if not plan.has_changes:
        verdict += f"; {words.counted(plan.unchanged, 'resource')} as declared"
    elif plan.unchanged:
        verdict += f"; {plan.unchanged:,} unchanged"
    if plan.waiting:
        verdict += f"; {len(plan.waiting):,} waiting"
    if plan.refusals:
        verdict += f"; {p.danger}refused by {words.counted(len(plan.refusals), 'guard')}{p.off}"
    yield verdict
    if plan.has_changes:
        yield f"{p.dim}plan {plan.plan_id}{p.off}"
    following = words.next_command(plan, saved)
    if following:
        yield f"next: {following}"


def _group(group: list[Change], plan: Plan, p: Palette) -> Iterator[str]:
    action = group[0].action
    is_quiet = action in {Action.CREATE, Action.ADOPT}
    shown = group[:MOST_LINES] if is_quiet and len(group) > MOST_LINES + 10 else group
    width = min(44, max(len(c.address) for c in shown))
    for change in shown:
        told = words.one_line(change) if is_quiet else ""
        tail = " · ".join(part for part in (told, words.why(change)) if part)
        yield f"  {p.of(action)}{words.SIGNS[action]}{p.off} {change.address.ljust(width)}  {tail}".rstrip()
        if not is_quiet:
            yield from _details(change, plan, p)
    if len(shown) < len(group):
        yield f"  {p.dim}… and {len(group) - len(shown):,} more (each one: -o json){p.off}"


def _details(change: Change, plan: Plan, p: Palette) -> Iterator[str]:
    lines = [words.field_line(f, change) for f in change.fields]
    width = max((len(name) for name, _ in lines), default=0)
    for name, how in lines:
        yield f"      {name.ljust(width)}  {how}"
    yield from _asides(change, plan, p)


def _asides(change: Change, plan: Plan, p: Palette) -> Iterator[str]:
    for note in change.notes:
        yield f"      {p.dim}{note}{p.off}"
    if change.address in plan.activity:
        yield f"      {p.caution}{words.size(plan.activity[change.address])} written through it in the last 30 days{p.off}"


def _calendar(plan: Plan, p: Palette) -> Iterator[str]:
    """What is done because its time has come, what waits, and which waits are called off."""
    whole = {c.address: c for c in plan.changes if c.is_due}
    if plan.due:
        yield f"{p.caution}due{p.off}"
        width = min(44, max(len(d.address) for d in plan.due))
        for due in plan.due:
            change = whole.get(due.address)
            sign, tint = (words.SIGNS[change.action], p.of(change.action)) if change else ("~", p.caution)
            yield f"  {tint}{sign}{p.off} {due.address.ljust(width)}  {words.due_line(due)}"
            yield from _asides(change, plan, p) if change else ()
        yield f"  {p.dim}due {plan.due_id}{p.off}"
        yield ""
    if plan.waiting:
        yield f"{p.dim}waiting{p.off}"
        width = min(44, max(len(w.address) for w in plan.waiting))
        shown = plan.waiting if len(plan.waiting) <= MOST_LINES + 10 else plan.waiting[:MOST_LINES]
        yield from (f"    {w.address.ljust(width)}  {words.waiting_line(w)}" for w in shown)
        if len(shown) < len(plan.waiting):
            yield f"    {p.dim}… and {len(plan.waiting) - len(shown):,} more (each one: -o json){p.off}"
        yield ""
    if plan.dropped:
        yield f"{p.good}taken back{p.off}"
        yield from (f"  {p.good}={p.off} {words.dropped_line(d)}" for d in plan.dropped)
        yield ""


def _policy(plan: Plan, p: Palette) -> Iterator[str]:
    if plan.policy is None or not plan.policy.publishes:
        return
    yield f"{p.caution}policy{p.off}"
    yield f"  ~ {plan.policy.path}  {plan.policy.why}"
    shown = plan.policy.lines if len(plan.policy.lines) <= MOST_LINES + 10 else plan.policy.lines[:MOST_LINES]
    yield from (f"      {line}" for line in shown)
    if len(shown) < len(plan.policy.lines):
        yield f"      {p.dim}… and {len(plan.policy.lines) - len(shown):,} more{p.off}"
    yield ""


def _remarks(plan: Plan, p: Palette) -> Iterator[str]:
    remarks = [f"{p.danger}broken{p.off} {text}" for text in plan.broken]
    remarks += [f"{p.caution}warning{p.off} {text}" for text in plan.warnings]
    if plan.unverifiable:
        remarks.append(
            f"{p.dim}unverifiable: {words.counted(len(plan.unverifiable), 'provider secret')} cannot be read back;"
            f" raise `version:` beside one to send it again{p.off}"
        )
    if words.unmanaged(plan):
        remarks.append(f"{p.dim}unmanaged, never touched: {words.unmanaged(plan)}{p.off}")
    shown = (
        remarks
        if len(remarks) <= 30
        else [
            *remarks[:28],
            *remarks[-2:],
            f"{p.dim}… and {len(remarks) - 30:,} more warnings (each one: -o json){p.off}",
        ]
    )
    yield from shown
    if shown:
        yield ""


def _refusal(refusal: Refusal, place: str, p: Palette) -> Iterator[str]:
    yield f"  {p.danger}✗{p.off} {f'{place}: ' if place else ''}{refusal.address}: {refusal.what}"
    if refusal.why:
        yield f"      {refusal.why}"
    yield f"      {refusal.fix}{f' --allow {refusal.allow}' if refusal.allow else ''}"


def fault_text(fault: FbplanError, palette: Palette = PLAIN) -> str:
    """An error: what, where, why, and the next command; a wrong spec with every problem of it."""
    p = palette
    if isinstance(fault, SpecInvalid):
        blocks = [diagnostic_text(d, p) for d in fault.diagnostics]
        return "\n".join([*blocks, f"{p.danger}error{p.off}: {fault.what}", *_labelled(("next", fault.next))]) + "\n"
    return (
        "\n".join(
            [
                f"{p.danger}error{p.off}: {fault.what}",
                *_labelled(("where", fault.where), ("why", fault.why), ("next", fault.next)),
            ]
        )
        + "\n"
    )


def _labelled(*pairs: tuple[str, str]) -> Iterator[str]:
    yield from (f"  {name.ljust(5)} {text}" for name, text in pairs if text)


def diagnostic_text(found: Diagnostic, palette: Palette = PLAIN) -> str:
    """One diagnostic with its code frame."""
    p = palette
    tint = p.caution if found.is_warning else p.danger
    head = (
        f"{found.location}: {tint}{found.code.id}{p.off} {f'{found.address}: ' if found.address else ''}{found.message}"
    )
    return "\n".join(
        [head, *([found.frame] if found.frame else []), *([f"  fix: {found.fix}"] if found.fix else []), ""]
    )
