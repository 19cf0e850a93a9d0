from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from metering_world import World


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    with ExitStack() as opened:

        def open_one(*names: str, **settings: object) -> World:
            world = World(tmp_path, *names, **settings)
            opened.callback(world.close)
            return world

        yield open_one


@pytest.fixture
def world(open_world: Callable[..., World]) -> World:
    return open_world()
