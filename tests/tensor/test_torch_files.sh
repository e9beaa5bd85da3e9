#!/bin/sh
# Files that PyTorch saves now, if it is installed, read to the values that are in them: test_torch_files.sh PRINT_TENSORS
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

status=0
python3 "$TAP_SOURCE_ROOT/tests/tensor/save_torch.py" "$work" || status=$?
[ $status -eq 0 ] || exit $status
python3 "$TAP_SOURCE_ROOT/tests/tensor/check_files.py" "$1" "$work"
