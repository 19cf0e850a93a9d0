import copy
import json
import os

import jsonschema
import pytest
from policy_guide import GUIDE, content_of, finished
from test_policy_published import sealed

from fbplan.policy.check import check_file
from fbplan.policy.document import Ids, content_digest, preview, spec_digest
from fbplan.policy.format import policy_schema

SCHEMA = "schemas/routing-policy.schema.json"


def problems(tmp_path, document):
    """What is wrong with a document whose digests are right."""
    path = tmp_path / "routing-policy.json"
    document = {**document, "content_digest": content_digest(document)}
    path.write_text(json.dumps(sealed(document)))
    return check_file(path)


def test_a_published_document_has_no_problems(tmp_path):
    assert problems(tmp_path, finished()) == []


def test_what_a_later_fbplan_adds_is_ignored_wherever_it_stands(tmp_path):
    document = copy.deepcopy(finished())
    later = [1, {"new": "x"}]
    repository, bucket = document["repositories"]["app-data"], document["buckets"]["app-logs-gcp"]
    for part in (document, repository, repository["keys"], repository["fleet"], bucket, bucket["meters"][0]):
        part["later"] = later
    assert problems(tmp_path, document) == []


def _order(document):
    document["repositories"]["app-data"]["order"] = ["app-logs-gcp", "gone", "app-logs-aws", "app-logs-aws"]


def _folders(document):
    document["buckets"]["app-logs-gcp"]["folders"]["gone"] = "x"


def _writers(document):
    del document["buckets"]["app-logs-gcp"]["writers"]


def _meters(document):
    document["buckets"]["app-logs-gcp"]["meters"] *= 2
    document["buckets"]["app-logs-aws"]["meters"][0]["soft_ppm"] = 990_000
    document["buckets"]["app-logs-aws"]["meters"][0]["hard_ppm"] = 980_000


def _enum(document):
    document["repositories"]["app-data"]["select"] = {"strategy": "random"}
    document["buckets"]["app-logs-gcp"]["meters"][0]["meter"] = "requests"


def _types(document):
    document["generation"] = "42"
    document["buckets"]["app-logs-gcp"]["folders"] = []
    document["repositories"]["app-data"]["keys"]["write"]["key_id"] = None


def _absent(document):
    del document["repositories"]["app-data"]["order"]
    del document["buckets"]["app-logs-gcp"]["meters"][0]["limit"]


def _name(document):
    document["buckets"]["a/b\n"] = document["buckets"]["app-logs-gcp"]


@pytest.mark.parametrize(
    ("mutate", "expected"),
    [
        (
            _order,
            [
                "repositories.app-data.order: 'gone' is no bucket of the policy",
                "repositories.app-data.order: 'app-logs-aws' stands 2 times",
                "buckets.app-logs-azure.writers: 20, but the fleets that route to it sum to 0",
            ],
        ),
        (_folders, ["buckets.app-logs-gcp.folders: 'gone' is no repository of the policy"]),
        (_writers, ["buckets.app-logs-gcp.writers: 1, but the fleets that route to it sum to 20"]),
        (
            _meters,
            [
                "buckets.app-logs-aws.meters: ingress_bytes: soft_ppm 990000 is above hard_ppm 980000",
                "buckets.app-logs-gcp.meters: 2 caps for ingress_bytes",
            ],
        ),
        (
            _enum,
            [
                "repositories.app-data.select.strategy: input should be 'ordered' or 'latency'",
                "buckets.app-logs-gcp.meters.0.meter: input should be 'ingress_bytes', 'egress_bytes' or 'stored_bytes'",
            ],
        ),
        (
            _types,
            [
                "generation: input should be a valid integer",
                "repositories.app-data.keys.write.key_id: value error, leave the key out instead of null",
                "buckets.app-logs-gcp.folders: input should be a valid dictionary",
            ],
        ),
        (
            _absent,
            [
                "repositories.app-data.order: field required",
                "buckets.app-logs-gcp.meters.0.limit: field required",
            ],
        ),
        (_name, [r"buckets.a/b\n: string should match pattern '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$'"]),
    ],
)
def test_each_fault_is_told_with_its_place(tmp_path, mutate, expected):
    document = copy.deepcopy(finished())
    mutate(document)
    assert problems(tmp_path, document) == expected


def test_an_altered_file_is_told_and_looked_at_all_the_same(tmp_path):
    path = tmp_path / "routing-policy.json"
    altered = copy.deepcopy(finished())
    altered["repositories"]["app-data"]["order"] = ["gone"]
    path.write_text(json.dumps(altered))
    assert check_file(path)[:3] == [
        "its digest does not match: it was altered by hand or damaged",
        "its content_digest does not match its content",
        "repositories.app-data.order: 'gone' is no bucket of the policy",
    ]


def test_a_policy_with_ids_that_are_not_known_was_never_published(tmp_path):
    content = content_of(GUIDE)
    found = problems(tmp_path, preview(content, Ids({}, {}, {}), 1, spec_digest(content)))
    assert len(found) == 6
    assert all(": not known yet" in problem for problem in found)


def test_every_change_of_one_value_in_a_file_is_reported(tmp_path):
    path = tmp_path / "routing-policy.json"

    def places(node, at=()):
        children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in children:
            yield (*at, key)
            yield from places(child, (*at, key))

    for place in list(places(finished())):
        for spoiled in (None, "x", -1, [], {}, "\u202e"):
            document = copy.deepcopy(finished())
            node = document
            for key in place[:-1]:
                node = node[key]
            if node[place[-1]] == spoiled:
                continue
            node[place[-1]] = spoiled
            path.write_text(json.dumps(document))
            found = check_file(path)
            assert found, place
            assert all(line.isprintable() for line in found), found


@pytest.mark.parametrize(
    "raw", [b"", b"\0", b"{", b"[" * 99_999, b"{}", b'{"format":[]}', b"null", b"1e999", b'"\\ud800"']
)
def test_no_file_is_a_traceback(tmp_path, raw):
    path = tmp_path / "routing-policy.json"
    path.write_bytes(raw)
    assert check_file(path)


def test_a_path_without_a_file_is_told(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert check_file(tmp_path / "absent") == ["it cannot be read: No such file or directory"]
    assert check_file(tmp_path) == ["a directory stands there"]
    assert check_file(tmp_path / "fifo") == ["it is not a regular file"]


def test_the_schema_file_is_fresh(pytestconfig):
    written = (pytestconfig.rootpath / SCHEMA).read_text()
    assert written == policy_schema(), (
        f"make {SCHEMA} again: python -c 'from fbplan.policy.format import policy_schema as p; print(p(), end=\"\")' > {SCHEMA}"
    )


def test_the_schema_agrees_with_the_reader():
    validator = jsonschema.Draft202012Validator(json.loads(policy_schema()))
    jsonschema.Draft202012Validator.check_schema(validator.schema)
    assert list(validator.iter_errors(finished())) == []
    for mutate in (_enum, _types, _absent, _name):
        document = copy.deepcopy(finished())
        mutate(document)
        assert list(validator.iter_errors(document)), mutate.__name__


def test_the_schema_states_every_default():
    parts = json.loads(policy_schema())["$defs"]
    stated = {
        f"{part}.{key}"
        for part, body in parts.items()
        for key, field in body["properties"].items()
        if "default" in field
    }
    optional = {
        f"{part}.{key}"
        for part, body in parts.items()
        for key in body["properties"]
        if key not in body.get("required", [])
    }
    assert optional - stated == {
        "Bucket.name", "Bucket.provider", "Bucket.region", "Key.key_id", "Keys.read", "Keys.write", "Repository.endpoint",
        "Repository.endpoints",
    }  # fmt: skip
