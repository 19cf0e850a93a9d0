"""A world that the tests of drains begin with."""

from __future__ import annotations

import pytest
from draining import T0, app, world
from rig import Rig
from test_findings import done


@pytest.fixture
def running(rig: Rig) -> Rig:
    """Three buckets in one repository that drains for a day, and somebody who watches."""
    rig.now = T0
    rig.spec(world("abc", app("abc")))
    done(rig)
    rig.watch()
    rig.forget_calls()
    return rig
