#!/bin/sh
# The shared library exports what the headers declare, and nothing else.   test_symbols.sh LIBRARY
set -eu
cd "$TAP_SOURCE_ROOT"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nm -D --defined-only "$1" | awk '{ print $3 }' | sort > "$work/exported"
sed -n 's/^TAP_API[^;(]*[ *]\(tap_[a-zA-Z0-9_]*\) *(.*/\1/p' tensor/tensor.h autograd/autograd.h nn/*.h models/models.h |
    sort > "$work/declared"

grep -v '^tap_[a-z0-9]' "$work/exported" > "$work/foreign" || true
comm -23 "$work/exported" "$work/declared" > "$work/undeclared"
comm -13 "$work/exported" "$work/declared" > "$work/missing"

status=0
for problem in foreign undeclared missing; do
    [ ! -s "$work/$problem" ] || { echo "$problem:"; sed 's/^/  /' "$work/$problem"; status=1; }
done
[ -s "$work/exported" ] || { echo "$1 exports nothing"; status=1; }
exit $status
