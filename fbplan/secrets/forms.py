"""Forms: the pydantic union of references that are told apart by their only key, with one clear error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from fbplan.secrets.base import Reference
from fbplan.secrets.value import MASK


@dataclass(frozen=True, slots=True)
class Forms:
    """Annotates a field that takes any of `members`: `Annotated[Source, Forms("source", SOURCES)]`.

    Error types are `<noun>_form` for a value of no known form and `<noun>_literal` for a bare string; errors inside
    a form keep pydantic's type. No error carries the input: what stands in the wrong form may be the secret itself.
    """

    noun: str
    members: tuple[type[Reference], ...]

    def __get_pydantic_core_schema__(self, source_type: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {member.key: handler.generate_schema(member) for member in self.members}
        union = core_schema.tagged_union_schema(choices, discriminator=self._key_of)
        return core_schema.no_info_wrap_validator_function(self._validated, union)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # anyOf, because editors explain a failed oneOf badly; the members are closed, so it means the same
        document = handler(schema)
        return {("anyOf" if name == "oneOf" else name): value for name, value in document.items()}

    def _key_of(self, value: object) -> str | None:
        if type(value) is dict and len(value) == 1:  # the common form, asked twice for each of 10,000 buckets
            (only,) = value
            return next((m.key for m in self.members if m.key == only and not m.is_word), None)
        match value:
            case Reference():
                keys = [member.key for member in self.members if isinstance(value, member)]
            case str():
                keys = [member.key for member in self.members if member.is_word and member.key == value]
            case Mapping():
                keys = [member.key for member in self.members if not member.is_word and member.key in value]
            case _:
                keys = []
        return keys[0] if len(keys) == 1 else None

    def _validated(self, value: object, handler: ValidatorFunctionWrapHandler) -> object:
        if self._key_of(value) is None:
            raise ValidationError.from_exception_data(self.noun, [self._wrong_form(value)])
        try:
            return handler(value)
        except ValidationError as error:
            problems = [_masked(problem) for problem in error.errors(include_url=False, include_input=False)]
        # outside of the handler, so that the unmasked error is not the context of this one
        raise ValidationError.from_exception_data(self.noun, problems)

    def _wrong_form(self, value: object) -> InitErrorDetails:
        words = [member.key for member in self.members if member.is_word]
        keys = [member.key for member in self.members if not member.is_word]
        allowed = f"a {self.noun} is a mapping with exactly one of the keys {', '.join(keys)}"
        allowed += "".join(f", or the word {word}" for word in words)
        kind = f"{self.noun}_literal" if isinstance(value, str) else f"{self.noun}_form"
        message = allowed + _hint(value, [*keys, *words])
        return InitErrorDetails(type=PydanticCustomError(kind, "{message}", {"message": message}), input=MASK)


def _masked(problem: Any) -> InitErrorDetails:
    # the first part of the place is the union's tag, which stands nowhere in the YAML
    return InitErrorDetails(
        type=PydanticCustomError(problem["type"], "{message}", {"message": problem["msg"]}),
        loc=tuple(problem["loc"][1:]),
        input=MASK,
    )


def _hint(value: object, known: list[str]) -> str:
    """A suggestion that names what is allowed and never what was written."""
    from difflib import get_close_matches

    written = [value] if isinstance(value, str) else list(value) if isinstance(value, Mapping) else []
    close = [match for word in written for match in get_close_matches(str(word), known, n=1)]
    if len(set(written) & set(known)) > 1:
        return ": keep one of them"
    return f" (did you mean {close[0]}?)" if close else ""
