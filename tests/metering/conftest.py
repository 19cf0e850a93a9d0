from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from metering_world import World
from storage_places import S3


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


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    server = S3()
    yield server
    server.close()


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.environ().items():
        monkeypatch.setenv(name, value)
    s3_server.script.clear()
    return s3_server
