"""A local server of the Flashback management API: to try fbplan, to rehearse a change, and for CI.

It is shaped by `schemas/openapi.yaml` and by `api/README.md` alone, so that a wrong wire name anywhere else in
fbplan fails a test here instead of agreeing with itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fbplan.emulator.settings import DEFAULTS, Settings, Switch, switches

if TYPE_CHECKING:
    from fbplan.emulator.app import Emulator

__all__ = ["DEFAULTS", "Settings", "Switch", "open_emulator", "serve", "switches"]


def open_emulator(folder: Path, settings: Settings = DEFAULTS) -> Emulator:
    """Open the organisation kept in `folder`, fresh when there is none. Raises LockHeld when another has it open."""
    from fbplan.emulator.app import Emulator

    return Emulator(folder, settings)


def serve(
    emulator: Emulator, host: str, port: int, on_ready: Callable[[str], None], bridge_port: int | None = None
) -> None:
    """Serve over HTTP until SIGINT or SIGTERM; `on_ready` receives the base URL. Raises FbplanError.

    With `bridge_port` an S3 endpoint over the attached buckets listens there, at `emulator.bridge.url`.
    """
    from fbplan.emulator.server import serve as serve_forever

    serve_forever(emulator, host, port, on_ready, bridge_port)
