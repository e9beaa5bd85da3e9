#!/bin/sh
# Every C file is formatted as .clang-format says. Versions of clang-format differ in details, so one of them decides.
set -eu
cd "$TAP_SOURCE_ROOT"
version=14

for clang_format in clang-format-$version clang-format ''; do
    case $($clang_format --version 2>/dev/null) in
    *" version $version."*) break ;;
    esac
done
[ -n "$clang_format" ] || { echo "skipped: clang-format $version is not installed"; exit 77; }

find tensor autograd nn models examples tests -name '*.[ch]' | sort > "${TMPDIR:-/tmp}/format.$$"
trap 'rm -f "${TMPDIR:-/tmp}/format.$$"' EXIT
xargs "$clang_format" --dry-run -Werror < "${TMPDIR:-/tmp}/format.$$" || {
    echo "These files are not formatted as .clang-format says. \`$clang_format -i FILE\` formats one."
    exit 1
}
