#!/bin/sh
# Builds Tapestry and runs its tests with gcc, with gcc and sanitizers, with clang and under valgrind, and the tests of threads with
# the thread sanitizer; then fuzzes the readers of files. Installs what is missing.
set -eu

usage()
{
    cat <<'END'
usage: sh tests/run.sh [--quick] [--help]

Installs what is missing, then builds and tests Tapestry
  1. with gcc,
  2. with gcc and the address and undefined-behaviour sanitizers,
  3. with clang,
  4. with clang and the thread sanitizer (the tests of threads),
  5. with the build of gcc under valgrind,
  6. with clang and libFuzzer, a quarter of a minute for each reader of files (tests/fuzz),
with warnings as errors. The last line has the totals. The builds are kept in build/.

  --quick   only the first step
END
}

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/examples/setup.sh"
locales=$top/build/locale

quick=no
for argument; do
    case $argument in
    --quick) quick=yes ;;
    --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
done

# The sources of locales are only required where they can be installed. Elsewhere, tests that need them are skipped.
locale_sources()
{
    ! command -v apt-get || test -e /usr/share/i18n/locales/de_DE
}

test_packages()
{
    build_packages
    needs g++ command -v g++
    needs libcmocka-dev pkg-config --exists cmocka
    needs locales locale_sources
    [ $quick = no ] || return 0
    clang_packages
    needs valgrind command -v valgrind
    needs libc6-dbg valgrind -q true
    needs clang-format command -v clang-format
}

# Makes locales with a decimal comma, in a folder of the build, so that the system's locales do not change.
make_locales()
{
    mkdir -p "$locales"
    for locale in de_DE:UTF-8 tr_TR:ISO-8859-9 ps_AF:UTF-8; do
        made=$locales/${locale%:*}.${locale#*:}
        [ -d "$made" ] || localedef -i "${locale%:*}" -f "${locale#*:}" "$made" || say "There is no locale $locale here"
    done
}

passed=0
failed=0
skipped=0

# count LOG: adds the results in Meson's log of one run to the totals. Cases that a test program skips are counted and listed.
count()
{
    if [ ! -f "$1.json" ]; then
        failed=$((failed + 1))
        return
    fi
    set -- "$1" $(awk '/"result": "OK"/ { ok++; next } /"result": "SKIP"/ { skip++; next } { bad++ }
                       END { print ok + 0, bad + 0, skip + 0 }' "$1.json")
    passed=$((passed + $2))
    failed=$((failed + $3))
    skipped=$((skipped + $4))
    cases=$(awk '/^test: / { test = $NF } /^\[ RUN / { run = $4 }
                 /^\[  SKIPPED \] / && $4 == run { print "  " test ": " run; run = "" }' "$1.txt")
    if [ -n "$cases" ]; then
        say "Skipped cases:
$cases"
        skipped=$((skipped + $(printf '%s\n' "$cases" | wc -l)))
    fi
}

# run TITLE DIR LOG ARGUMENT...: `meson test` in the build folder DIR, which writes LOG.
run()
{
    say "
== $1"
    tests=$top/build/$2
    log=$tests/meson-logs/$3
    shift 3
    rm -f "$log.json"
    LOCPATH=$locales meson test -C "$tests" --no-rebuild --print-errorlogs "$@" || say "Failures: see $log.txt"
    count "$log"
}

# compile DIR OPTION...
compile()
{
    dir=$top/build/$1
    say "
== Compiling in ${dir#"$root/"} with $CC"
    shift
    build "$dir" -Dwerror=true "$@" && return
    failed=$((failed + 1))
    return 1
}

# LLVM's OpenMP reports its synchronization to the sanitizer through libarcher; gcc's does not. BLIS is not instrumented, and ignored.
# On Debian 13 libomp does not find libarcher by itself.
for_races()
{
    races="tensor/parallel models/concurrency models/determinism nn/state nn/loader_prefetch nn/loader_fields nn/loader_shards"
    targets=$(printf 'tests/test_%s ' $(echo "$races" | tr / _))
    compile races --buildtype=plain -Doptimization=1 -Ddebug=true -Db_sanitize=thread -Db_lundef=false || return 0
    OMP_TOOL_LIBRARIES=$(clang -print-file-name=libarcher.so)
    export OMP_TOOL_LIBRARIES
    TAP_TEST_SHORT=1 run "clang with the thread sanitizer: threads" races testlog $races
    unset OMP_TOOL_LIBRARIES
}

# Only definite leaks are errors, as OpenMP and BLIS keep memory until the end.
valgrind="valgrind -q --vgdb=no --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"

# The script that runs vae_mnist gets a wrapper, as otherwise valgrind would run the shell.
vae_mnist_under_valgrind()
{
    wrapped=$top/build/gcc/vae_mnist_under_valgrind
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$valgrind" "$top/build/gcc/examples/vae_mnist" >"$wrapped"
    chmod +x "$wrapped"
    sh "$root/tests/examples/test_vae_mnist.sh" "$wrapped"
}

# The script of vae_mnist, many short processes in sequence, runs in parallel with the test programs.
under_valgrind()
{
    beside=$top/build/gcc/meson-logs/vae_mnist-valgrind.txt
    vae_mnist_under_valgrind >"$beside" 2>&1 &
    run "valgrind: the test programs" gcc testlog-valgrind --suite unit -t 20 --wrap "$valgrind"
    say "
== valgrind: examples/vae_mnist"
    if wait $!; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
    cat "$beside"
}

# fuzz SECONDS: fuzzes each target, and prints a line for it.
fuzz()
{
    say "
== Fuzzing the readers of files, $1 seconds each"
    results=$top/build/fuzz.results
    if ! sh "$root/tests/fuzz/run.sh" "$1" >"$results" 2>&1; then
        found=$(grep -c 'FOUND SOMETHING' "$results") || found=1
        failed=$((failed + found))
    fi
    passed=$((passed + $(grep -c ', no findings$' "$results" || true)))
    cat "$results"
}

CC=gcc
CXX=g++
export CC CXX
install_missing test_packages
[ $quick = yes ] || install_missing fuzzer_packages
make_locales

built=no
if compile gcc -Ddebug=true; then
    built=yes
    run "gcc: the whole suite" gcc testlog
fi
if [ $quick = no ]; then
    if compile sanitizers --buildtype=plain -Doptimization=1 -Ddebug=true -Db_sanitize=address,undefined; then
        run "gcc with sanitizers: the test programs" sanitizers testlog --suite unit --suite heavy --suite script -t 3
    fi
    if CC=clang CXX=clang++ compile clang; then
        run "clang: the test programs" clang testlog --suite unit --suite heavy
    fi
    CC=clang CXX=clang++ for_races
    targets=
    if [ $built = yes ]; then
        # Valgrind does not support AVX-512, and emulates fused multiply-adds a hundred times slower. The portable kernels, and
        # BLIS's for Sandy Bridge (4), use neither.
        export TAP_TEST_SHORT=1 TAP_ISA=generic BLIS_ARCH_TYPE=4 OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive
        under_valgrind
    fi
    fuzz 15
fi

say "
$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
