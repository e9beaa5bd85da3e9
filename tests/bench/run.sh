#!/bin/sh
# Measures training steps of Tapestry and PyTorch in turn, or how Tapestry's scale. Prints tables in Markdown.
set -eu

usage()
{
    cat <<'EOF'
usage: sh tests/bench/run.sh [--scaling] [--rounds N] [--help]

Installs what is missing, builds tests/bench_step in build/bench, and times a training step of four architectures in turn with
PyTorch's, tests/bench/torch_step.py, if a python3 that has it is found ($PYTHON, python3, /usr/bin/python3).

  --scaling   instead, measure how a step scales with batch, width, depth and threads
  --rounds N  each program runs N times, and its best time counts [3; with --scaling, 1]

OMP_NUM_THREADS limits the threads of both. Measure on an idle machine.
EOF
}

root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/examples/setup.sh"

scaling=no
rounds=
while [ $# -gt 0 ]; do
    case $1 in
    --scaling) scaling=yes ;;
    --rounds)
        shift
        rounds=${1-}
        case $rounds in '' | 0* | *[!0-9]*) die "--rounds '$rounds': must be an integer of at least 1; see --help" ;; esac
        ;;
    --help)
        usage
        exit 0
        ;;
    *) die "$1: there is no such option; see --help" ;;
    esac
    shift
done

bench_packages()
{
    build_packages
    needs libcmocka-dev pkg-config --exists cmocka
}

CC=${CC:-gcc}
export CC
install_missing bench_packages
targets=tests/bench_step
build "$top/build/bench" -Dexamples=false || die "the build failed; see above"
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say_aside()
{
    printf '%s\n' "$*" >&2
}

has_failed()
{
    say_aside "$*: failed"
    failed=1
}

# field NAME: its value in the JSON object on standard input; "-" if it has none.
field()
{
    sed -n 's/.*"'"$1"'": "\{0,1\}\([^",}]*\).*/\1/p; $!d' | grep . || echo -
}

# compute EXPRESSION VALUE...: in awk, of a, b and so on; "-" if a value is none
compute()
{
    case " $* " in *' - '*) echo - && return ;; esac
    awk -v a="$2" -v b="${3-1}" "BEGIN { $1 }"
}

# best FILE: of the objects in FILE, one a line, that with the shortest step.
best()
{
    while read -r line; do
        printf '%s %s\n' "$(printf '%s\n' "$line" | field us_per_step)" "$line"
    done <"$1" | sort -n | head -n 1 | cut -d ' ' -f 2-
}

# time_step FILE ARGUMENT...: adds bench_step's object to FILE.
time_step()
{
    file=$1
    shift
    say_aside "bench_step $*"
    "$top/build/bench/tests/bench_step" "$@" >>"$file" || has_failed "bench_step $*"
}

find_python()
{
    for python in ${PYTHON:-} python3 /usr/bin/python3; do
        if "$python" -c 'import torch' 2>/dev/null; then return; fi
    done
    python=
}

# time_torch ARCH FILE: the same for PyTorch. The settings that were best the first time are kept.
time_torch()
{
    setting=
    if [ -s "$2" ]; then
        for name in threads mkldnn adam; do setting="$setting --$name $(head -n 1 "$2" | field $name)"; done
    fi
    say_aside "torch_step --arch $1$setting"
    "$python" "$root/tests/bench/torch_step.py" --arch "$1" $setting >>"$2" || has_failed "torch_step --arch $1"
}

compare()
{
    find_python
    [ -n "$python" ] || say_aside "No python3 can import torch (Debian's package is python3-torch): Tapestry alone."
    round=0
    while [ $round -lt "${rounds:-3}" ]; do
        for arch in mlp burda iwae50 conv; do
            time_step "$work/$arch" --arch $arch
            [ -z "$python" ] || time_torch $arch "$work/$arch.torch"
        done
        round=$((round + 1))
    done

    say "| step | batch | Tapestry, µs | its products by BLIS, µs | ratio | PyTorch, µs | PyTorch / Tapestry |"
    say "|---|--:|--:|--:|--:|--:|--:|"
    for arch in mlp burda iwae50 conv; do
        touch "$work/$arch" "$work/$arch.torch"
        ours=$(best "$work/$arch")
        torch=$(best "$work/$arch.torch")
        us=$(say "$ours" | field us_per_step)
        us_torch=$(say "$torch" | field us_per_step)
        say "| $arch | $(say "$ours" | field batch) | $us | $(say "$ours" | field us_floor) | $(say "$ours" | field ratio) |" \
            "$us_torch | $(compute 'printf "%.2f", b / a' "$us" "$us_torch") |"
    done
    say
    for arch in mlp burda iwae50 conv; do
        best "$work/$arch" | sed -n 's/.*"kernels": "\([^"]*\)".*/'"$arch"': \1/p'
        best "$work/$arch.torch" | sed -n 's/.*"kernels": "\([^"]*\)".*/'"$arch"': \1/p'
    done | sort -u
}

# growth WHAT OPTION VALUE...: a table of the mlp's step by the option.
growth()
{
    what=$1
    option=$2
    shift 2
    say "| $what | µs per step | µs per image | its products by BLIS, µs | ratio | GFLOP/s | of peak |"
    say "|--:|--:|--:|--:|--:|--:|--:|"
    for value; do
        : >"$work/growth"
        round=0
        while [ $round -lt "${rounds:-1}" ]; do
            time_step "$work/growth" --arch mlp "$option" "$value"
            round=$((round + 1))
        done
        row=$(best "$work/growth")
        us=$(say "$row" | field us_per_step)
        say "| $value | $us | $(compute 'printf "%.2f", a / b' "$us" "$(say "$row" | field batch)") | $(say "$row" | field us_floor) |" \
            "$(say "$row" | field ratio) | $(say "$row" | field gflops) |" \
            "$(compute 'printf "%.0f %%", 100 * a' "$(say "$row" | field peak_fraction)") |"
    done
    say
}

doublings() # 1, 2, 4, ... and the number itself
{
    n=1
    while [ $n -lt "$1" ]; do
        echo $n
        n=$((n * 2))
    done
    echo "$1"
}

scale()
{
    growth batch --batch 1 4 16 64 256 1024 4096
    growth width --hidden 32 64 128 256 512 1024 2048 4096
    growth 'hidden layers' --layers 1 2 4 8 16
    growth threads --threads $(doublings "${OMP_NUM_THREADS:-$(nproc)}")
}

if [ $scaling = yes ]; then scale; else compare; fi
exit $failed
