"""Scenario files: settings, users, faults and seeded objects in one YAML or JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from fbplan.emulator.faults import fault_from
from fbplan.emulator.settings import DEFAULTS, Settings, User
from fbplan.errors import UsageFault

SECTIONS = ("settings", "users", "faults", "seed")
SEEDS = ("workspaces", "credentials", "buckets", "repositories")  # in the order in which they can be made


def read_scenario(path: Path) -> Settings:
    """The settings that a scenario file describes. Raises UsageFault."""
    scenario = _mapping(_document(path), "a scenario", path)
    unknown = sorted(str(name) for name in scenario if name not in SECTIONS)
    if unknown:
        raise _wrong(
            path, f"a scenario has no {', '.join(map(repr, unknown))}", f"its sections are {', '.join(SECTIONS)}"
        )
    settings = DEFAULTS.with_values(_mapping(scenario.get("settings"), "settings", path), str(path))
    return Settings(
        **{name: getattr(settings, name) for name in settings.__dataclass_fields__ if name not in SECTIONS},
        users=tuple(_users(scenario.get("users"), path)),
        faults=tuple(_faults(scenario.get("faults"), path)),
        seed=tuple(_seeds(scenario.get("seed"), path)),
    )


def _document(path: Path) -> object:
    import yaml

    try:
        return yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as fault:
        raise _wrong(path, "the scenario cannot be read", str(fault)) from fault


def _wrong(path: Path, what: str, way_out: str = "") -> UsageFault:
    return UsageFault(what=what, where=str(path), next=way_out)


def _mapping(value: object, what: str, path: Path) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(path, f"{what} must be a mapping")
    return value


def _entries(value: object, what: str, path: Path) -> Iterator[Mapping[str, object]]:
    if not isinstance(value, list | None):
        raise _wrong(path, f"{what} must be a list")
    for entry in value or ():
        yield _mapping(entry, f"an entry of {what}", path)


def _users(value: object, path: Path) -> Iterator[User]:
    for entry in _entries(value, "users", path):
        email, password = entry.get("email"), entry.get("password")
        name, org_role = entry.get("name", "User"), entry.get("org_role", 255)
        if not (isinstance(email, str) and email and isinstance(password, str) and password):
            raise _wrong(path, "a user has an email and a password, both text")
        if (
            not isinstance(name, str)
            or not isinstance(org_role, int)
            or set(entry) - {"email", "password", "name", "org_role"}
        ):
            raise _wrong(path, f"user {email!r} takes email, password, name (text) and org_role (a number)")
        yield User(email, password, name, org_role)


def _faults(value: object, path: Path) -> Iterator[Mapping[str, object]]:
    for entry in _entries(value, "faults", path):
        try:
            fault_from(entry)
        except ValueError as fault:
            raise _wrong(path, str(fault)) from fault
        yield entry


def _seeds(value: object, path: Path) -> Iterator[Mapping[str, object]]:
    sections = _mapping(value, "seed", path)
    unknown = sorted(set(sections) - set(SEEDS), key=str)
    if unknown:
        raise _wrong(path, f"cannot seed {', '.join(map(repr, unknown))}", f"seed takes {', '.join(SEEDS)}")
    for kind in SEEDS:
        for entry in _entries(sections.get(kind), f"seed.{kind}", path):
            yield {"kind": kind, **entry}
