from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rig import Rig


@pytest.fixture
def open_rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    with ExitStack() as opened:

        def open_one(name: str = "rig", **switches: object) -> Rig:
            rig = Rig(tmp_path / name, **switches)
            opened.callback(rig.close)
            return rig

        yield open_one


@pytest.fixture
def rig(open_rig: Callable[..., Rig]) -> Rig:
    return open_rig()
