"""What must hold between the parts of a spec: references, mirrors, folders, names, caps, intents, files. All offline."""

from __future__ import annotations

from fbplan.errors import Diagnostic
from fbplan.spec.document import Document
from fbplan.spec.model import Spec
from fbplan.spec.rules.caps import cap_rules, caps_of
from fbplan.spec.rules.credentials import credential_rules
from fbplan.spec.rules.files import file_rules
from fbplan.spec.rules.intents import intent_rules
from fbplan.spec.rules.names import name_rules
from fbplan.spec.rules.places import place_rules
from fbplan.spec.rules.references import reference_rules
from fbplan.spec.rules.repositories import repository_rules
from fbplan.spec.rules.routed import endpoint_rules, order_rules, routed_order
from fbplan.spec.rules.scope import Scope, declared_addresses

__all__ = ["Scope", "caps_of", "check", "declared_addresses", "routed_order"]

_RULES = (
    credential_rules,
    reference_rules,
    repository_rules,
    order_rules,
    endpoint_rules,
    cap_rules,
    name_rules,
    intent_rules,
    place_rules,
    file_rules,
)


def check(spec: Spec, document: Document, scope: Scope) -> list[Diagnostic]:
    """Every violation, warnings included; `scope` knows what was wrong in itself and cut out before."""
    return [found for rule in _RULES for found in rule(spec, document, scope)]
