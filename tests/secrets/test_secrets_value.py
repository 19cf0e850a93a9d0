"""A Secret shows itself only to `reveal()`."""

import copy
import json
import pickle
from dataclasses import dataclass

import pytest
from pydantic import BaseModel, ValidationError

from fbplan.secrets import Secret
from fbplan.secrets.value import LIMIT, Unusable, received, without_final_newline

CANARY = "canary-4f1d"


class Holder(BaseModel):
    secret: Secret


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        ascii,
        "{}".format,
        "{:>20}".format,
        "{!r}".format,
        lambda s: f"{s}",
        lambda s: "%s" % s,  # noqa: UP031 - one more way to print
        lambda s: f"{[s]}",
    ],
)
def test_every_way_to_print_gives_the_mask(show):
    assert show(Secret(CANARY)).strip("[]") == "***"


def test_reveal_gives_the_value():
    assert Secret(CANARY).reveal() == CANARY


def test_json_refuses_and_with_a_default_masks():
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(Secret(CANARY))
    assert json.dumps({"s": Secret(CANARY)}, default=str) == '{"s": "***"}'


def test_pydantic_serialises_the_mask():
    holder = Holder(secret=Secret(CANARY))
    assert holder.model_dump() == {"secret": "***"}
    assert holder.model_dump_json() == '{"secret":"***"}'
    assert holder.secret.reveal() == CANARY


def test_pydantic_wraps_a_plain_string_and_describes_it_as_write_only():
    assert Holder(secret=CANARY).secret == Secret(CANARY)
    assert Holder.model_json_schema()["properties"]["secret"]["writeOnly"] is True
    with pytest.raises(ValidationError, match="a secret is a string"):
        Holder(secret=3)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_is_refused(protocol):
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret(CANARY), protocol)


def test_state_is_not_handed_out():
    with pytest.raises(TypeError):
        Secret(CANARY).__getstate__()
    with pytest.raises(TypeError):
        vars(Secret(CANARY))


def test_a_copy_is_the_secret_itself():
    @dataclass
    class Owner:
        secret: Secret

    owner = Owner(Secret(CANARY))
    assert copy.copy(owner).secret is owner.secret
    assert copy.deepcopy(owner).secret is owner.secret


def test_secrets_equal_secrets_only_and_have_no_hash():
    assert Secret("ä\udcff") == Secret("ä\udcff")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(Secret("a"))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", Unusable("is empty")),
        (b"\xff", Unusable("is not UTF-8 text")),
        (b"a" * LIMIT, Secret("a" * LIMIT)),
        (b"a" * (LIMIT + 1), Unusable("is larger than 64 KiB")),
    ],
    ids=["empty", "not UTF-8", "at the limit", "over the limit"],
)
def test_bytes_become_a_secret_or_the_reason_why_not(raw, expected):
    assert received(raw) == expected


@pytest.mark.parametrize(
    ("raw", "rest"), [(b"a\n", b"a"), (b"a\r\n", b"a"), (b"a\n\n", b"a\n"), (b"a\r", b"a\r"), (b"a", b"a")]
)
def test_exactly_one_trailing_newline_is_dropped(raw, rest):
    assert without_final_newline(raw) == rest
