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

# failures: one line that names the file, status 1, and no results
fails() # FRAGMENT ARGUMENT...
{
    fragment=$1
    shift
    run "$@" --quiet
    ok "$*: status 1" [ "$status" -eq 1 ]
    ok "$*: says '$fragment'" says_only stderr "$fragment"
    ok "$*: prints nothing else" [ ! -s stdout ]
}

# --help tells of each of these, on a terminal of 80 columns
helps() # OPTION...
{
    run --help
    ok "--help: status 0" [ "$status" -eq 0 ]
    for option; do ok "--help names --$option" says stdout "^  --$option "; done
    ok "--help states defaults" says stdout '^  --seed N .* \[0\]$'
    ok "--help begins texts in one column" eval '! grep "^  -" stdout | grep -vqE "^  -.{16}  [^ ]|^  -[^ ]+( [^ ]+)?$"'
    ok "--help says nothing on standard error" [ ! -s stderr ]
    ok "no line of --help is longer than 80 characters" [ "$(awk 'length > n { n = length } END { print n }' stdout)" -le 80 ]
}

wait_for() # CONDITION: half a minute at most
{
    waited=0
    while ! eval "$1" && [ $waited -lt 1500 ]; do
        sleep 0.02
        waited=$((waited + 1))
    done
}

# Runs the program until the condition holds, and then sends it the signal. What the run before has printed is not of this one.
stop_when() # CONDITION SIGNAL ARGUMENT...
{
    condition=$1 signal=$2
    shift 2
    rm -f stdout stderr
    "$program" "$@" >stdout 2>stderr &
    wait_for "$condition"
    kill -"$signal" $! 2>/dev/null
    wait $! 2>/dev/null
    status=$?
}

# Ctrl-C, in the third epoch of training into the folder `stopped`, which the next run does not take for its own
interrupts() # ARGUMENT...
{
    stop_when "grep -qs 'epoch  2 ' stdout" INT "$@" --epochs 100000 --out stopped
    ok "Ctrl-C: status 130" [ "$status" -eq 130 ]
    ok "Ctrl-C: how to go on" says_only stderr 'interrupted; the same command with --resume'
    fails 'stopped/checkpoint.safetensors: the checkpoint of an interrupted run' "$@" --out stopped
}

# An IDX file of n labels, over and over, each twice.
labels() # N
{
    printf "$(printf '\\000\\000\\010\\001\\000\\000\\000\\%03o' "$1")"
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "\\%03o\n", i / 2 % 10 }' | while read -r line; do printf "$line"; done
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
