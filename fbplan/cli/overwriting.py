"""What an output must not take the place of: a ledger, a policy, the secret of a key, a spec."""

from __future__ import annotations

import json
import re
from pathlib import Path

from fbplan.errors import UsageFault

_MOST = 64_000_000
_KEPT = {
    "fbplan.ledger": "a ledger",
    "fbplan.routing": "a routing policy",
    "fbplan.receipt": "receipts",
}
_TEXTS = (
    (re.compile(rb'^[0-9a-f]{8} \{.*"format":"fbplan\.journal/', re.MULTILINE), "a journal"),
    (re.compile(rb"^\s*(export\s+)?FB_KEY_SECRET\s*=", re.MULTILINE), "the secret of an API key"),
    (re.compile(rb"^version:\s*1\s*(#.*)?$", re.MULTILINE), "a spec"),
)


def require_replaceable(path: Path) -> None:
    """Raise UsageFault where something stands that only its owner may replace; a result goes elsewhere."""
    kept = _kept_in(path)
    if kept:
        raise UsageFault(
            f"{kept} stands where the output would go",
            str(path),
            "writing the output there would destroy it",
            "name another path",
        )


def _kept_in(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _MOST:
            return ""
        content = path.read_bytes()
    except OSError:
        return ""  # whoever writes it says why
    if content.lstrip()[:1] == b"{":
        return _KEPT.get(_format_of(content).partition("/")[0], "")
    return next((noun for pattern, noun in _TEXTS if pattern.search(content)), "")


def _format_of(content: bytes) -> str:
    """The format that a document names, or the first line of a log does."""
    for text in (content, content.partition(b"\n")[0]):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            continue
        name = found.get("format") if isinstance(found, dict) else None
        return name if isinstance(name, str) else ""
    return ""
