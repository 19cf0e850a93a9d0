"""Environ: the process environment as a mapping that does not print its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from typing_extensions import override

from fbplan.secrets.value import MASK


class Environ(Mapping[str, str]):
    """Wrap `os.environ` in it once, at the edge: a plain mapping shows every secret in a traceback with locals."""

    __slots__ = ("__variables",)

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.__variables = variables

    @override
    def __getitem__(self, name: str) -> str:
        return self.__variables[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.__variables)

    @override
    def __len__(self) -> int:
        return len(self.__variables)

    @override
    def __repr__(self) -> str:
        return f"Environ({MASK})"
