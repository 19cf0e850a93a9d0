"""httpx without its own command line, which it would import at every start: 40 ms."""

from __future__ import annotations

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
import httpx  # noqa: E402

__all__ = ["httpx"]
