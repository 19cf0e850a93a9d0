from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _models_are_read_once() -> Iterator[None]:
    """A boto3 session reads megabytes of JSON, and every router has one: in a process they are read once."""
    from botocore.loaders import JSONFileLoader

    loader, read = JSONFileLoader(), JSONFileLoader.load_file
    known = cache(lambda path: read(loader, path))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JSONFileLoader, "load_file", lambda _self, path: known(path))
        yield


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
def s3(open_s3, request):
    """A world with the caps of the module, if it names any."""
    return open_s3(caps=getattr(request.module, "CAPS", None))
