"""References are closed objects that are told apart by their only key."""

import json

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from fbplan.secrets import EnvSource, ExecSink, ExecSource, External, FileSink, FileSource, SinkRef, SourceRef

SOURCE = TypeAdapter(SourceRef)
SINK = TypeAdapter(SinkRef)


class Bucket(BaseModel):
    secret: SourceRef
    sink: SinkRef = External()


def problems(adapter, value):
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    return [(problem["type"], problem["loc"], problem["msg"]) for problem in caught.value.errors()]


@pytest.mark.parametrize(
    ("adapter", "written", "reference", "description"),
    [
        (SOURCE, {"env": "NAME"}, EnvSource(env="NAME"), "env NAME"),
        (SOURCE, {"file": "a.pem"}, FileSource(file="a.pem"), "file a.pem"),
        (SOURCE, {"exec": ["vault"]}, ExecSource(exec=("vault",)), "exec vault"),
        (SOURCE, {"exec": ["op", "read"], "timeout": 5}, ExecSource(exec=("op", "read"), timeout=5), "exec op read"),
        (SINK, {"file": "a.env"}, FileSink(file="a.env"), "file a.env"),
        (SINK, {"exec": ["vault", "kv", "put"]}, ExecSink(exec=("vault", "kv", "put")), "exec vault kv …"),
        (SINK, {"exec": ["a"], "format": "dotenv"}, ExecSink(exec=("a",), format="dotenv"), "exec a"),
        (SINK, "external", External(), "external"),
    ],
)
def test_every_form_survives_the_way_into_a_plan_and_back(adapter, written, reference, description):
    read = adapter.validate_python(written)
    assert read == reference
    assert read.describe() == description
    assert read.to_json() == written
    assert adapter.validate_json(json.dumps(read.to_json())) == reference
    assert adapter.validate_python(adapter.dump_python(read)) == reference
    assert adapter.validate_json(adapter.dump_json(read)) == reference


def test_a_reference_may_be_given_as_an_object_inside_another_model():
    bucket = Bucket(secret=EnvSource(env="A"))
    assert bucket.model_dump(mode="json") == {"secret": {"env": "A"}, "sink": "external"}
    assert Bucket.model_validate_json(bucket.model_dump_json()) == bucket


@pytest.mark.parametrize("value", [{"evn": "A"}, {}, {"env": "A", "file": "b"}, 3, None, ["env"], {3: 4}])
def test_a_wrong_form_gives_one_error_that_names_the_right_ones(value):
    [(kind, place, message)] = problems(SOURCE, value)
    assert (kind, place) == ("source_form", ())
    assert message.startswith("a source is a mapping with exactly one of the keys env, file, exec")


def test_a_misspelt_key_gets_a_suggestion_and_two_keys_the_advice_to_keep_one():
    assert problems(SOURCE, {"evn": "A"})[0][2].endswith("(did you mean env?)")
    assert problems(SINK, "extern")[0][2].endswith(", or the word external (did you mean external?)")
    assert problems(SOURCE, {"env": "A", "file": "b"})[0][2].endswith(": keep one of them")


def test_a_literal_has_its_own_error_type_and_is_not_repeated():
    [(kind, _, message)] = problems(SOURCE, "canary-literal")
    assert kind == "source_literal"
    assert "canary" not in message
    assert problems(SINK, "vault")[0][0] == "sink_literal"


@pytest.mark.parametrize(
    ("adapter", "value", "kind", "place"),
    [
        (SOURCE, {"env": "$A"}, "string_pattern_mismatch", ("env",)),
        (SOURCE, {"env": 3}, "string_type", ("env",)),
        (SOURCE, {"env": "A", "timeout": 3}, "extra_forbidden", ("timeout",)),
        (SOURCE, {"file": "a\0b"}, "string_pattern_mismatch", ("file",)),
        (SOURCE, {"file": ""}, "string_too_short", ("file",)),
        (SOURCE, {"exec": "vault kv"}, "tuple_type", ("exec",)),
        (SOURCE, {"exec": []}, "too_short", ("exec",)),
        (SOURCE, {"exec": ["a", 3]}, "string_type", ("exec", 1)),
        (SOURCE, {"exec": ["a"], "timeout": 0}, "greater_than", ("timeout",)),
        (SOURCE, {"exec": ["a"], "timeout": "5"}, "float_type", ("timeout",)),
        (SINK, {"exec": ["a"], "format": "yaml"}, "literal_error", ("format",)),
        (SINK, {"env": "A"}, "sink_form", ()),
    ],
)
def test_an_error_inside_a_form_stands_where_the_yaml_has_it(adapter, value, kind, place):
    assert [problem[:2] for problem in problems(adapter, value)] == [(kind, place)]


@pytest.mark.parametrize("reference", [EnvSource(env="A"), FileSink(file="a"), External()])
def test_references_are_frozen_and_hashable(reference):
    with pytest.raises(ValidationError):
        reference.env = "B"
    assert len({reference, reference.model_copy()}) == 1


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_schema_is_any_of_closed_objects_with_descriptions_and_examples(mode):
    schema = Bucket.model_json_schema(mode=mode)
    assert schema["properties"]["secret"]["anyOf"] == [
        {"$ref": "#/$defs/EnvSource"},
        {"$ref": "#/$defs/FileSource"},
        {"$ref": "#/$defs/ExecSource"},
    ]
    assert [member["$ref"] for member in schema["properties"]["sink"]["anyOf"]] == [
        "#/$defs/FileSink",
        "#/$defs/ExecSink",
        "#/$defs/External",
    ]
    word = schema["$defs"].pop("External")
    assert (word["const"], word["examples"]) == ("external", ["external"])
    assert word["description"]
    for definition in schema["$defs"].values():
        assert definition["additionalProperties"] is False
        assert definition["description"]
        assert all(field["description"] and field["examples"] for field in definition["properties"].values())


def test_the_schema_accepts_what_the_models_accept():
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(Bucket.model_json_schema())
    assert validator.is_valid(
        {"secret": {"exec": ["vault", "kv"], "timeout": 5}, "sink": {"exec": ["a"], "format": "dotenv"}}
    )
    assert validator.is_valid({"secret": {"file": "a"}, "sink": "external"})
    for wrong in ({}, {"env": "A", "file": "b"}, {"exec": []}, "literal", {"env": "$A"}):
        assert not validator.is_valid({"secret": wrong})
