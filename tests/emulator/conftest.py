from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from emulator_api import Api

from fbplan.emulator.app import Emulator
from fbplan.emulator.settings import DEFAULTS


@pytest.fixture
def open_api(tmp_path: Path) -> Iterator[Callable[..., Api]]:
    """Opens an emulator with the given switches; each call gets a folder of its own."""
    with ExitStack() as opened:

        def open_one(**switches: object) -> Api:
            folder = tmp_path / str(sum(1 for _ in tmp_path.iterdir()))
            emulator = Emulator(
                folder, DEFAULTS.with_values({"id_seed": "tests", **switches}), sleep=lambda _seconds: None
            )
            opened.callback(emulator.close)
            return opened.enter_context(Api(emulator))

        yield open_one


@pytest.fixture
def api(open_api: Callable[..., Api]) -> Api:
    return open_api()
