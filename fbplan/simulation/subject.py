"""The policy that is played: the chooser's own reading of a document, and the size of each fleet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fbplan.errors import FbplanError
from fbplan.kinds.base import Json
from fbplan.policy.compose import Content
from fbplan.policy.document import Ids, preview, spec_digest
from fbplan.policy.format import Fleet
from fbplan.policy.published import read_published
from fbplan.runtime.form import Unusable
from fbplan.runtime.policy import Policy, read_policy


@dataclass(frozen=True, slots=True)
class Subject:
    """A policy as the chooser holds it. `fleets` is repository → writers, which the chooser itself need not know."""

    policy: Policy
    fleets: Mapping[str, int]
    content_digest: str

    @property
    def buckets(self) -> tuple[str, ...]:
        """Every bucket: those that are written to in their order, then the others by name."""
        orders = [name for entry in self.policy.repositories.values() for name in entry.order]
        return tuple(dict.fromkeys((*orders, *self.policy.buckets)))


def subject_of(document: Mapping[str, Json], where: str = "") -> Subject:
    """A complete policy document. Raises FbplanError when the chooser would refuse it."""
    try:
        policy = read_policy(json.dumps(document).encode())
    except Unusable as fault:
        raise FbplanError(
            "the chooser cannot use this policy", where, str(fault), "fbplan policy check says what is wrong with it"
        ) from None
    fleets = {
        name: entry.get("fleet", {}).get("size", Fleet().size) for name, entry in document["repositories"].items()
    }
    return Subject(policy, fleets, str(document["content_digest"]))


def subject_of_content(content: Content) -> Subject:
    """The policy that a spec asks for; remote ids do not matter here."""
    return subject_of(preview(content, Ids({}, {}, {}), 1, spec_digest(content)))


def subject_of_file(path: Path) -> Subject:
    """The policy in a file. Raises FbplanError when there is none."""
    return subject_of(published_document(path), str(path))


def published_document(path: Path) -> dict[str, Json]:
    """The document in a file that must be there."""
    found = read_published(path)
    if found.problem is not None:
        raise FbplanError("the policy file cannot be used", str(path), found.problem, "fbplan apply writes it again")
    if found.document is None:
        raise FbplanError("there is no such policy file", str(path), "", "fbplan apply publishes it")
    return found.document
