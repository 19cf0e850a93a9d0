"""`history`: what applies did, and whether the receipts are whole."""

from __future__ import annotations

from pathlib import Path

import click

from fbplan.cli.options import output_option
from fbplan.cli.output import emit, parse_outputs, remember, story
from fbplan.cli.unlock import storage_of
from fbplan.errors import ExitCode, FbplanError, UsageFault


@click.command(
    epilog="\b\nExamples:\n  fbplan history\n  fbplan history 12\n  fbplan history infra/fbplan.yaml -n 50 -o json\n  fbplan history --verify"
)
@click.argument("words", metavar="[SPEC] [NUMBER]", nargs=-1)
@click.option("-n", "count", type=click.IntRange(0), default=20, show_default=True, help="How many; 0 for all.")
@click.option(
    "--verify",
    is_flag=True,
    help="Exit 1 when a line is no receipt, the chain of hashes does not hold, or the newest receipt that the ledger knows is not there as it was written. Says which lines nothing vouches for yet.",
)
@output_option
def history(words: tuple[str, ...], count: int, verify: bool, outputs: tuple[str, ...]) -> int:
    """Show what each apply did: when, who, from which commit, with which allowances."""
    from fbplan.ledger import read_ledger
    from fbplan.receipts import read_history
    from fbplan.render import history as render

    wanted = parse_outputs(outputs)
    remember(wanted)
    spec, number = _asked(words)
    storage = storage_of(spec)
    try:
        anchor = read_ledger(storage).receipt
    except FbplanError as fault:
        if verify:
            raise
        anchor = None
        story(f"warning: {fault}")
    found = read_history(storage, anchor)
    shown = found.receipts[-count:] if count else found.receipts
    if number is not None:
        shown = tuple(r for r in found.receipts if r.number == number)
        if not shown:
            raise UsageFault(f"there is no receipt {number}", "", f"{len(found.receipts)} are there", "fbplan history")
    code = ExitCode.ERROR if verify and not found.is_vouched_for else ExitCode.OK
    emit(
        wanted,
        {
            "human": lambda p: (
                render.history_text(found, shown, p)
                if number is None
                else "".join(render.receipt_text(r, p) for r in shown)
            ),
            "json": lambda _: render.history_document(found, shown, code),
            "md": lambda _: render.history_markdown(found, shown),
            "github": lambda _: render.history_annotations(found),
        },
    )
    if verify and found.is_vouched_for:
        story(render.vouched(found))
    return int(code)


def _asked(words: tuple[str, ...]) -> tuple[Path, int | None]:
    numbers = [int(w[:18]) for w in words if w.isdecimal()]  # as many digits as any receipt can have
    specs = [Path(w) for w in words if not w.isdecimal()]
    if len(numbers) > 1 or len(specs) > 1:
        raise UsageFault("one spec and one number at most", "", "", "fbplan history [SPEC] [NUMBER]")
    return specs[0] if specs else Path("fbplan.yaml"), numbers[0] if numbers else None
