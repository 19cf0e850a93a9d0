"""The switches: what the emulator does where nobody documents what the API does (api/README.md §11 and §12)."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from fbplan.errors import UsageFault

Value = str | int | float | bool | None
WORDS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class User:
    """An account that may log in. The password lives in memory only."""

    email: str
    password: str = field(repr=False)
    name: str = "User"
    org_role: int = 255


@dataclass(frozen=True, slots=True)
class Settings:
    """One field per switch; the defaults are those of api/README.md §11."""

    validation_status: Annotated[Literal[400, 200], "status of repository answers that carry an error_code"] = 400
    put_bucket: Annotated[
        Literal["partial", "full", "full-credentials"],
        "PUT /bucket: any subset of fields; the whole create body; or the whole body with credentials every time",
    ] = "partial"
    put_repository: Annotated[
        Literal["full", "keep-absent"],
        "PUT /repo without repoBuckets or repoAiLlms: empties the list, or leaves it unchanged",
    ] = "full"
    credential_in_use_status: Annotated[
        Literal[400, 403, 409], "status of deleting a credential that a bucket uses"
    ] = 400
    credential_create_status: Annotated[Literal[200, 201], "status of a successful POST /apikeys"] = 200
    deleted_names: Annotated[
        Literal["free", "blocked"], "names of deleted buckets and repositories: free again, or 400"
    ] = "free"
    bucket_uniqueness: Annotated[
        Literal["both", "name"], "unique in the organisation: name and provider bucket, or name alone"
    ] = "both"
    immutable_change: Annotated[
        Literal["allowed", "refused"], "changing bucket, storageType, mode or workspaceId in place: done, or 400"
    ] = "allowed"
    interval_counters: Annotated[Literal["string", "number"], "byte counters in /stats/daily and /stats/minute"] = (
        "string"
    )
    usage_id: Annotated[Literal["unitId", "bucketId"], "name of the bucket id in usage rows"] = "unitId"
    timestamp_unit: Annotated[Literal["seconds", "milliseconds"], "unit of timestamp in usage rows"] = "seconds"
    node_day: Annotated[Literal["ddmmyyyy", "unix"], "form of day in /stats/nodes/daily"] = "ddmmyyyy"
    latency_name: Annotated[Literal["latency_ms", "latencyMs"], "name of the latency in /bucket/{id}/status"] = (
        "latency_ms"
    )
    folder_delete: Annotated[
        Literal["when-bytes", "always", "never"],
        "NORMAL_UNIT_FOLDER_CANNOT_DELETE: while recorded bytes remain, on every removal, or never",
    ] = "when-bytes"
    list_delay: Annotated[float, "seconds until a write shows in lists; 0 is at once"] = 0.0
    key_masking: Annotated[Literal["none", "prefix"], "access key ids in reads: whole, or their first characters"] = (
        "none"
    )
    secret_reads: Annotated[Literal["envelope", "empty", "null", "absent"], "how a stored secret reads"] = "envelope"  # noqa: S105 -- a way to read, not a secret
    azure_reads: Annotated[Literal["BLOB", "AZURE"], "storageType of Azure buckets and repositories in reads"] = "BLOB"
    ai_llm_id: Annotated[Literal["aiLlmId", "id", "none"], "name of the id in aiLlms of a repository"] = "aiLlmId"
    credentials_block_workspace: Annotated[bool, "whether remaining credentials block the deletion of a workspace"] = (
        False
    )
    bucket_quota: Annotated[int | None, "live buckets an organisation may have; none is unlimited"] = 100_000
    repo_quota: Annotated[int | None, "live repositories an organisation may have; none is unlimited"] = 100_000
    repo_quota_status: Annotated[Literal[400, 403, 429, 200], "status of QUOTA_EXCEEDED on POST /repo"] = 403
    require_login: Annotated[bool, "accept only tokens from /user/login instead of any bearer token"] = False
    token_lifetime: Annotated[int, "seconds until an access token expires"] = 3600
    expires_at_unit: Annotated[Literal["seconds", "milliseconds"], "unit of expiresAt in logins"] = "seconds"
    bridge_address: Annotated[
        Literal["name", "container", "folder"],
        "Bridge Node: what a client passes as the bucket: the registration's name, the provider's bucket, or the attachment's folder",
    ] = "name"
    bridge_stats_lag: Annotated[float, "Bridge Node: seconds until bytes show in the statistics; 0 is at once"] = 0.0
    bridge_status: Annotated[Literal["ONLINE", "OFFLINE"], "Bridge Node: OFFLINE answers everything with 503"] = (
        "ONLINE"
    )
    bridge_latency_ms: Annotated[int, "Bridge Node: milliseconds added to each request"] = 0
    bridge_max_object: Annotated[int, "Bridge Node: the largest object or part, in bytes"] = 5 * 2**30
    strict: Annotated[bool, "refuse with 400 every request that openapi.yaml forbids"] = False
    id_seed: Annotated[str | None, "makes the ids of a fresh folder reproducible; none is random"] = None
    users: tuple[User, ...] = ()
    faults: tuple[Mapping[str, object], ...] = ()
    seed: tuple[Mapping[str, object], ...] = ()

    @classmethod
    def from_scenario(cls, path: Path) -> Settings:
        """Read a YAML or JSON file of `settings`, `users`, `faults` and `seed`. Raises UsageFault."""
        from fbplan.emulator.scenario import read_scenario

        return read_scenario(path)

    def with_values(self, values: Mapping[str, object], where: str = "") -> Settings:
        """These settings with some switches changed; values may be native or text. Raises UsageFault."""
        known = {switch.name: switch for switch in switches()}
        unknown = sorted(set(values) - set(known), key=str)
        if unknown:
            raise UsageFault(
                what=f"no such switch: {', '.join(repr(name) for name in unknown)}",
                where=where,
                next=f"the switches are {', '.join(sorted(known))}",
            )
        # Each value was checked against the type of its own field.
        return replace(self, **{name: known[name].accept(value, where) for name, value in values.items()})  # type: ignore[arg-type]


DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch as a command line needs it: its name, what it takes, and what it is for."""

    name: str
    kind: type[bool | int | float | str]
    default: Value
    choices: tuple[str | int, ...]
    is_optional: bool
    help: str

    @property
    def takes(self) -> str:
        """The alternatives in words, for help texts and errors."""
        if self.choices:
            return " | ".join(str(choice) for choice in self.choices)
        words = {bool: "on | off", int: "a whole number", float: "a number", str: "text"}[self.kind]
        return f"{words} | none" if self.is_optional else words

    def accept(self, value: object, where: str = "") -> Value:
        """`value`, native or as text, as this switch holds it. Raises UsageFault."""
        if self.is_optional and (value is None or value == "none"):
            return None
        read = self._read(value)
        if type(read) is self.kind and (not self.choices or read in self.choices):
            return read
        raise UsageFault(what=f"{self.name} cannot be {value!r}", where=where, next=f"it takes {self.takes}")

    def _read(self, value: object) -> Value:
        """`value` in the switch's own type where that can be done without loss."""
        try:
            match value:
                case str() if self.kind is bool:
                    return WORDS.get(value.lower(), value)
                case str():
                    number = self.kind(value)
                    return number if isinstance(number, str) or 0 <= number < LARGEST else value
                case bool():
                    return value
                case int() | float() if 0 <= value < LARGEST and not self.choices:
                    return float(value) if self.kind is float else value
                case int():
                    return value if self.choices else None
        except ValueError:
            return str(value)
        return None


@cache
def switches() -> tuple[Switch, ...]:
    """Every switch, in the order in which Settings declares them."""
    hints = get_type_hints(Settings, include_extras=True)
    return tuple(
        _switch(declared.name, hints[declared.name], getattr(DEFAULTS, declared.name))
        for declared in fields(Settings)
        if get_origin(hints[declared.name]) is Annotated
    )


def _switch(name: str, hint: object, default: Value) -> Switch:
    annotated, text = get_args(hint)
    members = get_args(annotated) if get_origin(annotated) in {Union, types.UnionType} else (annotated,)
    is_optional = type(None) in members
    choices = get_args(members[0]) if get_origin(members[0]) is Literal else ()
    kind = type(choices[0]) if choices else members[0]
    return Switch(name, kind, default, choices, is_optional, text)
