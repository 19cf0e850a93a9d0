"""Strict mode: requests checked against openapi.yaml before anything else looks at them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from fbplan.emulator.answers import Rejected
from fbplan.emulator.call import Operation
from fbplan.errors import FbplanError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

PARAMETER = re.compile(r"<[^>]*>|\{[^}]*\}")
DOCUMENT = "urn:openapi"


def shape(path: str) -> str:
    """A path with its parameters' names taken out: how a route and an OpenAPI path are compared."""
    return PARAMETER.sub("{}", path)


def openapi_text() -> str:
    """The OpenAPI file: beside this module when installed, in `schemas/` in a checkout. Raises FbplanError."""
    installed = files(__package__).joinpath("openapi.yaml")
    if installed.is_file():
        return installed.read_text()
    checkout = Path(__file__).parents[2] / "schemas" / "openapi.yaml"
    try:
        return checkout.read_text()
    except OSError as fault:
        raise FbplanError(what="openapi.yaml is not there", where=str(checkout), why="strict mode reads it") from fault


class Contract:
    """What openapi.yaml allows in a request."""

    def __init__(self) -> None:
        try:
            import yaml
            from jsonschema import Draft202012Validator
            from referencing import Registry
            from referencing.jsonschema import DRAFT202012
        except ImportError as fault:
            raise FbplanError(
                what="strict mode needs jsonschema", why=str(fault), next="pip install 'fbplan[strict]'"
            ) from fault
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        document = yaml.load(openapi_text(), Loader=loader)  # noqa: S506 -- both are safe loaders
        registry = Registry().with_resource(DOCUMENT, DRAFT202012.create_resource(document))
        self._operations: dict[tuple[str, str], _Requests] = {}
        for path, methods in document["paths"].items():
            for method, described in methods.items():
                if method != "parameters":
                    self._operations[method.upper(), shape(path)] = _Requests(described, Draft202012Validator, registry)

    def check(self, operation: Operation, query: Mapping[str, str], document: object) -> None:
        """Raise the 400 of a request that the file forbids."""
        requests = self._operations.get((operation.method, shape(operation.path)))
        if requests is not None:
            requests.check(query, document)


class _Requests:
    """The query parameters and the body of one operation."""

    def __init__(
        self, described: Mapping[str, object], validator: type[Draft202012Validator], registry: object
    ) -> None:
        self._parameters = [parameter for parameter in _list(described.get("parameters")) if parameter["in"] == "query"]
        body = described.get("requestBody")
        self._body: Draft202012Validator | None = None
        self._is_required = False
        if isinstance(body, dict):
            self._is_required = bool(body.get("required"))
            # References in the file count from its root; taken out of it, the schema must name the file.
            schema = absolute(body["content"]["application/json"]["schema"])
            self._body = validator(schema, registry=registry)  # type: ignore[arg-type]  # the registry's type parameter is of no use here

    def check(self, query: Mapping[str, str], document: object) -> None:
        for parameter in self._parameters:
            _check_parameter(str(parameter["name"]), query, parameter)
        if self._body is None or (document is None and not self._is_required):
            return
        if document is None:
            raise Rejected(400, "A request body is required")
        mistake = next(iter(self._body.iter_errors(document)), None)
        if mistake is not None:
            # The message of jsonschema quotes the value, which may be a secret: only the place and the rule are told.
            place = "/".join(str(part) for part in mistake.absolute_path) or "body"
            raise Rejected(400, f"{place} breaks the rule {mistake.validator!r} of openapi.yaml")


def _list(value: object) -> list[Mapping[str, object]]:
    return value if isinstance(value, list) else []


def absolute(schema: object) -> object:
    """A schema of the file whose references hold outside of the file, too."""
    if isinstance(schema, dict):
        return {
            name: f"{DOCUMENT}{value}" if name == "$ref" and isinstance(value, str) else absolute(value)
            for name, value in schema.items()
        }
    return [absolute(member) for member in schema] if isinstance(schema, list) else schema


def _check_parameter(name: str, query: Mapping[str, str], parameter: Mapping[str, object]) -> None:
    schema = parameter["schema"]
    assert isinstance(schema, dict)  # noqa: S101 -- the file is our own
    text = query.get(name)
    if text is None:
        if parameter.get("required"):
            raise Rejected(400, f"{name} is required")
        return
    is_whole = re.fullmatch(r"-?\d{1,18}", text, re.ASCII) is not None
    if schema.get("type") == "integer" and not is_whole:
        raise Rejected(400, f"{name} must be an integer")
    if "enum" in schema and text not in schema["enum"]:
        raise Rejected(400, f"{name} is not one of the allowed values")


@cache
def contract() -> Contract:
    """The contract, read once per process."""
    return Contract()
