#!/bin/sh
# gcc -fanalyzer, clang-tidy and cppcheck over all sources.
set -eu

usage()
{
    cat <<'END'
usage: sh tests/analyze.sh [--help] [FILE...]

Installs what is missing, then runs gcc -fanalyzer, clang-tidy (with .clang-tidy) and cppcheck on FILEs such as tensor/view.c, or
on all sources, which takes two minutes on two processors. Kernels are analyzed once, not for every vector width. Fails if there
is a finding that tests/analysis/explained.txt does not explain, or an explanation without a finding.
END
}

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/examples/setup.sh"

case ${1-} in
--help)
    usage
    exit 0
    ;;
-*)
    usage >&2
    exit 2
    ;;
esac

analyze_packages()
{
    build_packages
    needs libcmocka-dev pkg-config --exists cmocka
    needs clang-tidy command -v clang-tidy
    needs cppcheck command -v cppcheck
    needs python3 command -v python3
}

CC=gcc
export CC
install_missing analyze_packages
[ -f "$top/build/analyze/build.ninja" ] || meson setup "$top/build/analyze" "$root" >/dev/null
exec python3 "$root/tests/analysis/run.py" "$top/build/analyze" "$@"
