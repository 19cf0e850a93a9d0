from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest


@pytest.fixture
def web() -> Iterator[object]:
    from web_desk import served

    server = served()
    yield server
    server.close()


@pytest.fixture
def open_s3(tmp_path: Path) -> Iterator[Callable[..., object]]:
    from s3_world import S3World

    with ExitStack() as opened:

        def open_one(**stated: object) -> S3World:
            world = S3World(tmp_path, **stated)
            opened.callback(world.node.close)
            return world

        yield open_one


@pytest.fixture
def s3(open_s3):
    return open_s3()


@pytest.fixture
def world(tmp_path):
    from router_world import World

    return World(tmp_path)
