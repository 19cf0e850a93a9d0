"""`whoami` and `ledger`: looking, never touching."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from fbplan.cli.options import api_options, spec_argument
from fbplan.cli.output import story
from fbplan.errors import ExitCode, FbplanError

_ROLES = {0: "user", 1: "billing", 2: "workspaces", 254: "admin", 255: "owner"}


@click.command(epilog="\b\nExample:\n  fbplan whoami")
@api_options
def whoami(api_url: str | None, concurrency: int) -> int:
    """Show who is calling: user, role, token expiry, workspaces, quota."""
    from fbplan.cli.connection import connected
    from fbplan.client.api import ReadClient
    from fbplan.client.claims import claims_of
    from fbplan.secrets.environ import Environ

    with connected(api_url, Environ(os.environ), story, concurrency) as session:
        client = ReadClient(session)
        workspaces = client.workspaces()
        claims = claims_of(session.token) if session.token is not None else {}
        user = {**claims, **session.user}
        member = _member(workspaces, str(user.get("userId") or user.get("id") or ""))
        rows = [
            ("user", user.get("email") or member.get("email") or "not told by this token"),
            ("organisation", user.get("orgId") or next((w.get("orgId") for w in workspaces), None) or "not told"),
            ("role", _role(user.get("orgRole", member.get("orgRole")))),
            ("token", _expiry(claims.get("exp"))),
            ("workspaces", ", ".join(sorted(str(w.get("name")) for w in workspaces)) or "none"),
            *_quota(client),
        ]
    for name, value in rows:
        click.echo(f"{name.ljust(13)} {value}")
    return int(ExitCode.OK)


def _member(workspaces: list[Mapping[str, Any]], user_id: str) -> Mapping[str, Any]:
    for workspace in workspaces:
        for entry in workspace.get("users") or []:
            if entry.get("userId") == user_id and isinstance(entry.get("user"), dict):
                return dict(entry["user"])
    return {}


def _role(number: object) -> str:
    return _ROLES.get(number, f"role {number}") if isinstance(number, int) else "not told"


def _expiry(seconds: object) -> str:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return "expiry not told (tokens last about one hour)"
    then = datetime.fromtimestamp(seconds / 1000 if seconds > 10**11 else seconds, UTC)
    left = int((then - datetime.now(UTC)).total_seconds() // 60)
    return (
        f"expires {then:%Y-%m-%d %H:%M} UTC ({left} minutes left)"
        if left >= 0
        else f"expired {then:%Y-%m-%d %H:%M} UTC"
    )


def _quota(client: Any) -> list[tuple[str, str]]:
    try:
        found = client.quota()
    except FbplanError:
        return [("quota", "not told")]
    rows = []
    for row in found.get("quotaUsage") or []:
        capability, usage = row.get("capability") or {}, row.get("usage") or {}
        label = str(capability.get("description") or capability.get("code") or "quota").lower()
        rows.append(("quota", f"{label}: {usage.get('current')} of {usage.get('max')}"))
    return rows


@click.group()
def ledger() -> None:
    """Look at what fbplan owns."""


@ledger.command("list", epilog="\b\nExample:\n  fbplan ledger list")
@spec_argument
def list_(spec: Path) -> int:
    """List what the ledger of a spec owns. Reads no API."""
    from fbplan.journal.recovery import in_force
    from fbplan.spec.load import load_spec
    from fbplan.storage import open_storage

    loaded = load_spec(spec)
    found = in_force(open_storage(loaded.spec.ledger, loaded.folder, spec=loaded.document.label)).ledger
    for address, entry in sorted(found.entries.items()):
        marks = [
            *(["protected"] if entry.protect else []),
            *([f"version {entry.version}"] if entry.version is not None else []),
            *([f"generation {entry.keys[-1].generation}"] if entry.keys else []),
        ]
        click.echo(f"{address}  {entry.id}" + (f"  {', '.join(marks)}" if marks else ""))
    story(f"{len(found.entries):,} owned, serial {found.serial}, policy generation {found.policy_generation or 'none'}")
    return int(ExitCode.OK)
