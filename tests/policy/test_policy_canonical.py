import pytest

from fbplan.policy.canonical import NotCanonical, canonical


@pytest.mark.parametrize(
    "value",
    [1.0, {"a": [1, {"b": 0.5}]}, 2**53, -(2**53), {1: "a"}, float("nan"), b"x", {"a": "\ud800"}, {"\ud800": 1}],
)
def test_what_readers_would_not_agree_on_has_no_canonical_form(value):
    with pytest.raises(NotCanonical):
        canonical(value)


def test_canonical_form_is_sorted_without_spaces_in_utf8():
    assert canonical({"b": [1, True, None], "a": "é\n"}) == '{"a":"é\\n","b":[1,true,null]}'.encode()


def test_nesting_of_any_depth_is_refused_or_written_but_never_crashes():
    deep = []
    for _ in range(200_000):
        deep = [deep]
    with pytest.raises(NotCanonical):
        canonical(deep)
    while deep:  # taken apart by hand: freeing it at once recurses too
        deep = deep[0]
