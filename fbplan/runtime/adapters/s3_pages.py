"""One page of a listing over every bucket of a repository, in the shape of list_objects_v2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fbplan.runtime.adapters.listed import group_of
from fbplan.runtime.finding import Listing, Placed

_MOST = 1000


def page_of(listing: Listing, repository: str, prefix: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The page after `ContinuationToken` or `StartAfter`, with `Delimiter` and `MaxKeys` as S3 has them.

    `FbplanComplete` is False when a bucket did not answer; `FbplanFailed` says which and why.
    """
    delimiter, most, after = asked.get("Delimiter") or "", _most(asked), _after(asked)
    contents: list[dict[str, Any]] = []
    common: list[dict[str, str]] = []
    last, is_truncated = after, False
    for placed in listing.entries:
        key = placed.entry.key
        group = group_of(key, prefix, delimiter)
        # the buckets were asked for what comes after the last one, which of a group are its own keys
        if group is not None and last.startswith(group):
            continue
        if len(contents) + len(common) >= most:
            is_truncated = True
            break
        if group is None:
            contents.append(_line(placed))
            last = key
        else:
            common.append({"Prefix": group})
            last = group
    page: dict[str, Any] = {
        "IsTruncated": is_truncated,
        "Name": repository,
        "Prefix": prefix,
        "MaxKeys": most,
        "KeyCount": len(contents) + len(common),
        "FbplanComplete": listing.is_complete,
        "FbplanFailed": listing.failed,
    }
    # boto3 leaves out what is empty
    found = {"Contents": contents, "CommonPrefixes": common, "Delimiter": delimiter}
    page |= {name: value for name, value in found.items() if value}
    page |= {name: asked[name] for name in ("StartAfter", "ContinuationToken") if name in asked}
    return page | ({"NextContinuationToken": last} if is_truncated else {})


def enough_for(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What to ask of each bucket, so that the page can be made of the answers and little is asked for in vain.

    The first keys of all are among the first of each; but how many keys a group holds is not known before.
    """
    after = _after(asked)
    found: dict[str, Any] = {"StartAfter": after} if after else {}
    return found if asked.get("Delimiter") else found | {"PaginationConfig": {"MaxItems": _most(asked) + 1}}


def _most(asked: Mapping[str, Any]) -> int:
    return min(_MOST, int(asked.get("MaxKeys", _MOST)))


def _after(asked: Mapping[str, Any]) -> str:
    return asked.get("ContinuationToken") or asked.get("StartAfter") or ""


def _line(placed: Placed) -> dict[str, Any]:
    entry = placed.entry
    return {
        **(entry.answer or {"Key": entry.key, "Size": entry.size, "ETag": entry.etag}),
        "FbplanBucket": placed.bucket,
    }
