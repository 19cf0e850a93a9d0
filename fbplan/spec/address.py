"""Which resource a place in a spec belongs to."""

from __future__ import annotations

from typing import Any

from fbplan.kinds import KINDS
from fbplan.kinds.base import address_of
from fbplan.spec.document import TreePath

_TOP = {kind.section: kind for kind in KINDS.values() if kind.parent is None}
_NESTED = {kind.section: kind for kind in KINDS.values() if kind.parent is not None}


def address_at(path: TreePath) -> str | None:
    """The address of the resource that a place in the file belongs to."""
    match path:
        case (str(section), str(parent), str(inner), str(name), *_) if section in _TOP and inner in _NESTED:
            return address_of(_NESTED[inner].name, parent, name)
        case (str(section), str(name), *_) if section in _TOP:
            return address_of(_TOP[section].name, name)
    return None


def addresses_in(tree: dict[Any, Any]) -> frozenset[str]:
    """Every address that a file declares, whether or not what it says about it is right."""
    found = set()
    for section in _TOP:
        entries = tree.get(section)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            found.add(address_at((section, name)))
            for inner in _NESTED:
                nested = entry.get(inner) if isinstance(entry, dict) else None
                found |= (
                    {address_at((section, name, inner, key)) for key in nested} if isinstance(nested, dict) else set()
                )
    return frozenset(address for address in found if address is not None)
