"""The two states, desired and observed, in one form: compared fields by their spec names, references as addresses."""

from __future__ import annotations

from fbplan.state.desired import Departing, Desired, DesiredState, desired_state
from fbplan.state.matching import Matcher, generation_of
from fbplan.state.observed import Ambiguity, Observed, World, canonical_digest, fingerprint

__all__ = [
    "Ambiguity",
    "Departing",
    "Desired",
    "DesiredState",
    "Matcher",
    "Observed",
    "World",
    "canonical_digest",
    "desired_state",
    "fingerprint",
    "generation_of",
]
