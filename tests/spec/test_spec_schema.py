"""schemas/spec.schema.json says to an editor what the loader says: it is fresh, takes what is valid, refuses the rest."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fbplan.errors import Code, SpecInvalid
from fbplan.spec.load import load_spec
from fbplan.spec.schema import codes_table, spec_schema

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = json.loads(spec_schema())
VALIDATOR = Draft202012Validator(SCHEMA)
SPEC: dict[str, Any] = {
    "version": 1,
    "workspace": "acme",
    "credentials": {"c": {"provider": "GCP", "key": {"env": "K"}, "secret": {"file": "/run/s"}}},
    "buckets": {
        "a": {
            "bucket": "x",
            "storage_type": "S3",
            "key": "AKIAEXAMPLE",
            "secret": {"exec": ["pass", "x"], "timeout": 3},
            "soft_cap": {"limit": "500GB", "soft": "80%", "hard": "100%"},
        },
        "b": {
            "bucket": "y",
            "storage_type": "BLOB",
            "soft_cap": [{"limit": "unlimited"}, {"limit": 3, "meter": "egress_bytes"}],
        },
    },
    "repositories": {
        "r": {
            "storage_type": "S3",
            "buckets": [{"bucket": "a", "folder": "f"}],
            "api_keys": {"k": {"access": "READ", "sink": "external"}, "l": {"access": "READ", "sink": {"file": "l"}}},
            "routing": {"drain": "1h", "retry": {"per_try": "250ms"}},
        }
    },
    "limits": {"max_change": "30%"},
    "delete": [{"address": "bucket.z", "reason": "gone"}],
}

REFUSED: dict[str, tuple[tuple[Any, ...], Any]] = {
    "null": (("workspace",), None),
    "null in a list": (("repositories", "r", "buckets", 0), None),
    "null resource": (("buckets", "a"), None),
    "unknown key": (("bukets",), {}),
    "unknown key in a bucket": (("buckets", "a", "regoin"), "x"),
    "unknown key in a source": (("buckets", "a", "secret"), {"env": "X", "foo": 1}),
    "literal secret": (("buckets", "a", "secret"), "hunter2"),
    "number as secret": (("buckets", "a", "secret"), 5),
    "two forms": (("buckets", "a", "secret"), {"env": "X", "file": "y"}),
    "key of no form": (("buckets", "a", "key"), {"evn": "X"}),
    "not a variable": (("buckets", "a", "key"), {"env": "not a name"}),
    "empty command": (("buckets", "a", "secret"), {"exec": []}),
    "wrong enum": (("buckets", "a", "storage_type"), "s3"),
    "wrong mode": (("repositories", "r", "mode"), "BACKUP"),
    "wrong access": (("repositories", "r", "api_keys", "k", "access"), "read"),
    "wrong sink": (("repositories", "r", "api_keys", "k", "sink"), "extrenal"),
    "sink without a form": (("repositories", "r", "api_keys", "k", "sink"), {}),
    "name with a space": (("buckets", "a b"), {"bucket": "z", "storage_type": "S3"}),
    "name of a key with a dot": (("repositories", "r", "api_keys", "k.g2"), {"access": "READ", "sink": "external"}),
    "name of a repository": (("repositories", "-r"), {"storage_type": "S3"}),
    "yes": (("buckets", "a", "protect"), "yes"),
    "number as text": (("buckets", "a", "bucket"), 5),
    "text as number": (("limits", "max_deletes"), "5"),
    "below a bound": (("limits", "max_deletes"), -1),
    "bare unit": (("buckets", "a", "soft_cap", "limit"), "500G"),
    "decimal i": (("buckets", "a", "soft_cap", "limit"), "5kiB"),
    "negative size": (("buckets", "a", "soft_cap", "limit"), -1),
    "no percentage": (("buckets", "a", "soft_cap", "soft"), "80"),
    "over 100%": (("buckets", "a", "soft_cap", "hard"), "101%"),
    "a bare host": (("repositories", "r", "routing", "endpoint"), "s3.example.com"),
    "no duration": (("repositories", "r", "routing", "drain"), "90"),
    "milliseconds": (("repositories", "r", "routing", "drain"), "250ms"),
    "list for a mapping": (("buckets",), []),
    "text for a list": (("delete",), "bucket.z"),
    "another version": (("version",), 2),
    "empty name": (("buckets", "a", "name"), ""),
    "removed": (("removed",), []),
    "credits": (("credits",), {}),
}


def changed(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    tree = copy.deepcopy(SPEC)
    parent: Any = tree
    for part in place[:-1]:
        parent = parent[part]
    parent[place[-1]] = value
    return tree


def test_the_schema_in_the_repository_is_fresh() -> None:
    """`fbplan schema spec > schemas/spec.schema.json` makes it anew."""
    assert (ROOT / "schemas" / "spec.schema.json").read_text(encoding="utf-8") == spec_schema()


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_valid_spec_satisfies_loader_and_schema(tmp_path: Path) -> None:
    path = tmp_path / "fbplan.yaml"
    path.write_text(json.dumps(SPEC), encoding="utf-8")
    load_spec(path)
    assert list(VALIDATOR.iter_errors(SPEC)) == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_loader_refuses_by_its_form_the_schema_refuses(tmp_path: Path, name: str) -> None:
    tree = changed(*REFUSED[name])
    path = tmp_path / "fbplan.yaml"
    path.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(SpecInvalid):
        load_spec(path)
    assert list(VALIDATOR.iter_errors(tree)) != []


@pytest.mark.parametrize("place", [("version",), ("buckets", "a", "bucket"), ("delete", 0, "reason")])
def test_the_schema_wants_what_is_required(place: tuple[Any, ...]) -> None:
    tree = copy.deepcopy(SPEC)
    parent: Any = tree
    for part in place[:-1]:
        parent = parent[part]
    del parent[place[-1]]
    assert list(VALIDATOR.iter_errors(tree)) != []


def test_every_property_has_a_description_for_the_editor() -> None:
    models = {"Spec": SCHEMA, **SCHEMA["$defs"]}
    missing = {
        (model, name)
        for model, schema in models.items()
        for name, said in schema.get("properties", {}).items()
        if not said.get("description")
    }
    assert missing == set()


def test_null_and_amounts_of_the_machine_are_nowhere() -> None:
    text = spec_schema()
    assert '"null"' not in text
    assert "300000" not in text


def test_the_codes_are_stable_and_unique() -> None:
    ids = [code.id for code in Code]
    assert len(set(ids)) == len(ids)
    rows = codes_table().splitlines()
    assert rows[:2] == ["| code | meaning |", "| --- | --- |"]
    assert len(rows) == len(ids) + 2
