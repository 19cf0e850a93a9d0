"""What of a spec the rules can see: everything, or what is left when the wrong parts are cut out."""

from __future__ import annotations

from dataclasses import dataclass, field

from fbplan.spec.model import Spec
from fbplan.spec.prune import Pruning


@dataclass(frozen=True, slots=True)
class Scope:
    """The addresses of the whole file, and what was cut: a rule about completeness must not judge a rest."""

    declared: frozenset[str] = frozenset()
    """Addresses that the file declares, though what it says about them may be wrong; empty when nothing was cut."""
    pruning: Pruning | None = field(default=None, repr=False)

    def is_whole(self, *path: str | int) -> bool:
        """Whether nothing is missing at this place or below."""
        return self.pruning is None or not self.pruning.touches(path)

    def is_read(self, section: str) -> bool:
        """Whether a section could be read at all; nothing is known of the names in one that could not."""
        return self.pruning is None or not self.pruning.is_gone((section,))

    def names(self, kind: str, known: dict[str, object]) -> set[str]:
        """Every declared name of a kind: those that were read, `known`, and those that could not be."""
        prefix = f"{kind}."
        return {*known, *(a.removeprefix(prefix) for a in self.declared if a.startswith(prefix))}


def declared_addresses(spec: Spec) -> set[str]:
    """Every address that the spec declares."""
    return {
        *(f"credential.{name}" for name in spec.credentials),
        *(f"bucket.{name}" for name in spec.buckets),
        *(f"repository.{name}" for name in spec.repositories),
        *(
            f"api_key.{repository}.{key}"
            for repository, entry in spec.repositories.items()
            for key in entry.api_keys or {}
        ),
    }
