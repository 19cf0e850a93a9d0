"""What applies did: one line each for a person, a document for a program, a table for a page."""

from __future__ import annotations

import json
from collections import Counter

from fbplan.errors import ExitCode
from fbplan.receipts import History, Receipt, receipt_json
from fbplan.render import words
from fbplan.render.human import PLAIN, Palette
from fbplan.render.machine import exit_json
from fbplan.render.markdown import cell, code
from fbplan.render.report import done_told


def summary(receipt: Receipt) -> str:
    """`3 created, policy published, 1 drain begun, 1 failed`."""
    parts = done_told((a.verb, a.result) for a in receipt.actions)
    others = Counter(a.result for a in receipt.actions if a.result not in {"done", "dropped"})
    return ", ".join([*parts, *(f"{n:,} {name}" for name, n in sorted(others.items()))]) or "nothing done"


def vouched(history: History) -> str:
    """What was verified, and what could not be."""
    told = f"{words.counted(len(history.receipts), 'receipt')}, and each holds the hash of the one before"
    if not history.is_anchored:
        return f"{told}; the ledger knows none of them yet: that the newest was changed, or that some are missing after it, would not be seen"
    if history.unanchored:
        lines = words.counted(history.unanchored, "line")
        return f"{told}; the ledger does not know the last {lines} yet: that the newest was changed, or that some are missing after it, would not be seen"
    return f"{told}; the newest is the one that the ledger knows"


def commit(receipt: Receipt) -> str:
    """The short commit, with a + when files differed from it."""
    return receipt.commit[:7] + ("+" if receipt.is_dirty else "") if receipt.commit else ""


def history_text(history: History, shown: tuple[Receipt, ...], palette: Palette = PLAIN) -> str:
    """One line a receipt, newest last."""
    p, lines = palette, []
    for receipt in shown:
        tint = p.good if receipt.exit_code == 0 else p.danger
        parts = [
            f"{receipt.number:>4}",
            receipt.at,
            receipt.who,
            f"{tint}{receipt.exit_name}{p.off}",
            summary(receipt),
            f"policy {receipt.policy_generation}" if receipt.policy_generation is not None else "",
            commit(receipt),
            receipt.run_url,
        ]
        lines.append("  ".join(part for part in parts if part))
    if not history.receipts and not history.newer:
        lines.append("no apply has left a receipt yet")
    lines += [f"{p.caution}{told}{p.off}" for told in history.torn]
    lines += [f"{p.caution}{told}{p.off}" for told in history.newer]
    lines += [f"{p.danger}broken{p.off} {told}" for told in history.broken]
    return "\n".join(lines) + "\n"


def receipt_text(receipt: Receipt, palette: Palette = PLAIN) -> str:
    """One receipt in full."""
    p = palette
    rows = [
        ("receipt", str(receipt.number)),
        ("at", receipt.at),
        ("who", f"{receipt.who} on {receipt.host}" if receipt.host else receipt.who),
        ("run", receipt.run_url),
        ("commit", receipt.commit + (" (files differ from it)" if receipt.is_dirty else "")),
        ("command", receipt.command),
        ("workspace", receipt.workspace),
        ("spec", f"{receipt.spec}  {receipt.spec_digest}"),
        ("plan", receipt.plan_id),
        ("allowed", ", ".join(receipt.allowances)),
        ("policy", f"generation {receipt.policy_generation}" if receipt.policy_generation is not None else ""),
        ("result", f"{receipt.exit_name} (exit {receipt.exit_code}) in {receipt.seconds:.1f} s: {summary(receipt)}"),
        ("lease", receipt.lease),
        ("previous", receipt.previous or "none: it is the first"),
    ]
    lines = [f"{name.ljust(10)} {value}" for name, value in rows if value.strip()]
    for act in receipt.actions:
        tint = p.good if act.result == "done" else p.danger if act.result == "failed" else p.caution
        told = f"  {act.told}" if act.told else ""
        lines.append(f"  {tint}{act.result:<8}{p.off}{act.verb:<8}{act.address}{told}")
    return "\n".join(lines) + "\n"


def history_document(history: History, shown: tuple[Receipt, ...], exit_code: ExitCode) -> str:
    """JSON: the receipts that were asked for, and whether the whole chain holds."""
    body = {
        "format": "fbplan.history",
        "format_version": 1,
        "receipts": [receipt_json(receipt) for receipt in shown],
        "torn": list(history.torn),
        "broken": list(history.broken),
        "newer": list(history.newer),
        "anchored": history.is_anchored,
        "unanchored": history.unanchored,
        "exit": exit_json(exit_code),
    }
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def history_markdown(history: History, shown: tuple[Receipt, ...]) -> str:
    """A table, newest last."""
    lines = ["| | at | who | result | what | policy | commit |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for r in shown:
        number = f"[{r.number}]({r.run_url})" if r.run_url else str(r.number)
        cells = (r.at, r.who, r.exit_name, summary(r), "" if r.policy_generation is None else str(r.policy_generation))
        lines.append(f"| {' | '.join([number, *map(cell, cells), code(commit(r)) if r.commit else ''])} |")
    lines += [f"\n**{cell(told)}**" for told in (*history.torn, *history.newer, *history.broken)]
    return "\n".join(lines) + "\n"


def history_annotations(history: History) -> str:
    """Workflow commands: an error for each place where the chain does not hold."""
    told = [f"::error title=fbplan history::{line}" for line in history.broken]
    told += [f"::warning title=fbplan history::{line}" for line in (*history.torn, *history.newer)]
    return "\n".join([*told, f"::notice title=fbplan history::{len(history.receipts)} receipts"]) + "\n"
