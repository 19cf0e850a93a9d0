"""Pages of a listing over several buckets: together they are the whole listing, however it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fbplan.runtime.adapters.s3_pages import enough_for, page_of
from fbplan.runtime.finding import Listing, Placed
from fbplan.runtime.transport import Entry

KEYS = st.lists(st.text("ab/", min_size=1, max_size=5), unique=True, max_size=25)


def listing(buckets, prefix, options):
    """What the router gives when each bucket is asked as `enough_for` says."""
    found = {}
    for bucket, held in buckets.items():
        keys = sorted(key for key in held if key.startswith(prefix) and key > options.get("StartAfter", ""))
        for key in keys[: options.get("PaginationConfig", {}).get("MaxItems")]:
            found.setdefault(key, Placed(bucket, Entry(key, 1)))
    return Listing(tuple(found[key] for key in sorted(found)), is_complete=True, failed={})


def expected(keys, prefix, delimiter):
    """As S3 documents it: a group is everything up to the first delimiter after the prefix."""
    whole = []
    for key in sorted(key for key in keys if key.startswith(prefix)):
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        word = key if at < 0 else key[: at + 1]
        if not whole or whole[-1] != word:
            whole.append(word)
    return whole


@given(st.tuples(KEYS, KEYS, KEYS), st.sampled_from(["", "a", "a/"]), st.sampled_from(["", "/"]), st.integers(1, 4))
def test_pages_put_together_are_the_whole_listing(held, prefix, delimiter, most):
    buckets = dict(zip("abc", held, strict=True))
    found, asked = [], {"MaxKeys": most, "Delimiter": delimiter}
    while True:
        page = page_of(listing(buckets, prefix, enough_for(asked)), "app", prefix, asked)
        lines = [line["Key"] for line in page.get("Contents", ())] + [
            line["Prefix"] for line in page.get("CommonPrefixes", ())
        ]
        assert page["KeyCount"] == len(lines) <= most
        found += sorted(lines)
        if not page["IsTruncated"]:
            break
        assert page["KeyCount"] == most
        asked["ContinuationToken"] = page["NextContinuationToken"]
    assert found == expected({key for keys in held for key in keys}, prefix, delimiter)
