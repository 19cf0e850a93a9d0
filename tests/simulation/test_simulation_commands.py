"""`fbplan policy simulate`, `fbplan policy why` and `fbplan plan --simulate`, as a person or a workflow calls them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from desk import SECRETS
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation_world import GB, MB, Terms, cap, evenly, policy
from werkzeug.test import Client

from fbplan.emulator import open_emulator
from fbplan.render.plot import simulation_svg
from fbplan.render.simulation import simulation_markdown, simulation_text
from fbplan.runtime import Router, Stored, why
from fbplan.runtime.canonical import digest_of
from fbplan.runtime.rules import RULES
from fbplan.simulation.play import simulate
from fbplan.simulation.records import NotARecord, explained, record_in

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/credit-harvesting"


@pytest.fixture
def fbplan(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("FB_", "CI"))}
    environ |= SECRETS | {"FB_API_URL": "emulator:emulator"}

    def run(*arguments, code=0, given=""):
        found = subprocess.run(
            [sys.executable, "-m", "fbplan", *arguments],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            input=given,
            timeout=120,
        )
        assert "Traceback" not in found.stderr
        assert found.returncode == code, found.stderr
        return found.stdout if code == 0 else found.stderr

    return run


def test_a_month_as_a_table(fbplan):
    lines = fbplan("policy", "simulate", "--schedule", "month.yaml").splitlines()

    assert lines[0] == "1 Nov 2026 – 30 Nov 2026, expiring grants"
    assert lines[2].split("  ")[1] == "bucket"
    assert [line.split()[0] for line in lines[3:6]] == ["app-logs-gcp", "app-logs-aws", "app-logs-azure"]
    assert "17 Nov" in lines[3]
    assert any("app-logs-gcp → app-logs-aws" in line for line in lines)
    assert lines[-1] == "no hard cap is passed, never read-only"


def test_a_month_as_a_document(fbplan):
    found = json.loads(fbplan("policy", "simulate", "--schedule", "month.yaml", "-o", "json"))

    assert (found["format"], found["format_version"], found["exit"]["code"]) == ("fbplan.simulation", 1, 0)
    assert (found["from"], found["until"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    assert found["overshoot"] == found["read_only_s"] == 0
    assert "differences" not in found
    gcp = found["buckets"][0]
    assert gcp["bucket"] == "app-logs-gcp"
    (limit,) = gcp["caps"]
    assert (limit["meter"], limit["limit"], limit["soft"]) == ("ingress_bytes", 500 * GB, 400 * GB)
    assert limit["left"] == 500 * GB - gcp["written"]
    assert limit["reached"][0]["soft_at"].startswith("2026-11-17T")
    assert limit["reached"][0]["hard_at"] is None
    (repository,) = found["repositories"]
    assert repository["wanted"] == repository["written"] == sum(b["written"] for b in found["buckets"])


def test_a_policy_against_itself_changes_nothing(fbplan):
    asked = ("policy", "simulate", "--schedule", "month.yaml", "--against", "fbplan.yaml")

    assert "the two policies act alike on this schedule" in fbplan(*asked)
    assert json.loads(fbplan(*asked, "-o", "json"))["differences"] == []


def test_the_comment_of_a_plan_carries_what_the_policy_changes(fbplan, tmp_path):
    fbplan("apply", "--yes")
    spec = (tmp_path / "fbplan.yaml").read_text()
    (tmp_path / "fbplan.yaml").write_text(spec.replace("500GB", "600GB"))
    asked = ("plan", "--simulate", "month.yaml")

    comment = fbplan(*asked, "-o", "md")
    document = json.loads(fbplan(*asked, "-o", "json"))
    notes = fbplan(*asked, "-o", "github").splitlines()

    assert "limit 500 GB → 600 GB" in comment
    assert "| `app-logs-gcp` | written | 399.9 GB | 479.9 GB |" in comment
    assert len(comment) < 60_000
    changed = {(d["subject"], d["figure"]) for d in document["simulation"]["differences"]}
    assert ("app-logs-gcp", "soft cap reached in 2026-11") in changed
    assert ("app-data", "read-only") not in changed
    assert document["format"] == "fbplan.plan"
    assert notes[-1].startswith("::notice title=fbplan simulation::")
    assert "→ 479.9 GB" in notes[-1]


def test_a_wrong_schedule_ends_a_plan_before_the_api_is_asked(fbplan, tmp_path):
    (tmp_path / "month.yaml").write_text("from: 2026-11-01\n")

    told = fbplan("plan", "--simulate", "month.yaml", code=65)

    assert "month.yaml:1:1: FB102 'for' is missing" in told
    assert not (tmp_path / "emulator").exists()


def test_a_history_is_replayed(fbplan, tmp_path):
    fbplan("apply", "--yes")
    today = int(time.time()) // 86_400 * 86_400
    app = open_emulator(tmp_path / "emulator")
    rows = [
        {"bucket": "app-logs-gcp", "repository": "app-data", "upl_bytes": 20 * GB,
         "day": time.strftime("%Y-%m-%d", time.gmtime(today - n * 86_400))}
        for n in range(1, 4)
    ]  # fmt: skip
    try:
        assert Client(app).post("/_emulator/usage", json={"rows": rows}).status_code == 200
    finally:
        app.close()

    found = json.loads(fbplan("policy", "simulate", "--history", "5d", "-o", "json"))

    (repository,) = found["repositories"]
    assert repository["wanted"] == 60 * GB
    assert found["until"] == time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(today))


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 64, "name --schedule FILE, or --history 30d"),
        (("--schedule", "month.yaml", "--history", "5d"), 64, "not both"),
        (("--history", "five"), 64, "not a number of days"),
        (("--history", "5d"), 1, "there is no such policy file"),
        (("--schedule", "absent.yaml"), 65, "absent.yaml:1:1: FB001"),
        (("--schedule", "month.yaml", "--poll", "0s"), 64, "a time that no fleet has"),
        (("--schedule", "month.yaml", "--against", "absent.json"), 1, "there is no such policy file"),
        (("absent.json", "--schedule", "month.yaml"), 1, "there is no such policy file"),
        (("--schedule", "month.yaml", "--plot", "month.yaml/month.svg"), 1, "month.yaml"),
    ],
)
def test_mistakes_are_told(fbplan, arguments, code, told):
    assert told in fbplan("policy", "simulate", *arguments, code=code)


def test_a_plot_is_the_picture_in_the_documents(fbplan, tmp_path):
    fbplan("policy", "simulate", "--schedule", "month.yaml", "--plot", "month.svg")

    assert (tmp_path / "month.svg").read_bytes() == (ROOT / "docs/month.svg").read_bytes()


def picture(*arguments, **more):
    return ET.fromstring(simulation_svg(simulate(*arguments, **more)))  # noqa: S314  # our own


def test_a_plot_shows_caps_read_only_times_and_every_bucket():
    drawn = picture(policy({"a": cap("30GB", "80%"), "b": cap("20GB")}), evenly(4 * GB, 35))

    ns = "{http://www.w3.org/2000/svg}"
    texts = [t.text for t in drawn.iter(f"{ns}text")]
    classes = [e.get("class", "").split()[0] for e in drawn.iter() if e.get("class")]
    assert {"a", "b", "hard 30 GB", "soft 24 GB", "hard 20 GB", "read-only", "1 Nov", "1 Dec"} <= set(texts)
    assert "soft 20 GB" not in texts, "a soft cap that is the hard cap is one line"
    assert classes.count("line") == 2
    assert classes.count("band") == 1
    assert classes.count("turn") == 1


def test_a_plot_stays_in_its_frame():
    drawn = picture(
        policy({n: cap("3GB", "60%") for n in "abc"}, fleet=3), evenly(GB, 70, busy=(8, 20), busy_ppm=900_000)
    )

    width, height = float(drawn.get("width")), float(drawn.get("height"))
    for element in drawn.iter():
        for key, most in (("x", width), ("x1", width), ("x2", width), ("cx", width), ("y", height), ("cy", height)):
            if element.get(key) is not None:
                assert 0 <= float(element.get(key)) <= most
        for pair in (element.get("points") or "").split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height


def test_a_plot_of_very_many_buckets_says_what_it_leaves_out():
    drawn = picture(policy({f"b{n}": cap("1GB") for n in range(20)}), evenly(GB, 3))

    assert "and 8 more buckets" in {t.text for t in drawn.iter()}


def test_a_table_stays_a_table_and_an_overshoot_is_told():
    found = simulate(
        policy({"a": cap("100GB"), "b": None}), evenly(240 * GB, 1), Terms(lag_ms=3_600_000, is_simple=True)
    )

    assert found.overshoot > 0
    assert "over the hard caps" in simulation_text(found, None).splitlines()[-1]
    rows = [line for line in simulation_markdown(found, ()).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {7, 6}


class Bench:
    """A store that takes everything."""

    def put(self, *_, **__):
        return Stored("etag")


@pytest.fixture
def published(fbplan, tmp_path):
    fbplan("apply", "--yes")
    return tmp_path / "routing-policy.json"


def record_of(path):
    records = []
    router = Router.from_file(path, Bench(), on_record=records.append)
    router.put("hello.txt", b"hi")
    return records[0]


def test_a_record_is_told_in_the_words_of_the_chooser(fbplan, published, tmp_path):
    record = record_of(published)
    (tmp_path / "log.jsonl").write_text(json.dumps(record) + "\n\n" + json.dumps(record) + "\n")

    assert fbplan("policy", "why", given=json.dumps(record)) == why(record)
    assert fbplan("policy", "why", "-", given=json.dumps(record)) == why(record)
    assert fbplan("policy", "why", "log.jsonl") == why(record) * 2
    assert json.loads(fbplan("policy", "why", "log.jsonl", "-o", "json")) == [record, record]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "nothing is in there"),
        ("\n{", "stdin:2"),
        ("[1]", "its format is not fbplan.decision/1"),
        ('{"format":"fbplan.decision/1"}', "repository: field required"),
    ],
)
def test_what_is_no_record_is_told(fbplan, given, told):
    assert told in fbplan("policy", "why", given=given, code=64 if not given else 1)


def usage(path, used, grant):
    """A usage file for the published policy, as a poller would write it: the same for each bucket."""
    names = json.loads(path.read_text())["buckets"]
    found = {
        "format": "fbplan.usage/1", "policy_generation": 1, "policy_digest": "sha256:" + "0" * 64, "seq": 7,
        "published_at": "2026-11-20T00:00:00Z", "as_of": "2026-11-19T23:58:00Z", "poll_s": 60, "max_lag_s": 120,
        "buckets": {
            name: {
                "quality": "ok", "expires_at": "2026-11-20T00:01:30Z",
                "meters": {"ingress_bytes": {
                    "period": "2026-11", "used": used[name], "resets_at": "2026-12-01T00:00:00Z",
                    "grants": [
                        {"id": "s", "tier": "soft", "bytes": grant[name]}, {"id": "h", "tier": "hard", "bytes": grant[name]},
                    ],
                }},
            }
            for name in names
        },
    }  # fmt: skip
    whole = {**found, "digest": digest_of(found)}
    (path.parent / "usage.json").write_text(json.dumps(whole))


def test_a_write_that_is_asked_about_names_every_bucket_and_why(fbplan, published):
    usage(
        published,
        {"app-logs-gcp": 500 * GB, "app-logs-aws": 100 * GB, "app-logs-azure": 0},
        {"app-logs-gcp": 0, "app-logs-aws": 400 * MB, "app-logs-azure": 5 * GB},
    )
    asked = (
        "policy", "why", "--policy", "routing-policy.json", "--usage", "usage.json", "--repository", "app-data",
        "--size", "5MB", "--at", "2026-11-20T00:00:30Z",
    )  # fmt: skip

    lines = fbplan(*asked).splitlines()
    found = json.loads(fbplan(*asked, "-o", "json"))

    assert lines[0].startswith("5000000 bytes of app-data would go to app-logs-aws (policy ")
    assert lines[0].endswith("usage 7, 2026-11-20T00:00:30Z)")
    assert [" ".join(line.split()) for line in lines[1:4]] == [
        "app-logs-gcp at its hard cap: 100% used, ask again at 2026-12-01T02:00:00Z (2.closed)",
        "→ app-logs-aws open: 33% used (2.open)",
        "app-logs-azure open: 0% used (2.open)",
    ]
    assert lines[4] == f"rule 5.ordered: {RULES['5.ordered']}"
    assert found["decision"]["bucket"] == "app-logs-aws"
    late = fbplan(*asked[:-1], "2026-11-20T00:02:00Z").splitlines()
    assert late[0].startswith("no bucket would take 5000000 bytes of app-data before ")
    assert all("grant has run out" in line for line in late[1:4])


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("x.jsonl", "--policy", "routing-policy.json"), 64, "either a record or --policy"),
        (("x.jsonl",), 1, "the file cannot be read"),
        (("--policy", "absent.json"), 1, "there is no such policy file"),
        (("--policy", "routing-policy.json", "--usage", "month.yaml"), 1, "the usage file cannot be used"),
        (("--policy", "routing-policy.json", "--repository", "x"), 64, "no repository 'x'"),
        (("--policy", "routing-policy.json", "--size", "5G"), 64, "write 5GB"),
        (("--policy", "routing-policy.json", "--at", "noon"), 64, "not a time"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told(fbplan, published, arguments, code, told):
    assert told in fbplan("policy", "why", *arguments, code=code)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_record_with_anything_in_it_is_told_or_refused(data):
    record = json.loads(RECORD)
    place = record
    for _ in range(data.draw(st.integers(0, 3))):
        inner = [v for v in (place.values() if isinstance(place, dict) else place) if isinstance(v, dict | list) and v]
        if not inner:
            break
        place = data.draw(st.sampled_from(inner))
    key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    place[key] = data.draw(JSON)

    try:
        told = explained(record_in(json.dumps(record)))
    except NotARecord as fault:
        told = str(fault)
    assert all(c.isprintable() or c == "\n" for c in told)


RECORD = json.dumps(
    {
        "format": "fbplan.decision/1", "repository": "r", "writer": "w0", "generation": 3, "seq": 8, "simple": False,
        "size": 5, "at_ms": 1_794_000_000_000, "took_ms": 9, "charged": 5, "alarms": ["auth"], "outcome": "stored",
        "bucket": "b", "rule": "5.ordered", "retry_at_ms": None,
        "decisions": [{
            "at_ms": 1_794_000_000_000, "bucket": "b", "rule": "5.ordered", "retry_at_ms": None,
            "candidates": [
                {"bucket": "a", "tier": "closed", "rule": "2.closed", "retry_at_ms": 1_794_000_060_000, "used": 9, "own": 0, "limit": 9, "room": 0},
                {"bucket": "b", "tier": "open", "rule": "2.open", "retry_at_ms": None, "used": 1, "own": 0, "limit": 9, "room": 8},
            ],
        }],
        "attempts": [
            {"decision": 0, "bucket": "b", "at_ms": 1_794_000_000_000, "end_ms": 1_794_000_000_005, "charge": 5, "status": 503, "code": "SlowDown", "class": "throttle", "rule": "8.throttle", "settled": None, "then": "wait"},
            {"decision": 0, "bucket": "b", "at_ms": 1_794_000_000_005, "end_ms": 1_794_000_000_009, "charge": 5, "status": 200, "code": "", "class": None, "rule": "7.charge", "settled": None, "then": "stored"},
        ],
    }
)  # fmt: skip


def test_a_plot_names_the_repository_that_stands_still():
    subject = policy({"a": cap("20GB"), "b": None}, {"r": ["a"], "s": ["b"]})
    writes = [evenly(2 * GB, 28, name=name).flows[0] for name in ("r", "s")]

    drawn = picture(subject, replace(evenly(GB, 28), flows=tuple(writes)))

    texts = {t.text for t in drawn.iter()}
    assert {"r read-only", "no cap"} <= texts
    assert "read-only" not in texts


def test_a_plot_of_hours_has_hours_on_its_axis():
    texts = {t.text for t in picture(policy({"a": None}), evenly(GB, 1)).iter()}

    assert {"written per hour", "1 Nov", "06:00", "21:00", "2 Nov"} <= texts
