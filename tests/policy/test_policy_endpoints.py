"""Several endpoints of one repository, from the spec to the policy and what is made of it."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
from policy_guide import GUIDE, content_of, executed, finished, guide
from test_policy_check import problems

from fbplan.errors import SpecInvalid
from fbplan.policy.changes import describe
from fbplan.policy.format import policy_schema
from fbplan.policy.render import render
from fbplan.runtime.policy import read_policy
from fbplan.spec.load import load_spec

ONE, TWO = GUIDE["repositories"]["app-data"]["routing"]["endpoint"], "https://s3-eu-central-1-gcp.flashback.tech"


def stated(endpoint):
    written = guide()
    written["repositories"]["app-data"]["routing"]["endpoint"] = endpoint
    return written


def test_a_list_of_one_is_that_one():
    assert content_of(stated([ONE])) == content_of(GUIDE)


def test_a_reader_that_knows_one_endpoint_uses_the_first_of_several():
    document = finished(stated([TWO, ONE]))
    repository = document["repositories"]["app-data"]
    assert (repository["endpoint"], repository["endpoints"], document["min_reader"]) == (TWO, [TWO, ONE], 1)
    assert list(jsonschema.Draft202012Validator(json.loads(policy_schema())).iter_errors(document)) == []
    read = read_policy(json.dumps(document).encode()).repositories["app-data"]
    assert (read.endpoint, read.endpoints) == (TWO, (TWO, ONE))
    assert read_policy(json.dumps(finished()).encode()).repositories["app-data"].endpoints == ()


def test_a_policy_whose_first_endpoint_is_not_the_one_of_older_readers_is_a_problem(tmp_path):
    document = copy.deepcopy(finished(stated([TWO, ONE])))
    assert problems(tmp_path, document) == []
    document["repositories"]["app-data"]["endpoint"] = ONE
    (problem,) = problems(tmp_path, document)
    assert problem.startswith("repositories.app-data.endpoints: the first is not `endpoint`")


def test_an_endpoint_that_is_no_url_is_a_problem(tmp_path):
    document = copy.deepcopy(finished())
    document["repositories"]["app-data"]["endpoint"] = "s3-us-east-1-aws.flashback.tech"
    (problem,) = problems(tmp_path, document)
    assert problem.startswith("repositories.app-data.endpoint: 's3-us-east-1-aws.flashback.tech' is not a URL")


def test_a_change_of_endpoints_is_told():
    assert describe(finished(), finished(stated([ONE, TWO]))) == (f"app-data: endpoints {ONE}, then {TWO}",)
    assert describe(finished(stated([ONE, TWO])), finished()) == ("app-data: endpoints one or none",)


def test_renderings_name_every_endpoint():
    document = finished(stated([TWO, ONE]))
    assert f"- endpoint `{TWO}`, then `{ONE}`\n- write key" in render(document, "markdown")
    constants = executed(render(document, "python"))
    assert (constants["ENDPOINT"], constants["ENDPOINTS"]) == (TWO, (TWO, ONE))
    assert f'export const ENDPOINTS: readonly string[] = [\n  "{TWO}",\n  "{ONE}",\n];' in render(
        document, "typescript"
    )
    assert "ENDPOINTS" not in render(finished(), "typescript") + render(finished(), "python")
    assert f"FB_S3_ENDPOINT={TWO}\n" in render(document, "env")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("5", "'endpoint' needs a text or a list of texts, not a number"),
        ("{x: 1}", "'endpoint' needs a text or a list of texts, not a mapping"),
        ("''", "'endpoint' is empty"),
        ("[]", "'endpoint' is empty"),
        ("[https://a.x, '']", "item 2 of 'endpoint' is empty"),
        ("[https://a.x, https://b.x, https://a.x]", "'https://a.x' stands twice among the endpoints"),
    ],
)
def test_what_is_no_endpoint_is_told_where_it_stands(tmp_path: Path, written, message):
    path = tmp_path / "fbplan.yaml"
    path.write_text(f"version: 1\nrepositories: {{r: {{storage_type: S3, routing: {{endpoint: {written}}}}}}}\n")
    with pytest.raises(SpecInvalid) as invalid:
        load_spec(path)
    assert [found.message for found in invalid.value.diagnostics] == [message]
