"""Warnings for machines that are thrown away: a CI runner forgets what git does not keep."""

from __future__ import annotations

from pathlib import Path

from fbplan.cli.output import story
from fbplan.plan import Plan
from fbplan.secrets.environ import Environ
from fbplan.storage.location import is_url


def warn_of_lost_ledger(location: str, folder: Path, environ: Environ) -> None:
    """CI runners are thrown away: a ledger that git does not keep is lost with them."""
    if not environ.get("CI") or location == "none" or is_url(location):
        return
    import subprocess

    try:
        tracked = (
            subprocess.run(
                ["git", "ls-files", "--error-unmatch", location],
                cwd=folder,
                capture_output=True,
                check=False,
                timeout=10,
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        tracked = False
    if not tracked:
        story(
            f"warning: CI is set and git does not track {location}: what fbplan owns is forgotten with this machine, and nothing will ever be deleted.\n  Commit the ledger after each apply, or keep it in an object store: `ledger: s3://BUCKET/PATH/ledger.json`."
        )


def warn_of_lost_sinks(plan: Plan, environ: Environ) -> None:
    """A key that is stored in a file of a thrown-away runner is lost with it."""
    lost = [step.address for step in plan.steps if isinstance(step.sink, dict) and "file" in step.sink]
    if environ.get("CI") and lost:
        story(
            f"warning: CI is set and {', '.join(lost)} goes to a file on this machine, where nobody may find it again.\n"
            "  Use an exec sink (a vault), or keep the folder between runs."
        )
