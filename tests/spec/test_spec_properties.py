"""Whatever is done to a spec, it loads or is refused with diagnostics that have a place in the file and a fix."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fbplan.errors import SpecInvalid
from fbplan.spec.load import LoadedSpec, load_spec

VALID: dict[str, Any] = {
    "version": 1,
    "workspace": "acme",
    "credentials": {"c": {"provider": "GCP", "key": {"env": "K"}, "secret": {"file": "/run/s"}, "version": 3}},
    "buckets": {
        "a": {
            "bucket": "acme-a",
            "storage_type": "GCS",
            "provider": "gcp",
            "region": "us-east1",
            "credential": "c",
            "soft_cap": {"limit": "500GB", "soft": "80%", "hard": "95%"},
        },
        "b": {
            "name": "B (old)",
            "bucket": "acme-b",
            "storage_type": "S3",
            "endpoint": "https://example.com",
            "key": "AKIAEXAMPLE",
            "secret": {"exec": ["pass", "show", "b"], "timeout": 5},
            "soft_cap": [{"limit": "unlimited"}, {"limit": 12, "meter": "egress_bytes", "period": "none"}],
            "state": "active",
            "protect": True,
        },
    },
    "repositories": {
        "r": {
            "storage_type": "S3",
            "mode": "NORMAL",
            "buckets": [{"bucket": "a", "folder": "x"}, {"bucket": "b", "folder": "y"}],
            "api_keys": {
                "w": {"access": "WRITE", "sink": {"file": "w.env"}, "rotate": {"every": "90d", "overlap": "7d"}},
                "x": {"access": "READ", "sink": {"exec": ["vault", "-"], "format": "dotenv"}},
                "y": {"access": "READ", "sink": "external"},
            },
            "routing": {"endpoint": "https://s3.example.com", "order": ["a", "b"], "fleet": {"size": 1}},
        }
    },
    "policy": {"path": "policy.json"},
    "ledger": "ledger.json",
    "limits": {"max_deletes": 5, "max_change": "30%"},
    "delete": [{"address": "bucket.old", "reason": "credits ended"}],
    "forget": [{"address": "bucket.moved", "reason": "moved"}],
}


def checked(text: str) -> LoadedSpec | SpecInvalid:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fbplan.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            return load_spec(path)
        except SpecInvalid as refused:
            fault = refused
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert fault.diagnostics
    for found in fault.diagnostics:
        assert found.message
        assert found.fix
        assert found.location is not None
        assert found.location.path == str(path)
        assert 1 <= found.location.line <= len(lines)
        assert 1 <= found.location.column <= len(lines[found.location.line - 1]) + 2
        assert not found.is_warning
    return fault


def places_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in inner for place in places_of(child, (*path, key)))]


PLACES = [place for place in places_of(VALID) if place]
ODD: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["external", "unlimited", "500G", "80%", "1d", "a", "b", "S3", "MIRROR", "<<", "yes", "x.g2"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["env", "file", "exec", "str", "limit"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


def test_the_spec_that_is_mutated_is_valid() -> None:
    assert isinstance(checked(json.dumps(VALID)), LoadedSpec)


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_a_mutated_spec_loads_or_is_told(data: st.DataObject) -> None:
    tree = copy.deepcopy(VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.sampled_from(PLACES))
        parent = tree
        for part in place[:-1]:
            try:
                parent = parent[part]
            except (KeyError, IndexError, TypeError):
                break
        else:
            match data.draw(st.sampled_from(["delete", "replace", "add", "move"])), parent:
                case "delete", dict():
                    parent.pop(place[-1], None)
                case "delete", list() if parent:
                    parent.pop()
                case "replace", dict():
                    parent[place[-1]] = data.draw(ODD)
                case "replace", list() if isinstance(place[-1], int) and place[-1] < len(parent):
                    parent[place[-1]] = data.draw(ODD)
                case "add", dict():
                    parent[data.draw(st.text(max_size=6))] = data.draw(ODD)
                case "add", list():
                    parent.append(data.draw(ODD))
                case "move", dict() if place[-1] in parent:
                    parent[place[-1] + data.draw(st.sampled_from(["s", "x", " ", ".g1"]))] = parent.pop(place[-1])
    checked(json.dumps(tree, ensure_ascii=data.draw(st.booleans())))


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_a_text_with_a_few_characters_changed_loads_or_is_told(data: st.DataObject) -> None:
    text = TEXT
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        gone = data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(st.text("\n\t\r \"'{}[]:,#&*!|>-?%@`<~0aé\u2028", max_size=4)) + text[at + gone :]
    checked(text)


@settings(max_examples=250, deadline=None)
@given(st.text(st.characters(codec="utf-8") | st.sampled_from("\n  ::--[]{}&*!|>?'\",#%"), max_size=60))
@example("%TAG")
@example("--- !a\n...\n--- b")
@example("a: !")
@example("\ufeff\ufeffversion: 1")
@example("{a: &a {b: *a}, a: 1}")
def test_any_text_loads_or_is_told(text: str) -> None:
    checked(text)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_load_or_are_told(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fbplan.yaml"
        path.write_bytes(raw)
        with pytest.raises(SpecInvalid) as caught:
            load_spec(path)
        assert caught.value.diagnostics


TEXT = """\
version: 1
workspace: acme-prod                  # name or id
credentials:
  gcp-main: {provider: GCP, key: {env: GCP_CLIENT_EMAIL}, secret: {file: /run/secrets/gcp.pem}, version: 3}
buckets:
  app-logs-gcp:
    bucket: &name acme-app-logs
    storage_type: GCS
    credential: gcp-main
    soft_cap: {limit: 500GB, soft: 80%, hard: 95%}
  app-logs-storj:
    name: "App logs (Storj)"
    bucket: acme-app-logs-cold
    storage_type: S3
    region: *name
    key: |
      AKIAEXAMPLE
    secret: {env: STORJ_SECRET}
repositories:
  app-data:
    storage_type: S3
    buckets: [{bucket: app-logs-gcp, folder: gcp}, {bucket: app-logs-storj, folder: storj}]
    api_keys:
      writer: {access: WRITE, sink: {file: secrets/app-data-writer.env}, rotate: {every: 90d, overlap: 7d}}
      legacy: {access: READ, sink: external}
    routing:
      order:
        - app-logs-gcp
        - app-logs-storj
delete: [{address: bucket.old-logs, reason: credits ended}]
"""
