"""No request, however odd, is answered with a 500 or with a body that the OpenAPI file does not know."""

from __future__ import annotations

import json

import pytest
import schemathesis
from emulator_api import Api, openapi
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import response_schema_conformance
from werkzeug.test import Client

from fbplan.emulator.operations import OPERATIONS
from fbplan.emulator.strict import shape

ODD_BODIES = [
    b"", b"{", b"null", b"[]", b"3", b'"text"', b"\xff\xfe", b'{"name": NaN}', b'{"name": "\\ud800"}', b'{"\\udfff": 1}',
    b'{"name": ' + b"9" * 6000 + b"}", b"[" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900, b'{"name": 1e999}', b'{"name": null}',
    b'{"name": {}}', b'{"name": ["x"]}', b'{"name": true}', b'{"name": "x", "name": 2}', b'{"skip": 1e400, "take": -1}',
    b'{"skip": 99999999999999999999, "take": 1}', b'{"day": "0001-01-01T00:00:00+14:00"}', b'{"day": "9999-12-31T23:59:59-14:00"}',
    b'{"rows": [1]}', b'{"repoBuckets": [3], "mode": "NORMAL"}', b'{"repoBuckets": {}, "mode": "NORMAL"}',
    b'{"mode": "NORMAL", "repoBuckets": [{"bucketId": 3}]}', b'{"mode": "NORMAL", "repoBuckets": [{"bucketId": "b", "master": "yes"}]}',
    b'{"name": "\\u0000", "email": "\\u0000", "password": "\\u0000"}', b'{"userId": [], "role": {}}', b'{"faults": [[]]}',
]  # fmt: skip
WRITES = [operation for operation in OPERATIONS if operation.method in {"POST", "PUT"}]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: f"{operation.method} {operation.path}")
def test_odd_bodies_are_refused_and_never_break_the_server(open_api, operation, strict: bool) -> None:
    api = open_api(strict=strict)
    bucket = api.bucket("b")
    repo = api.repository("r")
    ids = iter({"/workspace": api.workspace, "/bucket": bucket, "/repo": repo, "/apikeys": api.credential()}.items())
    known = next((value for prefix, value in ids if operation.path.startswith(prefix)), "x")
    path = shape(operation.path).replace("{}", known, 1).replace("{}", "x")
    for body in ODD_BODIES:
        answer = api.request(operation.method, path, content=body)
        assert answer.status_code < 500, (body[:60], answer.text)


@pytest.mark.parametrize("path", ["usage", "faults", "state", "clock", "settings"])
def test_odd_bodies_do_not_break_the_control_paths(api: Api, path: str) -> None:
    for body in ODD_BODIES:
        assert api.post(f"/_emulator/{path}", content=body).status_code in {200, 400}, body[:60]


ODD_PLACES = [
    "/bucket/%ff%fe/status",
    "/bucket?workspaceId=%ff",
    "/repo?repoId=%00",
    "/bucket/%2F%2E%2E/status",
    "/node?nodeServices=%D9%A3",
]


@pytest.mark.parametrize("place", ODD_PLACES)
def test_odd_paths_and_queries_do_not_break_the_server(api: Api, place: str) -> None:
    path, _, query = place.partition("?")
    answer = Client(api.emulator).get(path, query_string=query, headers={"Authorization": "Bearer any"})
    assert answer.status_code in {200, 400, 404}


@pytest.mark.parametrize("token", ["\u00e9", "a.b.c", "..", "x" * 9000, "\u00ff.\u00ff.\u00ff"])
def test_odd_tokens_do_not_break_the_server(open_api, token: str) -> None:
    answer = Client(open_api(require_login=True).emulator).get("/bucket", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_a_body_that_is_too_large_is_refused(api: Api) -> None:
    assert api.post("/bucket", content=b" " * (17 * 1024 * 1024)).status_code == 413


CHECKS = [not_a_server_error, response_schema_conformance]


def _described() -> list[APIOperation]:
    document = json.loads(json.dumps(openapi()))
    del document["security"]  # the token is the test's own
    for path in [path for path in document["paths"] if "cloud-apikey" in path]:
        del document["paths"][path]
    return [result.ok() for result in schemathesis.openapi.from_dict(document).get_all_operations()]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
@pytest.mark.parametrize("operation", _described(), ids=lambda operation: operation.label)
def test_generated_requests_find_no_500_and_no_unknown_answer(
    open_api, operation: APIOperation, mode: GenerationMode
) -> None:
    api = open_api()
    api.key(api.repository("r", (api.bucket("b"), "f")))
    api.credential()
    api.record({"bucket": "b", "upl_bytes": 5})

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=8,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: schemathesis.Case) -> None:
        case.call_and_validate(app=api.emulator, headers={"Authorization": "Bearer any"}, checks=CHECKS)

    try:
        holds()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # an operation without parameters and body cannot be called wrongly
