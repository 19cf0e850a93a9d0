"""The cases behind the conformance vectors. `python tests/runtime/vector_cases.py` writes schemas/vectors again.

Each step says in a few words what must come out, so that a wrong record is noticed when it is made and not believed.
"""

from __future__ import annotations

import json
from pathlib import Path

import vector_cases_caps
import vector_cases_order
import vector_cases_tries
from vector_tables import tables

FOLDER = Path(__file__).resolve().parents[2] / "schemas" / "vectors"
CASES = {**vector_cases_caps.CASES, **vector_cases_order.CASES, **vector_cases_tries.CASES}


def documents() -> dict[Path, str]:
    """Every vector file: path → text as it should be."""
    made = {f"{name}.json": case.vector(name) for name, case in CASES.items()}
    made |= {f"{table['name']}.json": table for table in tables()}
    index = {
        "format": "fbplan.vectors/1",
        "vectors": [{"file": file, "kind": v["kind"], "rules": v["rules"]} for file, v in sorted(made.items())],
    }
    texts = {**made, "index.json": index}
    return {FOLDER / file: json.dumps(v, indent=1, ensure_ascii=False) + "\n" for file, v in texts.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
