# What the tests of programs share; they source it, with the program as $1. They work in a folder of their own, `run` leaves what
# the program printed in stdout and stderr there, and its status in $status. `finish` is the last line of a test.
set -u
export LC_ALL=C
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset TAPESTRY_DATA XDG_CACHE_HOME NO_COLOR
export HOME="$work"
passed=0 failed=0

ok() # WHAT CONDITION...: a test is a command that succeeds
{
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        sed 's/^/    /' stdout stderr 2>/dev/null | tail -80
    fi
}

finish()
{
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

run() # ARGUMENT...
{
    "$program" "$@" >stdout 2>stderr
    status=$?
}

one_line() { [ "$(wc -l <"$1")" -eq 1 ]; }
says() { grep -q -e "$2" "$1"; }
says_only() { one_line "$1" && grep -qF -e "$2" "$1"; }
same() { cmp -s "$1" "$2"; }
differ() { ! cmp -s "$1" "$2"; }
is_png() { [ "$(head -c 4 "$1" | tail -c 3)" = PNG ]; }
files() { [ "$(ls -A "$1" | tr '\n' ' ')" = "$2 " ]; }
nothing() { [ ! -e "$1" ]; }

# usage errors: one line that names the option and the remedy, and status 2
refuses() # FRAGMENT ARGUMENT...
{
    fragment=$1
    shift
    run "$@"
    ok "$*: status 2" [ "$status" -eq 2 ]
    ok "$*: says '$fragment'" says_only stderr "$fragment"
    ok "$*: points to --help" says stderr 'see --help$'
    ok "$*: prints nothing else" [ ! -s stdout ]
}

# An IDX file of n images: discs of several sizes at several places. awk writes them as escapes, printf makes bytes of these.
idx() # N
{
    printf "$(printf '\\000\\000\\010\\003\\000\\000\\000\\%03o\\000\\000\\000\\034\\000\\000\\000\\034' "$1")"
    awk -v n="$1" 'BEGIN {
        for (i = 0; i < n; i++) {
            cx = 8 + i * 7 % 12; cy = 8 + i * 5 % 11; r = 3 + i % 4; line = ""
            for (y = 0; y < 28; y++) for (x = 0; x < 28; x++) {
                d = (x - cx) ^ 2 + (y - cy) ^ 2
                line = line (d < r * r ? "\\377" : d < (r + 1) ^ 2 ? "\\144" : "\\000")
            }
            print line
        }
    }' | while read -r line; do printf "$line"; done
}
