"""The executor: carries out a plan, writes down what it does, and says what happened."""

from __future__ import annotations

from fbplan.apply.preconditions import check_preconditions
from fbplan.apply.run import Run, execute
from fbplan.apply.setting import Setting

__all__ = ["Run", "Setting", "check_preconditions", "execute"]
