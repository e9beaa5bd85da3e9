#!/bin/sh
# The lists of tests/mutation, tests/analysis and tests/edges quote functions and lines of the sources. All of them must exist.
set -eu

cd "$TAP_SOURCE_ROOT"
status=0
python3 tests/mutation/run.py --check-lists || status=1
python3 tests/analysis/run.py --check-list || status=1
python3 tests/edges/plant.py --check || status=1
exit $status
