#!/bin/sh
# Everything CI runs, in the order in which a failure is cheapest. Argument: the bin folder of the dev venv.
set -eu
BIN=$1
"$BIN/ruff" check .
"$BIN/mypy"
"$BIN/python" -m pytest -n 2 tests
