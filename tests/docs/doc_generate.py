"""The documents that are made from the code. `python tests/docs/doc_generate.py` writes them again.

schema of the spec ─┬─ docs/settings.md
                    └─ schemas/spec.schema.json
schema of the plan ─── schemas/plan.schema.json
table of codes ─────── docs/codes.md
runs of the matrix ─── docs/reliability.md
an example, simulated ─ docs/month.svg
vectors, languages ─── docs/conformance.md
runs of a fleet ────── docs/caps.md
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fbplan.plan import plan_schema
from fbplan.policy.compose import compose
from fbplan.render.plot import simulation_svg
from fbplan.simulation.play import simulate
from fbplan.simulation.reading import read_schedule
from fbplan.simulation.subject import subject_of_content
from fbplan.spec.load import load_spec
from fbplan.spec.schema import codes_table, spec_schema

ROOT = Path(__file__).resolve().parents[2]
sys.path += [
    str(ROOT / folder) for folder in ("tests", "tests/reliability", "tests/runtime", "tests/runtime/conformance")
]
from caps_table import caps_text  # noqa: E402 -- their folders are found by the line above
from conformance_table import conformance_text  # noqa: E402
from fault_table import reliability_text  # noqa: E402

Schema = Mapping[str, Any]

SECTIONS = (
    ("", "Spec", "The top level"),
    ("credentials.NAME", "Credential", "Credentials"),
    ("buckets.NAME", "Bucket", "Buckets"),
    ("buckets.NAME.soft_cap", "SoftCap", "Soft caps"),
    ("repositories.NAME", "Repository", "Repositories"),
    ("repositories.NAME.buckets[]", "Attachment", "Attachments"),
    ("repositories.NAME.api_keys.NAME", "ApiKey", "API keys"),
    ("repositories.NAME.api_keys.NAME.rotate", "Rotate", "Rotation"),
    ("repositories.NAME.routing", "Routing", "Routing"),
    ("repositories.NAME.routing.fleet", "Fleet", "Routing: the fleet"),
    ("repositories.NAME.routing.valid", "Valid", "Routing: life of the policy"),
    ("repositories.NAME.routing.select", "Select", "Routing: choice of a bucket"),
    ("repositories.NAME.routing.select.hysteresis", "Hysteresis", "Routing: hysteresis"),
    ("repositories.NAME.routing.retry", "Retry", "Routing: retries"),
    ("policy", "PolicySettings", "Policy"),
    ("limits", "Limits", "Limits"),
    ("delete[], forget[]", "Departure", "Delete and forget"),
    ("{env: …}", "EnvSource", "Secrets: from the environment"),
    ("{file: …}", "FileSource", "Secrets: from a file"),
    ("{exec: …}", "ExecSource", "Secrets: from a command"),
    ("sink: {file: …}", "FileSink", "Sinks: a file"),
    ("sink: {exec: …}", "ExecSink", "Sinks: a command"),
    ("sink: external", "External", "Sinks: external"),
)
_GROUPS = (
    ("Source", "source", "secrets-from-the-environment"),
    ("Sink", "sink", "sinks-a-file"),
    ("External", "sink", "sinks-a-file"),
)
_DEFAULT = re.compile(r"\s*\(default:? ([^()]+)\)")
_HEAD = """\
# Settings of a spec

Made from the models by `python tests/docs/doc_generate.py`; a test keeps it fresh.
`NAME` is a map key that you choose, `[]` an entry of a list.
A setting that is left out is not managed: fbplan neither compares nor writes it.

| type | how it is written |
| --- | --- |
| size | a number with a unit: `B`, `kB`, `MB`, `GB`, `TB`, `PB` (powers of 1000) or `KiB`, `MiB`, `GiB`, `TiB`, `PiB` (powers of 1024), as in `500GB` or `1.5TiB`. A number without a unit counts bytes. `500G` is refused, for it may mean either. |
| duration | a whole number with one unit: `s`, `m`, `h`, `d` (24 hours) or `w`, as in `90d` or `72h`; under `retry` also `ms`. |
| percentage | `0%` to `100%`, with up to four decimals, as in `97.5%`. |
| text, map, list | as in YAML; `[]` and `{}` say that there are none. |
"""


def settings_text() -> str:
    """Every key of the spec: its type, its default, what it means."""
    schema = json.loads(spec_schema())
    records = {"Spec": schema, **schema["$defs"]}
    return _HEAD + "".join(_section(path, records[name], title) for path, name, title in SECTIONS)


def records_without_a_section() -> set[str]:
    """Definitions of the schema that `settings_text` would leave out."""
    return set(json.loads(spec_schema())["$defs"]) - {name for _, name, _ in SECTIONS}


def _section(path: str, record: Schema, title: str) -> str:
    where = f"`{path}`. " if path else ""
    lead = f"\n## {title}\n\n{where}{_sentence(record.get('description', ''))}\n"
    rows = "".join(_rows(record))
    return lead + (f"\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n{rows}" if rows else "")


def _rows(record: Schema) -> Iterator[str]:
    required = record.get("required", ())
    for key, found in record.get("properties", {}).items():
        told = found.get("description", "")
        stated = _DEFAULT.search(told)
        default = "required" if key in required else _stated(stated[1]) if stated else _default(found)
        yield f"| `{key}` | {_type(found)} | {default} | {_cell(_DEFAULT.sub('', told))} |\n"


def _stated(text: str) -> str:
    """A value as it would be written, or words that describe one."""
    return text if text == "none" or " " in text else f"`{text}`"


def _default(found: Schema) -> str:
    """`30%` stands in the schema as parts per million; maps of settings have defaults of their own."""
    if found.get("default") in (None, "", [], {}) or isinstance(found["default"], dict):
        return "–"
    is_ratio = "%" in found.get("pattern", "")
    value = f"{found['default'] / 10_000:g}%" if is_ratio else found["default"]
    return f"`{value}`"


def _type(found: Schema) -> str:
    if "$ref" in found:
        return _reference(found["$ref"])
    if "anyOf" in found:
        return " or ".join(dict.fromkeys(_type(option) for option in found["anyOf"]))
    if "const" in found:
        return f"`{found['const']}`"
    if "enum" in found:
        return ", ".join(f"`{word}`" for word in found["enum"])
    if "%" in found.get("pattern", ""):
        return "percentage"
    if "[kKMGTP]" in found.get("pattern", ""):
        return "size"
    if "ms|s" in found.get("pattern", "") or "(s|m" in found.get("pattern", ""):
        return "duration"
    match found.get("type"):
        case "array":
            return f"list of {_type(found.get('items', {}))}"
        case "object":
            inner = [*found.get("patternProperties", {}).values(), found.get("additionalProperties")]
            return f"map of {_type(inner[0])}" if inner and isinstance(inner[0], dict) else "map"
        case "string":
            return "text"
        case "integer" | "number":
            return _number(found)
        case "boolean":
            return "`true`, `false`"
        case _:
            return "any"


def _number(found: Schema) -> str:
    low = found.get("minimum", found.get("exclusiveMinimum"))
    high = found.get("maximum", found.get("exclusiveMaximum"))
    bounds = "" if low is None else f" from {low}" if high is None else f" {low} to {high}"
    return f"number{bounds}"


def _reference(target: str) -> str:
    name = target.rsplit("/", 1)[1]
    for suffix, text, anchor in _GROUPS:
        if name.endswith(suffix):
            return f"[{text}](#{anchor})"
    title = next((title for _, record, title in SECTIONS if record == name), name)
    anchor = re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
    return f"[{title.lower()}](#{anchor})"


def _sentence(text: str) -> str:
    return text if not text or text.endswith(".") else f"{text}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").strip() or "–"


def codes_text() -> str:
    """The table of diagnostic codes with its heading."""
    return f"# Diagnostic codes\n\nMade by `fbplan schema codes`. A code keeps its meaning.\n\n{codes_table()}"


def month_plot() -> str:
    """The schedule of the credit-harvesting example, played against its policy."""
    folder = ROOT / "examples/credit-harvesting"
    subject = subject_of_content(compose(load_spec(folder / "fbplan.yaml").spec))
    return simulation_svg(simulate(subject, read_schedule(folder / "month.yaml")))


def documents() -> dict[Path, str]:
    """Every made document: path → text as it should be."""
    return {
        ROOT / "docs/settings.md": settings_text(),
        ROOT / "docs/codes.md": codes_text(),
        ROOT / "docs/reliability.md": reliability_text(),
        ROOT / "docs/month.svg": month_plot(),
        ROOT / "docs/conformance.md": conformance_text(),
        ROOT / "schemas/spec.schema.json": spec_schema(),
        ROOT / "schemas/plan.schema.json": plan_schema(),
    }


def slow_documents() -> dict[Path, str]:
    """Those that take seconds to make."""
    return {ROOT / "docs/caps.md": caps_text()}


if __name__ == "__main__":
    for path, text in (documents() | slow_documents()).items():
        path.write_text(text, encoding="utf-8")
