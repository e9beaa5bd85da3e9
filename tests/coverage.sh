#!/bin/sh
# Measures the line coverage of the test suite.
set -eu

usage()
{
    cat <<'END'
usage: sh tests/coverage.sh [--help]

Installs what is missing, builds Tapestry in build/coverage for gcov, without optimization, runs the test programs and scripts, and
prints the line coverage of each file and the lines not covered. Takes five minutes on two processors. Fails if a test fails, or
if the coverage of tensor/, autograd/, nn/ or models/ is below 95 %.
END
}

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/examples/setup.sh"

case ${1-} in
'') ;;
--help)
    usage
    exit 0
    ;;
*)
    usage >&2
    exit 2
    ;;
esac

coverage_packages()
{
    build_packages
    needs libcmocka-dev pkg-config --exists cmocka
    needs gcovr command -v gcovr
}

CC=gcc
export CC
install_missing coverage_packages

dir=$top/build/coverage
build "$dir" --buildtype=debug -Db_coverage=true
find "$dir" -name '*.gcda' -delete

# A test of a full disk leaves no space for gcov's counts, either; gcov's errors must not appear in the output that the test compares.
GCOV_ERROR_FILE=/dev/null meson test -C "$dir" --no-rebuild --suite unit --suite heavy --suite script -t 10 --print-errorlogs

# report FOLDER: fails below 95 %.
report()
{
    say "
== $1"
    gcovr --root "$root" --add-tracefile "$dir/lines.json" --filter "$1/" --fail-under-line 95 || failed="$failed $1"
}

failed=
cd "$root"
gcovr --root "$root" --object-directory "$dir" --filter '(tensor|autograd|nn|models)/' --json "$dir/lines.json" "$dir"
for folder in tensor autograd nn models; do
    report "$folder"
done
[ -z "$failed" ] || die "less than 95 % of the lines of:$failed"
