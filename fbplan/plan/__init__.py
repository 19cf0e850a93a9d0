"""The plan as data: what a reader reviews (changes), what will be called (steps), and what must still hold.

Frozen, versioned, and the same document whether it is shown live, saved, or read back in CI. It holds addresses and
references to secrets; it never holds remote ids or secret values.
"""

from __future__ import annotations

from fbplan.plan.document import FORMAT_VERSION, identified, plan_json, plan_schema, read_plan
from fbplan.plan.records import (
    Action,
    Change,
    Dropped,
    Due,
    FieldChange,
    Phase,
    Plan,
    PolicyChange,
    Reason,
    Record,
    Refusal,
    Step,
    Target,
    Verb,
    Waiting,
)

__all__ = [
    "FORMAT_VERSION",
    "Action",
    "Change",
    "Dropped",
    "Due",
    "FieldChange",
    "Phase",
    "Plan",
    "PolicyChange",
    "Reason",
    "Record",
    "Refusal",
    "Step",
    "Target",
    "Verb",
    "Waiting",
    "identified",
    "plan_json",
    "plan_schema",
    "read_plan",
]
