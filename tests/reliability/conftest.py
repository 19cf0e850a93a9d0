from __future__ import annotations

from collections.abc import Iterator

import pytest
from fault_bench import Bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    found = Bench(tmp_path_factory.mktemp("bench") / "rig")
    yield found
    found.close()
