"""The conformance vectors: fresh, kept by this implementation, one for each rule, and noticed by a mutant of each rule."""

from __future__ import annotations

import json

import pytest
import vector_cases
import vector_tables
from vector_runner import play

from fbplan.runtime.canonical import canonical
from fbplan.runtime.rules import RULES
from fbplan.runtime.words import why

DOCUMENTS = vector_cases.documents()
INDEX = json.loads((vector_cases.FOLDER / "index.json").read_text(encoding="utf-8"))["vectors"]
STORED = {line["file"]: json.loads((vector_cases.FOLDER / line["file"]).read_text(encoding="utf-8")) for line in INDEX}
WRITES = {name: vector for name, vector in STORED.items() if vector["kind"] == "writes"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_vectors_are_fresh(path):
    assert path.read_text(encoding="utf-8") == DOCUMENTS[path], "python tests/runtime/vector_cases.py"


def test_the_index_names_every_vector():
    assert {p.name for p in vector_cases.FOLDER.glob("*.json")} == {*STORED, "index.json"}


@pytest.mark.parametrize("name", WRITES)
def test_records_are_equal_to_the_byte(name):
    expected = [step["expect"] for step in WRITES[name]["steps"]]
    assert canonical(play(WRITES[name])) == canonical(expected)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_vector_that_notices_when_it_is_gone(rule):
    vectors = [vector for vector in WRITES.values() if rule in vector["rules"]]
    assert vectors, "no vector names this rule"
    noticed = [v for v in vectors if play(v, off=frozenset({rule})) != [step["expect"] for step in v["steps"]]]
    assert noticed == vectors, "a vector that names a rule and does not need it"


def test_no_vector_names_a_rule_that_there_is_not():
    assert {rule for vector in WRITES.values() for rule in vector["rules"]} <= set(RULES)


def test_no_record_names_a_rule_that_there_is_not():
    for vector in WRITES.values():
        for record in play(vector):
            named = {record["rule"]} | {a["rule"] for a in record["attempts"]}
            for decision in record["decisions"]:
                named |= {decision["rule"]} | {c["rule"] for c in decision["candidates"]}
            assert named <= set(RULES)


def test_every_record_can_be_told_in_words():
    for vector in WRITES.values():
        for record in play(vector):
            lines = why(record).splitlines()
            assert len(lines) >= 1 + len(record["attempts"])
            assert all(candidate["bucket"] in why(record) for candidate in record["decisions"][0]["candidates"])


def test_a_fleet_without_a_grant_is_not_told_that_its_cap_is_reached():
    def told(name):
        return [line.split("(")[0].strip().split(", ")[0] for line in why(play(WRITES[name])[0]).splitlines()[1:]]

    assert told("ungranted.json") == ["a  nothing is granted now: 0% used", "b  at its hard cap: 100% used"]
    assert told("simple-full.json") == ["a  at its hard cap: 90% used"]


def test_tables_are_those_of_this_implementation():
    tables = {f"{t['name']}.json": t for t in json.loads(json.dumps(vector_tables.tables()))}
    assert {name: v for name, v in STORED.items() if v["kind"] != "writes"} == tables


def test_the_table_of_classes_is_the_one_of_the_specification():
    found = {(line["status"], line["code"]): line["class"] for line in STORED["classes.json"]["lines"]}
    for code in ("QUOTA_EXCEEDED", "QuotaExceeded", "InsufficientStorage"):
        assert {found[s, code] for s in (403, 429, 507, 400)} == {"quota"}
    assert found[507, ""] == "quota"
    assert {found[429, ""], found[503, "SlowDown"], found[503, "ServerBusy"], found[400, "TooManyRequests"]} == {
        "throttle"
    }
    codes = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthorizationFailure", "forbidden")
    assert {found[401, ""], *(found[403, code] for code in codes)} == {"auth"}
    assert found[403, "RequestTimeTooSkewed"] == "clock"
    assert {found[s, ""] for s in (0, 408, 500, 502, 503, 504)} == {"transient"}
    assert {found[403, ""], found[403, "InternalError"], found[403, "quota_exceeded"]} == {"quota_suspect"}
    assert {found[s, ""] for s in (400, 404, 405, 411, 412, 413)} == {"request"}
