"""The policy as something that people and programs already read: constants, environment variables, a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fbplan.errors import FbplanError, UsageFault
from fbplan.kinds.base import Json
from fbplan.policy import literals, wording
from fbplan.policy.compose import UNKNOWN
from fbplan.policy.view import View, views_of

FORMATS = ("json", "env", "markdown", "typescript", "python")

_LITERALS = {
    "env": literals.shell,
    "markdown": literals.markdown,
    "typescript": literals.typescript,
    "python": literals.python,
}


def render(document: Mapping[str, Json], format: str, repository: str | None = None) -> str:  # noqa: A002
    """The document in one of FORMATS, of all repositories or of one.

    Raises UsageFault for an unknown format or repository, and FbplanError where the format cannot say what the
    policy says.
    """
    if format not in FORMATS:
        raise UsageFault(f"'{format}' is no format of a policy", next=f"use one of: {', '.join(FORMATS)}")
    known = document["repositories"]
    if repository is not None and repository not in known:
        raise UsageFault(f"the policy has no repository '{repository}'", next=f"use one of: {', '.join(sorted(known))}")
    if format == "json":
        shown = document if repository is None else _only(document, repository)
        return json.dumps(shown, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    views = views_of(document, sorted(known) if repository is None else [repository])
    if format != "markdown":
        _refuse_unknown(views)
        _refuse_one_name_for_two(views)
    return _from_template(format, generation=int(document["generation"]), views=views)


def _only(document: Mapping[str, Json], repository: str) -> dict[str, Json]:
    """The part of the document about one repository. It bears no digest: it is no policy file."""
    entry = document["repositories"][repository]
    buckets = {
        name: found
        for name, found in document["buckets"].items()
        if repository in found.get("folders", {}) or name in entry["order"]
    }
    return {"generation": document["generation"], "repositories": {repository: entry}, "buckets": buckets}


def _refuse_unknown(views: list[View]) -> None:
    absent = [view.name for view in views if view.repository.repo_id == UNKNOWN]
    if absent:
        raise FbplanError(
            "the policy cannot be rendered as code yet",
            why=f"the id of {', '.join(map(repr, absent))} is not known before it exists",
            next="run: fbplan apply",
        )


def _refuse_one_name_for_two(views: list[View]) -> None:
    if len({view.prefix for view in views}) < len(views):
        raise FbplanError(
            "the policy cannot be rendered in one piece",
            why="two repositories would have constants of one name",
            next="render one at a time, by its name",
        )


def _listed(values: Iterable[str]) -> str:
    found = list(values)
    if any("," in value for value in found):
        raise FbplanError(
            "the policy cannot be rendered as env",
            why="a bucket has a comma in its name, and the list would have two readings",
            next="use typescript, python or json",
        )
    return ",".join(found)


def _from_template(format: str, **facts: Any) -> str:  # noqa: A002
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # the output is no HTML: each template passes every text through `literal`, `key` or `comment`
    environment = Environment(
        loader=PackageLoader("fbplan.policy"),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "literal": _LITERALS[format],
        "key": literals.typescript_key,
        "comment": literals.comment,
        "listed": _listed,
        "limited": lambda limit: "unlimited" if limit is None else str(limit),
        "size": wording.size,
        "share": wording.share,
    }
    environment.filters |= filters
    return environment.get_template(f"{format}.j2").render(**facts)
