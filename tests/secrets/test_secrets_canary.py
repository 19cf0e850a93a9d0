"""L3: no repr, dump, error or traceback of this package holds a secret, not even with locals and contexts shown."""

import dataclasses
import json
import os
import pprint
import sys
import traceback

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from fbplan.secrets import (
    Environ,
    EnvSource,
    ExecSink,
    ExecSource,
    External,
    FileSink,
    FileSource,
    IssuedKey,
    Secret,
    SinkRef,
    SourceRef,
)
from fbplan.secrets.dotenv import merged, rendered

# In two parts, so that source lines in a traceback cannot hold it.
CANARY = "canary" + "-d00dfeed"
ENVIRON = Environ({"PATH": os.environ["PATH"], "ODD": CANARY + "\udcff"})
PRINT = "import sys; value = 'canary' + '-d00dfeed'; print(value); print(value, file=sys.stderr)\n"


class Holder(BaseModel):
    issued: IssuedKey
    source: SourceRef
    sink: SinkRef


def issued(secret=CANARY):
    return IssuedKey("api_key.app.writer", "r-1", "AK1", Secret(secret), 1)


def everything_about(error):
    """All that a logger, a crash reporter or a debugger could print, contexts that are hidden included."""
    texts = []
    while error is not None:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        texts += [
            "".join(told.format()),
            repr(error),
            str(error),
            repr(error.args),
            repr(vars(error)) if hasattr(error, "__dict__") else "",
        ]
        texts += [repr(getattr(error, name, "")) for name in ("object", "output", "stderr", "cmd")]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


def failure_of(verb, *arguments):
    """What the error says; the frames above the package, which hold the test's own canaries, are cut off."""
    try:
        verb(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever is raised must be clean
        error.__traceback__ = error.__traceback__.tb_next
        return everything_about(error)
    return pytest.fail("it did not fail")


def test_the_canary_would_be_found():
    def careless():
        value = CANARY
        raise ValueError(len(value))

    assert CANARY in failure_of(careless)


@pytest.mark.parametrize("show", [str, repr, pprint.pformat, dataclasses.asdict, dataclasses.astuple, "{}".format])
def test_an_issued_key_shows_no_secret(show):
    assert CANARY not in str(show(issued()))
    assert "***" in str(show(issued()))


def test_a_model_around_it_dumps_the_mask():
    holder = Holder(issued=issued(), source=EnvSource(env="A"), sink=External())
    for text in (
        repr(holder),
        str(holder.model_dump()),
        holder.model_dump_json(),
        json.dumps(holder.model_dump(mode="json")),
    ):
        assert CANARY not in text
        assert "***" in text


@pytest.mark.parametrize("adapter", [TypeAdapter(SourceRef), TypeAdapter(SinkRef)])
@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        [CANARY],
        {CANARY: None},
        {"value": CANARY},
        {"file": [CANARY]},
        {"file": "a", "value": CANARY},
        {"exec": CANARY},
        {"exec": [CANARY + "\0"]},
        {"exec": ["a"], "timeout": CANARY},
    ],
)
def test_a_secret_in_place_of_a_reference_is_not_repeated(adapter, value):
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    # pydantic's own frame names what it was given, so the frames are left out here
    error = caught.value.with_traceback(None)
    for text in (everything_about(error), str(error.errors()), error.json()):
        assert CANARY not in text


def test_an_environment_prints_no_value():
    assert repr(ENVIRON) == "Environ(***)"
    assert dict(ENVIRON)["ODD"].startswith(CANARY)


def test_failing_sources_do_not_tell(tmp_path):
    (tmp_path / "binary").write_bytes(CANARY.encode() + b"\xff")
    (tmp_path / "large").write_text(CANARY * 10_000)
    sources = [
        EnvSource(env="ODD"),
        FileSource(file="binary"),
        FileSource(file="large"),
        ExecSource(exec=("./print",)),
        ExecSource(exec=("./print", "hang"), timeout=0.2),
    ]
    script = tmp_path / "print"
    script.write_text(f"#!{sys.executable}\n{PRINT}sys.stdout.flush()\nwhile len(sys.argv) > 1: pass\nsys.exit(3)\n")
    script.chmod(0o700)
    for source in sources:
        told = failure_of(source.read, tmp_path, ENVIRON)
        assert CANARY not in told, source.describe()


def test_failing_sinks_do_not_tell(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "full.env").symlink_to("/proc/full.env")
    (tmp_path / "ours.env").write_text(f"OTHER={CANARY}\n")
    script = tmp_path / "print"
    script.write_text(f"#!{sys.executable}\n{PRINT}sys.stdout.flush()\nwhile len(sys.argv) > 1: pass\nsys.exit(3)\n")
    script.chmod(0o700)
    attempts = [
        (FileSink(file="file/x.env"), issued()),
        (FileSink(file="full.env"), issued()),
        (FileSink(file="ours.env"), issued(CANARY + "\n")),
        (FileSink(file="new.env"), issued(CANARY + "\udcff")),
        (ExecSink(exec=("./print",)), issued()),
        (ExecSink(exec=("./print",), format="dotenv"), issued(CANARY + "\n")),
        (ExecSink(exec=("./print", "hang"), timeout=0.2), issued()),
        (ExecSink(exec=("./absent",)), issued()),
        (ExecSink(exec=("./print",)), issued(CANARY * 100_000)),
        (External(), issued()),
    ]
    for sink, key in attempts:
        told = failure_of(sink.store, key, tmp_path, ENVIRON)
        assert CANARY not in told, sink.describe()
        assert "SinkFailed" in told


def test_rendered_lines_are_themselves_a_secret():
    assert repr(rendered(issued())) == "***"
    assert repr(merged(Secret(f"A={CANARY}\n"), issued())) == "***"
