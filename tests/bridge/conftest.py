from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from bridge_rig import Launch, Node, Spoken


@pytest.fixture
def open_node(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    with ExitStack() as opened:

        def open_one(name: str = "node", **switches: object) -> Node:
            node = Node(tmp_path / name, **switches)
            opened.callback(node.close)
            return node

        yield open_one


@pytest.fixture
def node(open_node: Callable[..., Node]) -> Node:
    return open_node()


@pytest.fixture
def speak(node: Node, tmp_path: Path) -> Iterator[Callable[..., Spoken]]:
    """A program that writes to the node: `speak(launch, a=1000, b=None)` with the limit of each bucket."""
    with ExitStack() as opened:

        def speak_with(launch: Launch, **limits: int | None) -> Spoken:
            made = Spoken(node, tmp_path, limits, launch)
            opened.callback(made.close)
            return made

        yield speak_with
