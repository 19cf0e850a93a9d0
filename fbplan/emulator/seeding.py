"""The objects that a scenario starts with, made through the API's own operations so that its rules hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from fbplan.emulator.answers import Answer
from fbplan.errors import UsageFault

PATHS = {"workspaces": "/workspace", "credentials": "/apikeys", "buckets": "/bucket", "repositories": "/repo"}
Post = Callable[[str, Mapping[str, object]], Answer]


def plant(seeds: Iterable[Mapping[str, object]], default_workspace: str, post: Post) -> None:
    """Create every seed; `workspace`, `credential` and `buckets` name earlier seeds. Raises UsageFault."""
    names: dict[tuple[str, str], str] = {("workspace", "Production"): default_workspace}
    for seed in seeds:
        kind = str(seed["kind"])
        body = _body(kind, seed, names, default_workspace)
        answer = post(PATHS[kind], body)
        made = _made_id(answer)
        if made is None:
            raise UsageFault(what=f"cannot seed {kind} {seed.get('name', '')!r}", why=answer.payload.decode())
        names[kind.removesuffix("ies").removesuffix("s"), str(seed.get("name"))] = made


def _made_id(answer: Answer) -> str | None:
    body = answer.body
    if not isinstance(body, dict) or not body.get("success"):
        return None
    workspace = body.get("workspace")
    found = (
        workspace["id"]
        if isinstance(workspace, dict)
        else body.get("apiKeyId") or body.get("bucketId") or body.get("repoId")
    )
    return str(found)


def _body(
    kind: str, seed: Mapping[str, object], names: Mapping[tuple[str, str], str], default_workspace: str
) -> dict[str, object]:
    body = {name: value for name, value in seed.items() if name not in {"kind", "workspace", "credential", "buckets"}}
    if kind == "workspaces":
        return body
    body["workspaceId"] = names.get(("workspace", str(seed.get("workspace"))), default_workspace)
    if "workspace" in seed and ("workspace", str(seed["workspace"])) not in names:
        raise UsageFault(what=f"the seed names no workspace {seed['workspace']!r}")
    if kind == "credentials":
        body.pop("name", None)  # a credential has no name in the API; in a seed it is what buckets refer to
    if "credential" in seed:
        body["apiKeyUuid"] = _named("credential", seed["credential"], names)
    if kind == "repositories":
        body = {
            "mode": "NORMAL",
            **body,
            "repoBuckets": [_attachment(entry, names) for entry in _list(seed.get("buckets"))],
        }
    return body


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _attachment(entry: object, names: Mapping[tuple[str, str], str]) -> dict[str, object]:
    if not isinstance(entry, dict):
        raise UsageFault(what="a seeded repository lists buckets as {bucket, folder, master}")
    return {
        "bucketId": _named("bucket", entry.get("bucket"), names),
        "folder": entry.get("folder", ""),
        "master": entry.get("master", False),
    }


def _named(kind: str, name: object, names: Mapping[tuple[str, str], str]) -> str:
    if (kind, str(name)) not in names:
        raise UsageFault(what=f"the seed names no {kind} {name!r}")
    return names[kind, str(name)]
