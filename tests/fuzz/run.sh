#!/bin/sh
# Fuzzes the readers of files for some seconds each.
set -eu

usage()
{
    cat <<'END'
usage: sh tests/fuzz/run.sh [--merge] [--help] [SECONDS] [TARGET...]

Installs what is missing, builds the fuzz targets in build/fuzz with clang, and runs all or the named ones for SECONDS [60],
five at a time. Inputs that reach new code are kept in build/fuzz/corpus/TARGET, where the next run continues. Prints one line
for each target and, after a finding, the path of the input. See tests/fuzz/README.md.

  --merge   instead, remove redundant inputs from the corpus
END
}

root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/examples/setup.sh"

merge=no
seconds=
targets=
for argument; do
    case $argument in
    --merge) merge=yes ;;
    --help)
        usage
        exit 0
        ;;
    '' | -* | 0*) die "'$argument': there is no such option; see --help" ;;
    *[!0-9]*) targets="$targets $argument" ;;
    *) seconds=$argument ;;
    esac
done
seconds=${seconds:-60}
all=$(sed -n "s/^fuzz_targets = \[\(.*\)\]/\1/p" "$root/tests/fuzz/meson.build" | tr -d "',")
chosen=${targets:-$all}
for target in $chosen; do
    case " $all " in
    *" $target "*) ;;
    *) die "$target: there is no such target; there are: $all" ;;
    esac
done

fuzz_packages()
{
    build_packages
    clang_packages
    needs libcmocka-dev pkg-config --exists cmocka
}

CC=clang
export CC
install_missing fuzz_packages
install_missing fuzzer_packages
build=$top/build/fuzz
programs=$build/tests/fuzz
targets=
for target in $chosen; do targets="$targets tests/fuzz/fuzz_$target tests/fuzz/replay_$target"; done
build "$build" --buildtype=debugoptimized -Dfuzz=true -Dexamples=false ||
    die "the build failed; see above"

# A small file that makes a reader exceed this memory or time is a finding. The time allows for a busy machine. The limit is on resident
# memory, as the sanitizer reserves terabytes of address space.
limits="-rss_limit_mb=512 -malloc_limit_mb=256 -timeout=60 -max_len=4096"

# The files that the readers open are in memory.
work=$(mktemp -d "$([ -d /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/tapestry-fuzz-run-XXXXXX")
trap 'rm -rf "$work"' EXIT
TMPDIR=$work
UBSAN_OPTIONS=print_stacktrace=1
export TMPDIR UBSAN_OPTIONS

# fuzz TARGET OPTION...: runs libFuzzer at low priority; its output goes to a log.
fuzz()
{
    log=$build/$1.log
    program=$programs/fuzz_$1
    shift
    nice "$program" $limits "$@" >"$log" 2>&1
}

prepare()
{
    rm -rf "$build/seeds/$1" "$build/$1.found"
    mkdir -p "$build/seeds/$1" "$build/corpus/$1" "$build/findings/$1"
    "$programs/replay_$1" --seeds "$build/seeds/$1"
}

dictionary()
{
    case $1 in
    idx_gz) echo "$root/tests/fuzz/idx.dict" ;;
    torch_pickle) echo "$root/tests/fuzz/torch.dict" ;;
    checkpoint | json | module) echo "$root/tests/fuzz/safetensors.dict" ;;
    *) echo "$root/tests/fuzz/$1.dict" ;;
    esac
}

run()
{
    target=$1
    prepare "$target"
    set -- "$build/corpus/$target" "$build/seeds/$target"
    [ ! -d "$root/tests/fuzz/found/$target" ] || set -- "$@" "$root/tests/fuzz/found/$target"
    [ ! -f "$(dictionary "$target")" ] || set -- -dict="$(dictionary "$target")" "$@"
    fuzz "$target" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$build/findings/$target/" "$@" ||
        touch "$build/$target.found"
    report "$target"
}

# Summarizes libFuzzer's last progress line.
report()
{
    log=$build/$1.log
    edges=$(sed -n 's/.*Loaded 1 modules *(\([0-9]*\) .*/\1/p' "$log")
    set -- "$1" $(sed -n 's/^#\([0-9]*\).* cov: \([0-9]*\) ft: \([0-9]*\) .*/\1 \2 \3/p' "$log" | tail -n 1)
    line="$1: ${2:-0} executions, $((${2:-0} / seconds))/s, ${3:-0} of ${edges:-0} edges, ${4:-0} features,"
    line="$line $(ls "$build/corpus/$1" | wc -l) inputs kept"
    if [ -f "$build/$1.found" ]; then
        input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        say "$line; FOUND SOMETHING: ${input:-see $log}
$(grep -A 2 'check failed:\|^==.*ERROR\|runtime error:' "$log" | head -n 12)"
    else
        say "$line, no findings"
    fi
}

merge()
{
    prepare "$1"
    rm -rf "$build/corpus/$1.new"
    mkdir "$build/corpus/$1.new"
    fuzz "$1" -merge=1 "$build/corpus/$1.new" "$build/corpus/$1" || die "merging failed; see $build/$1.log"
    say "$1: $(ls "$build/corpus/$1.new" | wc -l) of $(ls "$build/corpus/$1" | wc -l) inputs kept"
    rm -rf "$build/corpus/$1"
    mv "$build/corpus/$1.new" "$build/corpus/$1"
}

does=run
[ $merge = no ] || does=merge
set -- $chosen
while [ $# -gt 0 ]; do
    for one in 1 2 3 4 5; do
        [ $# -eq 0 ] && break
        $does "$1" &
        shift
    done
    wait
done
for target in $chosen; do
    [ ! -f "$build/$target.found" ] || exit 1
done
