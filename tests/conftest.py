from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import stand_ins
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


@pytest.fixture(scope="session")
def azurite_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with stand_ins.azurite(tmp_path_factory.mktemp("azurite")) as url:
        yield url


@pytest.fixture(scope="session")
def google_url() -> Iterator[str]:
    with stand_ins.google() as url:
        yield url


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: what is missing there has to be installed, not overlooked."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None and os.environ.get("CI") else []
    for report in skipped:
        print(f"\nskipped in CI: {report.nodeid}: {report.longrepr[2]}")
    if skipped and session.exitstatus == 0:
        session.exitstatus = 1
