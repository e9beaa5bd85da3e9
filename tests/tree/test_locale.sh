#!/bin/sh
# Functions of C whose results depend on the program's locale are called in tensor/text.c, which switches to the C locale, and nowhere
# else in the library.
set -eu
cd "$TAP_SOURCE_ROOT"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

status=0
# report FILE WHAT: fails if there is something on standard input.
report()
{
    found=$(cat)
    [ -n "$found" ] || return 0
    printf '%s %s:\n%s\n' "$1" "$2" "$found"
    status=1
}

ctype='is(alnum|alpha|cntrl|digit|graph|lower|print|punct|space|upper|xdigit)|to(lower|upper)'
calls="v[a-z]*printf|[a-z]*scanf|strto(d|f|ld)|atof|strerror(_r)?|perror|strn?casecmp|strcoll|strxfrm|strftime|$ctype"

for file in $(find tensor autograd nn models -name '*.[ch]' ! -name text.c); do
    grep -nE "(^|[^a-zA-Z0-9_])($calls)\(" "$file" >"$work/calls" || true
    report "$file" "depends on the locale" <"$work/calls"
    # Statements that print a floating point number; snprintf is fine for everything else.
    awk 'BEGIN { RS = ";" } /(^|[^a-zA-Z0-9_])[fsn]*printf\(/ && /%[-+ #0-9.*]*L?[aefgAEFG]/' "$file" >"$work/calls"
    report "$file" "prints a number as the locale has it" <"$work/calls"
done
exit $status
