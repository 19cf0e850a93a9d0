from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cloud_front import Front
    from cloud_world import CloudWorld


@pytest.fixture
def web() -> Iterator[object]:
    from web_desk import served

    server = served()
    yield server
    server.close()


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


@pytest.fixture
def world(tmp_path):
    from router_world import World

    return World(tmp_path)


def _front(upstream: str) -> Iterator[Front]:
    from cloud_front import Front

    front = Front(upstream)
    yield front
    front.close()


@pytest.fixture(scope="session")
def google_front(google_url: str) -> Iterator[Front]:
    yield from _front(google_url)


@pytest.fixture(scope="session")
def azure_front(azurite_url: str) -> Iterator[Front]:
    yield from _front(azurite_url)


@pytest.fixture(params=["gcs", "blob"])
def cloud(request: pytest.FixtureRequest) -> CloudWorld:
    """The same three buckets in each cloud: what holds here holds over both SDKs."""
    world: CloudWorld = request.getfixturevalue(request.param)
    return world


@pytest.fixture
def gcs(tmp_path: Path, google_front: Front) -> CloudWorld:
    from cloud_world import Gcs

    return Gcs(tmp_path / "gcs", google_front)


@pytest.fixture
def blob(tmp_path: Path, azure_front: Front) -> CloudWorld:
    from cloud_world import Blob

    return Blob(tmp_path / "blob", azure_front)
