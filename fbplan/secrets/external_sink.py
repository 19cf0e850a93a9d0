"""The sink `external`: a key made by hand, whose secret fbplan never sees."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import GetJsonSchemaHandler, model_serializer, model_validator
from pydantic_core import CoreSchema
from typing_extensions import override

from fbplan.secrets.base import IssuedKey, Sink


class External(Sink):
    """The key was made by hand and its secret is kept elsewhere: it is adopted, never issued or rotated."""

    key: ClassVar[str] = "external"
    is_word: ClassVar[bool] = True
    is_readable: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: object) -> object:
        return {} if value == cls.key else value

    @model_serializer
    def _to_word(self) -> str:
        return self.key

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"title": "External", "description": cls.__doc__, "const": cls.key, "examples": [cls.key]}

    @override
    def check(self, folder: Path, environ: Mapping[str, str]) -> None:
        raise self.failed("an external key is never issued", "name a file or exec sink to have fbplan issue the key")

    @override
    def store(self, issued: IssuedKey, folder: Path, environ: Mapping[str, str]) -> None:
        raise self.failed(
            "an external key is never issued", "name a file or exec sink in the spec", address=issued.address
        )

    @override
    def read_back(self, folder: Path) -> str | None:
        return None

    @override
    def describe(self) -> str:
        return self.key
