# Two commands on a machine with Python 3.11 or later: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Twice quiet: errors only.
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check

.PHONY: demo test docs bench kill-matrix clean

# The whole story on an emulator in this process; needs no account.
demo: $(VENV)/.installed
	@$(BIN)/python -m fbplan demo

# Everything that CI runs.
test: $(VENV)/.dev
	@sh tests/run.sh $(BIN)

# The documents that are made from the code.
docs: $(VENV)/.dev
	@$(BIN)/python tests/docs/doc_generate.py

bench: $(VENV)/.dev
	@$(BIN)/python benchmarks/run.py

# Thousands of kills and hundreds of lives, instead of the few that `make test` has time for. Half an hour.
kill-matrix: $(VENV)/.dev
	@FBPLAN_KILLS=25 FBPLAN_LIVES=500 FBPLAN_CROWD=10000 $(BIN)/python -m pytest tests/reliability/test_kill_matrix.py tests/reliability/test_state_machine.py tests/reliability/test_crowd.py

$(VENV)/.installed: pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo '$(PYTHON) is not on this machine; fbplan needs Python 3.11 or later: make demo PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("fbplan needs Python 3.11 or later, $(PYTHON) is %d.%d: make demo PYTHON=/path/to/python3" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo 'making $(VENV)' >&2; $(PYTHON) -m venv --clear $(VENV); }
	@echo 'installing fbplan into $(VENV)' >&2
	@$(PIP) install -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.installed
	@echo 'installing what the tests need into $(VENV)' >&2
	@$(PIP) install -e '.[dev]'
	@touch $(VENV)/.installed $@

clean:
	rm -rf .venv .venv-* dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
