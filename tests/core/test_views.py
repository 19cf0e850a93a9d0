"""The same plan in every form, from nothing to 10,000 resources."""

from __future__ import annotations

import dataclasses
import json
import re

import jsonschema
import pytest

from fbplan.errors import Code, Diagnostic, ExitCode, Location, Refused, SinkFailed, SpecInvalid
from fbplan.outcome import Result
from fbplan.plan import (
    Action,
    Change,
    FieldChange,
    Plan,
    PolicyChange,
    Reason,
    Refusal,
    identified,
    plan_schema,
    read_plan,
)
from fbplan.render.human import COLOURED, fault_text, plan_text
from fbplan.render.machine import fault_annotations, plan_annotations, plan_document
from fbplan.render.markdown import BUDGET, plan_markdown, prose
from fbplan.render.problems import fault_markdown


def plan_of(creates: int = 0, deletes: int = 0, updates: int = 0, name: str = "b", **more: object) -> Plan:
    changes = [
        Change(f"bucket.old-{name}-{i:05}", Action.DELETE, Reason.GONE, notes=("the registration only",))
        for i in range(deletes)
    ]
    changes += [
        Change(
            f"bucket.{name}-{i:05}",
            Action.UPDATE,
            Reason.DRIFT,
            fields=(FieldChange("region", "x" * 30, "y" * 30, Reason.DRIFT),),
        )
        for i in range(updates)
    ]
    changes += [
        Change(
            f"bucket.{name}-{i:05}",
            Action.CREATE,
            Reason.SPEC,
            fields=(FieldChange("bucket", None, f"acme-{i}"), FieldChange("region", None, "eu")),
        )
        for i in range(creates)
    ]
    base = {
        "workspace": "acme",
        "workspace_id_digest": "",
        "spec_path": "fbplan.yaml",
        "folder": ".",
        "ledger": "l",
        "spec_digest": "",
        "steps": (),
        "targets": (),
        "preconditions": {},
        "policy": None,
    }
    return identified(Plan(**{**base, "changes": tuple(changes), **more}))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 1, 3, 1_000, 10_000])
def test_the_human_view_stays_readable_at_any_size(size: int) -> None:
    text = plan_text(plan_of(creates=size))
    assert len(text.splitlines()) < 70
    verdict = text.splitlines()[-3 if size else -1]
    assert verdict.startswith("acme: no changes" if size == 0 else f"acme: {size:,} to create")
    assert ("… and" in text) == (size > 50)


def test_the_human_view_never_hides_a_delete() -> None:
    text = plan_text(plan_of(deletes=300, creates=300))
    assert sum(line.startswith("  - bucket.old-") for line in text.splitlines()) == 300
    assert text.index("delete") < text.index("create")


@pytest.mark.parametrize(
    ("creates", "updates", "deletes"), [(10, 10, 3), (2_000, 0, 5), (0, 3_000, 50), (10_000, 10_000, 400)]
)
def test_the_comment_fits_and_never_cuts_a_delete(creates: int, updates: int, deletes: int) -> None:
    text = plan_markdown(plan_of(creates, deletes, updates))
    assert len(text) <= BUDGET
    assert len(set(re.findall(r"bucket\.old-b-\d{5}", text))) == deletes
    assert f"{creates:,} to create" in text or creates == 0


def test_the_comment_loses_fields_before_resources_before_counts() -> None:
    def shape(size: int) -> tuple[bool, bool]:
        text = plan_markdown(plan_of(updates=size, deletes=1))
        return "region" in text, "bucket.b-00000" in text

    assert [shape(n) for n in (10, 900, 5_000)] == [(True, True), (False, True), (False, False)]


def test_hostile_text_stays_inside_the_comment() -> None:
    change = Change(
        "bucket.x",
        Action.UPDATE,
        Reason.SPEC,
        "why | `code` <script>\n# head @team",
        fields=(FieldChange("region", "a`b", "c|d\n### e"),),
    )
    text = plan_markdown(plan_of(changes=(change,)))
    assert "<script>" not in text
    assert "\n# head" not in text
    assert "\n### e" not in text
    assert "@team" not in text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("add `a:` to b_c", "add `a:` to b\\_c"),
        ("a ` alone", "a \\` alone"),
        ("two `` in a row", "two \\`\\` in a row"),
        ("<b>`\n# @team|`", "&lt;b&gt;` # @team\\|`"),
    ],
)
def test_what_a_message_quotes_is_code_and_the_rest_stays_text(written: str, shown: str) -> None:
    assert prose(written) == shown


def test_the_document_validates_and_reads_back() -> None:
    plan = plan_of(
        3,
        2,
        1,
        policy=PolicyChange("p.json", publishes=True, why="missing", content={"body": {}}),
        refusals=(Refusal("protect", "bucket.a", "x", "y", "z", "delete:bucket.a"),),
    )
    document = json.loads(plan_document(plan, ExitCode.REFUSED))
    jsonschema.validate(document, json.loads(plan_schema()))
    assert document["exit"] == {"code": 4, "name": "refused", "retryable": False}
    assert read_plan(json.dumps(document), "x") == plan


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d["changes"][0].update(action="adopt"),
        lambda d: d.update(ledger="other"),
        lambda d: d.pop("steps"),
        lambda d: d.update(format_version=9),
        lambda d: d["changes"][0].update(action="explode"),
    ],
)
def test_an_altered_plan_is_refused(spoil: object) -> None:
    document = json.loads(plan_document(plan_of(2), ExitCode.OK))
    spoil(document)  # type: ignore[operator]
    with pytest.raises(Exception, match=r"plan") as caught:
        read_plan(json.dumps(document), "plan.json")
    assert type(caught.value).__name__ == "FbplanError"


def test_annotations_cannot_be_broken_out_of() -> None:
    plan = plan_of(warnings=("a%\n::error::injected",))
    lines = plan_annotations(plan).splitlines()
    assert all(line.startswith("::") for line in lines)
    assert "%0A::error" in lines[0]
    assert fault_annotations(Refused("a\nb", "w", "y", "n")).count("\n") == 1


REFUSED = Refusal("protect", "bucket.x", "it is protected", "", "take `protect:` out", "")


def test_a_refusal_is_told_at_its_place_in_the_file() -> None:
    plan = plan_of(1, refusals=(REFUSED,), places={"bucket.x": "infra/fbplan.yaml:6:3"})
    assert plan_annotations(plan).startswith(
        "::error file=infra/fbplan.yaml,line=6,col=3,title=fbplan refused::bucket.x: it is protected;"
    )
    assert "- `infra/fbplan.yaml:6:3` `bucket.x`: it is protected — " in plan_markdown(plan)
    nowhere = plan_of(1, refusals=(REFUSED,))
    assert plan_annotations(nowhere).startswith("::error title=fbplan refused::bucket.x: it is protected;")
    assert "- `bucket.x`: it is protected — " in plan_markdown(nowhere)
    assert fault_annotations(Refused("no", "a:b.yaml:7:1", "", "")).startswith(
        "::error file=a%3Ab.yaml,line=7,col=1,title"
    )


def test_a_warning_about_the_spec_is_told_at_its_place_in_the_file() -> None:
    told = plan_annotations(plan_of(1, warnings=("a/fbplan.yaml:8:23: bucket.x: small", "at 10:11:12: odd")))
    assert told.splitlines()[:2] == [
        "::warning file=a/fbplan.yaml,line=8,col=23,title=fbplan::bucket.x: small",
        "::warning title=fbplan::at 10:11:12: odd",
    ]


def test_a_problem_of_a_spec_is_told_with_its_resource_wherever_it_is_told() -> None:
    found = Diagnostic(
        Code.MISSING_KEY, "'storage_type' is missing", "add it", "bucket.a", Location("fbplan.yaml", 4, 3)
    )
    fault = SpecInvalid("the spec has 1 problem", "fbplan.yaml", "", "correct it and run: fbplan validate", (found,))
    assert fault_annotations(fault) == (
        "::error file=fbplan.yaml,line=4,col=3,title=fbplan::FB102 bucket.a: 'storage_type' is missing; add it\n"
    )
    assert fault_markdown(fault) == (
        "### fbplan: the spec has 1 problem\n\n"
        "- `fbplan.yaml:4:3` FB102 `bucket.a`: 'storage\\_type' is missing — add it\n\n"
        "Next: correct it and run: `fbplan validate`\n"
    )
    crowd = fault_markdown(SpecInvalid("many", "", "", "", (found,) * 5_000))
    assert len(crowd) <= BUDGET
    assert re.search(r"- … and \d,\d{3} more: ", crowd)


def test_the_comment_says_that_a_merge_comes_before_the_apply() -> None:
    text = plan_markdown(plan_of(1))
    assert text.endswith("\nTo be applied once this is merged, by the pipeline or by hand: `fbplan apply`\n")
    assert "Next:" not in text


def test_only_a_command_is_set_as_code_in_what_comes_next() -> None:
    text = plan_markdown(plan_of(1, refusals=(REFUSED,)))
    assert text.endswith("\nNext: correct what is refused, then: `fbplan plan`\n")
    opened = plan_markdown(plan_of(1, refusals=(dataclasses.replace(REFUSED, allow="delete:bucket.x"),)))
    assert opened.endswith("\nNext: `fbplan plan --allow delete:bucket.x`\n")


def test_what_cannot_be_read_back_comes_with_the_way_to_send_it_again() -> None:
    text = plan_markdown(plan_of(1, unverifiable=("bucket.x",)))
    assert "cannot be read back; raise `version:` beside one to send it again\n" in text


def test_an_error_says_what_where_why_and_what_next() -> None:
    assert (
        fault_text(SinkFailed("it failed", "api_key.a.b", "no space", "free some"))
        == "error: it failed\n  where api_key.a.b\n  why   no space\n  next  free some\n"
    )
    assert "\x1b[31m" in fault_text(SinkFailed("x"), COLOURED)


def test_every_reason_and_every_result_has_its_words() -> None:
    from fbplan.render.words import REASONS

    assert set(REASONS) == set(Reason)
    assert all(result.as_reason for result in Result)
