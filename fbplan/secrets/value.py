"""Secret: a string that shows itself to nobody who does not ask with `reveal()`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, Self, final

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

MASK: Final = "***"
LIMIT: Final = 64 * 1024
"""The largest secret in bytes; a key file has a few thousand, so more is a wrong path."""


@final
class Secret:
    """A value that prints, formats and serialises as `***`, compares in constant time and refuses to be pickled."""

    __slots__ = ("__value",)
    __hash__: ClassVar[None]  # type: ignore[assignment]  # a hash would be a fingerprint

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The value. Pass it straight on: a local variable that holds it shows in tracebacks that print locals."""
        return self.__value

    def __repr__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest

        # surrogatepass: comparing must not fail with an error that quotes the value
        return compare_digest(
            self.__value.encode("utf-8", "surrogatepass"), other.__value.encode("utf-8", "surrogatepass")
        )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret has no state to hand out")

    @classmethod
    def __get_pydantic_core_schema__(cls, source_type: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A plain string is wrapped rather than refused: the refusal would quote it."""
        from pydantic_core import core_schema

        return core_schema.union_schema(
            [
                core_schema.is_instance_schema(cls),
                core_schema.no_info_after_validator_function(cls, core_schema.str_schema()),
            ],
            custom_error_type="secret_type",
            custom_error_message="a secret is a string",
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema()),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "password", "writeOnly": True}


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why there is no secret where one was looked for, as the end of a sentence: "is empty"."""

    reason: str


def received(raw: bytes) -> Secret | Unusable:
    """The bytes as a secret. It returns its refusals: the frame of a raised one would hold the bytes."""
    if not raw:
        return Unusable("is empty")
    if len(raw) > LIMIT:
        return Unusable(f"is larger than {LIMIT // 1024} KiB")
    try:
        return Secret(raw.decode())
    except UnicodeDecodeError:
        return Unusable("is not UTF-8 text")


def without_final_newline(raw: bytes) -> bytes:
    """Editors and `echo` end a file with a newline that is no part of the secret; exactly one is dropped."""
    return raw.removesuffix(b"\r\n") if raw.endswith(b"\r\n") else raw.removesuffix(b"\n")
