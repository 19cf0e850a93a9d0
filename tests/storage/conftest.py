from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from gcs_server import Gcs
from stand import Stand
from stand import opened as opened_stand
from storage_places import AZURE, S3, TWO_BUCKETS, Hands, in_memory, make_container, opened

from fbplan.storage import Files, Storage

SCHEMES = {"s3": "s3", "gcs": "gs"}


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    server = S3()
    yield server
    server.close()


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.environ().items():
        monkeypatch.setenv(name, value)
    s3_server.script.clear()
    s3_server.calls.clear()
    yield s3_server
    s3_server.goes_on.set()
    s3_server.stopped.clear()
    s3_server.script.clear()
    s3_server.ignores_conditions = False


@pytest.fixture
def azure(azurite_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new container."""
    for name, value in {**AZURE, "AZURE_STORAGE_ENDPOINT": azurite_url}.items():
        monkeypatch.setenv(name, value)
    container = f"c{uuid.uuid4().hex}"
    make_container(azurite_url, container)
    return f"az://{container}"


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[Gcs]:
    server = Gcs()
    yield server
    server.close()


@pytest.fixture
def gcs(gcs_server: Gcs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gcs]:
    for name, value in gcs_server.environ().items():
        monkeypatch.setenv(name, value)
    yield gcs_server
    gcs_server.objects.clear()
    gcs_server.ignores_conditions = False


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture(params=["s3", "gcs", "azure"])
def folder_url(request: pytest.FixtureRequest) -> str:
    """An empty folder in an object store of every kind."""
    where = request.getfixturevalue(request.param)
    return f"{where if request.param == 'azure' else f'{SCHEMES[request.param]}://acme'}/{uuid.uuid4().hex}"


@pytest.fixture(params=["files", "memory", "s3", "azure", "gcs"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty place of every kind: what holds here holds behind the whole interface."""
    match request.param:
        case "files":
            return Files(tmp_path / "ops" / "fbplan.ledger.json")
        case "memory":
            return in_memory()
        case "s3":
            request.getfixturevalue("s3")
            return opened(f"s3://acme/{uuid.uuid4().hex}/ledger.json", tmp_path)
        case "gcs":
            request.getfixturevalue("gcs")
            return opened(f"gs://acme/{uuid.uuid4().hex}/ledger.json", tmp_path)
        case _:
            return opened(f"{request.getfixturevalue('azure')}/team/ledger.json", tmp_path)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with opened_stand(tmp_path / "stand") as found:
        yield found


@pytest.fixture
def place(s3: S3, stand: Stand, tmp_path: Path) -> Storage:
    """An empty place on S3, and the spec of the stand that names it."""
    location = f"s3://acme/{uuid.uuid4().hex}/ledger.json"
    stand.rig.spec(TWO_BUCKETS.format(ledger=location))
    stand.environ |= s3.environ()
    return opened(location, tmp_path)
