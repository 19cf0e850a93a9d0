"""Between the API's words and ours: reading a listed object, building a request body. Pure, driven by the kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fbplan.kinds.base import Field, Json, Kind, Trait
from fbplan.state import Observed

MARKER = "[fbplan:{}]"


def observed_from(kind: Kind, raw: Mapping[str, Any], parent_id: str | None = None) -> Observed:
    """One listed object in our form. Unknown fields are passed over, `null` and absent are the same."""
    fields = {facts.name: value for facts in kind.compared if (value := _read(facts, raw)) is not None}
    return Observed(
        kind=kind.name,
        id=str(raw.get("id", "")),
        name=_name(kind, raw),
        fields=fields,
        parent_id=parent_id,
        key_id=_text(raw.get("key")) if kind.reveals_secret else None,
        status=_text(raw.get("status")),
        created_at=_text(raw.get("createdAt")),
        is_web3=bool(raw.get("walletAddress")),
        carried=_carried(kind, raw),
        children=len(raw["apiKeys"]) if kind.routes and isinstance(raw.get("apiKeys"), list) else 0,
    )


def _name(kind: Kind, raw: Mapping[str, Any]) -> str:
    """The live name; an object without one bears a marker in a field that fbplan wrote."""
    if kind.marker_field is None:
        return str(raw.get(kind.name_wire) or "")
    text = str(raw.get(kind.marker_field) or "")
    start, end = MARKER.split("{}")
    return text.split(start, 1)[1].split(end, 1)[0] if start in text else f"(no marker) {raw.get('id', '')}"


def _read(facts: Field, raw: Mapping[str, Any]) -> Json:
    wire = facts.wire
    if wire is None:
        return None
    value = next((raw[name] for name in (*wire.read, wire.write) if raw.get(name) is not None), None)
    if value is not None and wire.decode is not None:
        value = wire.decode(value)
    if facts.items and value is not None:
        names = {f.wire.write: f.name for f in facts.items if f.wire is not None}
        return [
            {ours: item[theirs] for theirs, ours in names.items() if item.get(theirs) is not None} for item in value
        ]
    return value


def _carried(kind: Kind, raw: Mapping[str, Any]) -> dict[str, Json]:
    """AI attachments, to be sent back as they are: `aiLlmId`, else `id`; with neither, nobody may PUT this object."""
    out: dict[str, Json] = {}
    for key in kind.carries:
        rows = raw.get(key)
        if not isinstance(rows, list) or not rows:
            continue
        ids = [row.get("aiLlmId") or row.get("id") if isinstance(row, dict) else None for row in rows]
        out["unreadable" if not all(isinstance(i, str) for i in ids) else key] = sorted(str(i) for i in ids)
    return out


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def create_body(
    kind: Kind,
    sets: Mapping[str, Json],
    secrets: Mapping[str, str],
    workspace_id: str,
    id_of: Callable[[str], str],
    marker: str,
) -> dict[str, Json]:
    """The body of a POST: what is declared, what a create needs, the secrets just resolved."""
    body: dict[str, Json] = {}
    for facts in kind.compared:
        value = sets.get(facts.name)
        if value is None and facts.create_default is not None:
            value = facts.create_default.value
        if value is not None and facts.wire is not None:
            body[facts.wire.write] = _encode(facts, value, id_of)
    return {**body, **_around(kind, workspace_id, marker), **_secret_body(kind, secrets)}


def update_body(
    kind: Kind,
    live: Observed,
    sets: Mapping[str, Json],
    secrets: Mapping[str, str],
    workspace_id: str,
    id_of: Callable[[str], str],
    marker: str,
) -> dict[str, Json]:
    """The body of a PUT: the live fields with the declared ones over them; or only those, where PUT is partial.

    `live` still refers by remote id. A shared credential goes out only when it changes; nothing that was read is ever
    sent as `key`.
    """
    body: dict[str, Json] = {}
    for facts in kind.compared:
        if facts.wire is None:
            continue
        if facts.name in sets:
            if sets[facts.name] is not None:
                body[facts.wire.write] = _encode(facts, sets[facts.name], id_of)
        elif kind.put == "full" and facts.name in live.fields and not facts.has(Trait.SECRET_FORM):
            body[facts.wire.write] = _encode(facts, live.fields[facts.name], lambda remote: remote)
    if kind.put == "partial":
        marked = {kind.marker_field: MARKER.format(marker)} if kind.marker_field and "name" in sets else {}
        return {**body, **marked, **_secret_body(kind, secrets)}
    for key in kind.carries:
        if key in live.carried:
            body[f"repo{key[0].upper()}{key[1:]}"] = [{"aiLlmId": remote} for remote in live.carried[key]]
    return {**body, **_around(kind, workspace_id, None), **_secret_body(kind, secrets)}


def _encode(facts: Field, value: Json, id_of: Callable[[str], str]) -> Json:
    if facts.items:
        return [
            {
                f.wire.write: _encode(f, item.get(f.name, f.create_default.value if f.create_default else None), id_of)
                for f in facts.items
                if f.wire is not None and (f.name in item or f.create_default is not None)
            }
            for item in value
        ]
    return id_of(value) if facts.ref is not None else value


def _around(kind: Kind, workspace_id: str, marker: str | None) -> dict[str, Json]:
    out: dict[str, Json] = {"workspaceId": workspace_id} if kind.in_workspace else {}
    if kind.marker_field is not None and marker is not None:
        out[kind.marker_field] = MARKER.format(marker)
    return out


def _secret_body(kind: Kind, secrets: Mapping[str, str]) -> dict[str, Json]:
    return {f.wire.write: secrets[f.name] for f in kind.write_only if f.wire is not None and f.name in secrets}
