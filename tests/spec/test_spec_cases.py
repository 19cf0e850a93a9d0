"""Every rule of a spec by example: cases/NAME.yaml is told exactly as cases/NAME.txt says.

A line of NAME.txt is `LINE:COLUMN CODE [ADDRESS] MESSAGE → FIX`; warnings come last and start with `warning`.
`FBPLAN_BLESS=1 pytest tests/spec` writes the expectations anew: read the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fbplan.errors import Code, Diagnostic, SpecInvalid
from fbplan.spec.load import load_spec
from fbplan.spec.rules import caps_of, declared_addresses, routed_order

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))
BY_OTHER_TESTS = {Code.UNREADABLE}  # a file that cannot be read is no file in a folder: test_spec_hostile.py


def told(path: Path) -> str:
    try:
        found = load_spec(path).warnings
    except SpecInvalid as fault:
        found = fault.diagnostics
    return "".join(line(d) for d in found)


def line(found: Diagnostic) -> str:
    place = f"{found.location.line}:{found.location.column}" if found.location else "nowhere"
    head = f"{'warning ' if found.is_warning else ''}{place} {found.code.id}"
    return f"{head}{f' {found.address}' if found.address else ''} {found.message} → {found.fix}\n"


@pytest.mark.parametrize("name", NAMES)
def test_each_problem_is_told_with_its_place_and_its_fix(name: str) -> None:
    expectation = CASES / f"{name}.txt"
    actual = told(CASES / f"{name}.yaml")
    if os.environ.get("FBPLAN_BLESS"):
        expectation.write_text(actual, encoding="utf-8")
    assert actual == expectation.read_text(encoding="utf-8")


def test_every_code_has_a_case() -> None:
    written = "".join((CASES / f"{name}.txt").read_text(encoding="utf-8") for name in NAMES)
    assert {code for code in Code if f" {code.id} " not in written} == BY_OTHER_TESTS


@pytest.mark.parametrize("name", NAMES)
def test_a_caret_stands_under_the_column(name: str) -> None:
    try:
        found = load_spec(CASES / f"{name}.yaml").warnings
    except SpecInvalid as fault:
        found = fault.diagnostics
    for diagnostic in found:
        if diagnostic.frame:
            rows = diagnostic.frame.split("\n")
            marked = next(index for index, row in enumerate(rows) if row.startswith(">"))
            assert int(rows[marked].split("|")[0].strip("> ")) == diagnostic.location.line
            assert rows[marked + 1].strip("| ") == "^"


def test_the_order_of_problems_is_the_order_of_the_file() -> None:
    with pytest.raises(SpecInvalid) as first:
        load_spec(CASES / "bad_values.yaml")
    with pytest.raises(SpecInvalid) as second:
        load_spec(CASES / "bad_values.yaml")
    places = [(d.location.line, d.location.column) for d in first.value.diagnostics if d.location]
    assert places == sorted(places)
    assert first.value.diagnostics == second.value.diagnostics
    assert len(places) > 20


def test_the_spec_of_the_design_is_valid_and_keeps_its_amounts_exact(tmp_path: Path) -> None:
    path = tmp_path / "fbplan.yaml"
    path.write_text(FULL, encoding="utf-8")
    loaded = load_spec(path)
    assert loaded.warnings == ()
    spec = loaded.spec
    (cap,) = caps_of(spec.buckets["app-logs-gcp"])
    assert (cap.limit, cap.soft, cap.hard) == (500_000_000_000, 800_000, 950_000)
    rotate = spec.repositories["app-data"].api_keys["writer"].rotate
    assert (rotate.every, rotate.overlap) == (90 * 86_400, 7 * 86_400)
    assert (spec.limits.max_deletes, spec.limits.max_change, spec.ledger) == (5, 300_000, "fbplan.ledger.json")
    assert routed_order("app-data", spec.repositories["app-data"]) == ["app-logs-gcp", "app-logs-storj"]
    assert declared_addresses(spec) == {
        "credential.gcp-main",
        "bucket.app-logs-gcp",
        "bucket.app-logs-storj",
        "repository.app-data",
        "api_key.app-data.writer",
        "api_key.app-data.reader",
        "api_key.app-data.legacy",
    }


def test_omitted_is_not_managed_and_an_empty_list_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "fbplan.yaml"
    path.write_text("version: 1\nrepositories: {a: {storage_type: S3}, b: {storage_type: S3, buckets: []}}\n")
    repositories = load_spec(path).spec.repositories
    assert (repositories["a"].buckets, repositories["b"].buckets) == (None, [])


FULL = """\
version: 1
workspace: acme-prod
credentials:
  gcp-main: {provider: GCP, key: {env: GCP_CLIENT_EMAIL}, secret: {file: /run/secrets/gcp.pem}, version: 3}
buckets:
  app-logs-gcp:
    bucket: acme-app-logs
    storage_type: GCS
    provider: gcp
    region: us-east1
    credential: gcp-main
    soft_cap: {limit: 500GB, soft: 80%, hard: 95%}
  app-logs-storj:
    name: "App logs (Storj)"
    bucket: acme-app-logs-cold
    storage_type: S3
    provider: storj
    region: eu1
    endpoint: https://gateway.storjshare.io
    key: {env: STORJ_KEY}
    secret: {env: STORJ_SECRET}
    soft_cap: {limit: unlimited}
    state: active
    protect: true
repositories:
  app-data:
    storage_type: S3
    mode: NORMAL
    buckets: [{bucket: app-logs-gcp, folder: gcp}, {bucket: app-logs-storj, folder: storj}]
    api_keys:
      writer: {access: WRITE, sink: {file: secrets/app-data-writer.env}, rotate: {every: 90d, overlap: 7d}}
      reader: {access: READ, sink: {exec: [vault, kv, put, fb/app-data/reader, "-"]}}
      legacy: {access: READ, sink: external}
    routing:
      endpoint: https://s3-us-east-1-aws.flashback.tech
      order: [app-logs-gcp, app-logs-storj]
      fleet: {size: 1}
policy: {path: routing-policy.json}
ledger: fbplan.ledger.json
limits: {max_deletes: 5, max_change: 30%}
delete: [{address: bucket.old-logs, reason: credits ended}]
forget: [{address: bucket.team-b, reason: moved}]
"""


def test_messages_are_quiet() -> None:
    for name in NAMES:
        for told_line in (CASES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            message, fix = told_line.split(" → ")
            assert "!" not in told_line, told_line
            assert fix.strip(), told_line
            assert "Input" not in message
            assert "pydantic" not in told_line
