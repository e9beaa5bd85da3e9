#!/bin/sh
# Each public header compiles alone, as C11 and as C++17, without a warning, with every compiler there is.
set -eu
cd "$TAP_SOURCE_ROOT"

checked=0
for compiler in gcc clang g++ clang++; do
    if ! command -v $compiler >/dev/null; then
        echo "not checked with $compiler, which is not installed"
        continue
    fi
    case $compiler in
    *++) language='-x c++ -std=c++17' ;;
    *) language='-x c -std=c11 -Wstrict-prototypes' ;;
    esac
    for header in tensor/tensor.h autograd/autograd.h nn/nn.h $(grep -l '^TAP_API' nn/*.h) models/models.h; do
        echo "#include \"$header\"" |
            $compiler $language -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I. -
        checked=$((checked + 1))
    done
done
[ $checked -gt 0 ] || { echo "no compiler found"; exit 1; }
echo "$checked compilations"
