"""A client of the emulator that checks every answer against the OpenAPI file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from fbplan.emulator.app import Emulator
from fbplan.emulator.strict import absolute, shape

OPENAPI = Path(__file__).parents[2] / "schemas" / "openapi.yaml"


@cache
def openapi() -> dict[str, Any]:
    return yaml.load(OPENAPI.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 -- both are safe


@cache
def described() -> dict[tuple[str, str], dict[str, Any]]:
    """(method, shape of path) → operation of the file."""
    return {
        (method.upper(), shape(path)): operation
        for path, methods in openapi()["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    }


@cache
def _registry() -> Registry:
    return Registry().with_resource("urn:openapi", DRAFT202012.create_resource(openapi()))


def matching(method: str, path: str) -> dict[str, Any] | None:
    """The operation behind a concrete path; literal segments win over parameters."""
    parts = path.strip("/").split("/")
    found = [
        (template.count("{}"), operation)
        for (verb, template), operation in described().items()
        if verb == method
        and len(template.strip("/").split("/")) == len(parts)
        and all(mine in {"{}", given} for mine, given in zip(template.strip("/").split("/"), parts, strict=True))
    ]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def check_answer(response: httpx.Response) -> None:
    """Assert that the body is what the file says for this operation and status."""
    operation = matching(response.request.method, response.request.url.path)
    error = {"$ref": "#/components/schemas/Error"}
    answers = operation["responses"] if operation else {}
    answer = answers.get(str(response.status_code))
    if answer is None:
        assert response.status_code in {400, 403, 404, 405, 413}, f"{response.request} answers {response.status_code}"
        schema = error
    elif "$ref" in answer:
        schema = openapi()["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]["content"]["application/json"][
            "schema"
        ]
    else:
        schema = answer["content"]["application/json"]["schema"]
    validator = Draft202012Validator(absolute(schema), registry=_registry(), format_checker=FormatChecker())
    mistakes = [f"{mistake.json_path}: {mistake.message}" for mistake in validator.iter_errors(response.json())]
    assert mistakes == [], f"{response.request} {response.status_code}"


class Api(httpx.Client):
    """The API as its owner sees it, in process, with what tests make over and over."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(
            transport=httpx.WSGITransport(app=emulator),
            base_url="http://emulator",
            headers={"Authorization": "Bearer any"},
            event_hooks={"response": [self._check]},
        )
        self.emulator = emulator
        self.checks = True

    def _check(self, response: httpx.Response) -> None:
        if self.checks and not response.request.url.path.startswith("/_emulator"):
            response.read()
            check_answer(response)

    @property
    def workspace(self) -> str:
        return self.get("/workspace").json()["workspaces"][0]["id"]

    def bucket_body(self, name: str, /, **changes: object) -> dict[str, object]:
        body = {
            "name": name,
            "bucket": f"acme-{name}",
            "storageType": "S3",
            "region": "us-east-1",
            "workspaceId": self.workspace,
            "key": "AKIDEXAMPLE",
            "secret": "made-up",
        }
        merged = body | changes
        return {field: value for field, value in merged.items() if value is not None}

    def bucket(self, name: str, /, **changes: object) -> str:
        return self.made("/bucket", self.bucket_body(name, **changes))["bucketId"]

    def credential(self, **changes: object) -> str:
        body = {"workspaceId": self.workspace, "provider": "AWS", "key": "AKIDEXAMPLE", "secret": "made-up"}
        return self.made("/apikeys", body | changes)["apiKeyId"]

    def repository_body(
        self, name: str, /, *buckets: tuple[str, str] | tuple[str, str, bool], **changes: object
    ) -> dict[str, object]:
        attachments = [
            {"bucketId": entry[0], "folder": entry[1], "master": len(entry) == 3 and entry[2]} for entry in buckets
        ]
        body = {
            "name": name,
            "storageType": "S3",
            "mode": "NORMAL",
            "workspaceId": self.workspace,
            "repoBuckets": attachments,
        }
        return body | changes

    def repository(self, name: str, /, *buckets: tuple[str, str] | tuple[str, str, bool], **changes: object) -> str:
        return self.made("/repo", self.repository_body(name, *buckets, **changes))["repoId"]

    def key(self, repo_id: str, name: str = "writer", access: str = "WRITE") -> dict[str, str]:
        return self.made(f"/repo/{repo_id}/apikey", {"name": name, "accessType": access})

    def made(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        answer = self.post(path, json=body)
        assert answer.is_success, answer.text
        assert answer.json()["success"], answer.text
        return answer.json()

    def names(self, path: str) -> list[str]:
        """The names in a listing."""
        listed = self.get(path).json()
        rows = (
            listed if isinstance(listed, list) else next(value for value in listed.values() if isinstance(value, list))
        )
        return [row["name"] for row in rows]

    def script(self, **fault: object) -> None:
        assert self.post("/_emulator/faults", json=fault).status_code == 200

    def record(self, *rows: dict[str, object]) -> None:
        answer = self.post("/_emulator/usage", json={"rows": rows})
        assert answer.status_code == 200, answer.text
