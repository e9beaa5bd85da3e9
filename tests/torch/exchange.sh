#!/bin/sh
# A ResNet, an LSTM and a transformer of PyTorch compute the same here, and their state dicts go back to PyTorch.
# usage: sh tests/torch/exchange.sh PROGRAM   PROGRAM: tests/exchange of a build. PYTHON: a Python with PyTorch [python3]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
${PYTHON:-python3} "$here/exchange.py" make "$folder" || exit $?
"$1" "$folder"
${PYTHON:-python3} "$here/exchange.py" check "$folder"
