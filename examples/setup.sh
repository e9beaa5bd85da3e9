# What quickstart.sh and the scripts of tests/ share; they source it, with the source tree in $root. Finds out which packages are missing by looking for what they
# bring, not for their names, so that other systems and tools installed by hand are fine too.

# Tools speak English, and awk and sort read and write numbers with a point, in whatever language this is run. Characters stay
# those of the terminal.
LC_CTYPE=${LC_ALL:-${LC_CTYPE:-${LANG:-C}}}
LANG=C
export LC_CTYPE LANG
unset LC_ALL LC_NUMERIC LC_COLLATE LC_MESSAGES LC_TIME LANGUAGE

say()
{
    printf '%s\n' "$*"
}

die()
{
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# $top takes build/ and out/: the source tree, or a folder in the user's cache where that is read-only.
top=$root
[ -w "$root" ] || top=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/tapestry/$(printf '%s' "$root" | cksum | cut -d ' ' -f 1)

# needs PACKAGE COMMAND...: PACKAGE (its name in Debian) is missing if the command fails.
needs()
{
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

header()
{
    printf '#include <%s>\n' "$1" | ${CC:-cc} -E -
}

# Where packages can be had, the one without OpenMP is.
blis()
{
    header blis-serial/blis.h || pkg-config --exists blis || { ! command -v apt-get && header blis.h; }
}

clang_openmp()
{
    echo '#include <omp.h>' | clang -fopenmp -E -
}

build_packages()
{
    needs gcc command -v ${CC:-cc}
    needs libc6-dev header stdlib.h
    needs meson command -v meson
    needs ninja-build command -v ninja
    needs pkg-config command -v pkg-config
    needs libblis-serial-dev blis
    needs librandom123-dev header Random123/philox.h
    needs zlib1g-dev pkg-config --exists zlib
    needs libpng-dev pkg-config --exists libpng
    needs libcjson-dev pkg-config --exists libcjson
    needs libxxhash-dev pkg-config --exists libxxhash
    needs libcsv-dev header csv.h
    needs libcairo2-dev pkg-config --exists cairo
    needs libbz2-dev header bzlib.h
    needs liblzma-dev pkg-config --exists liblzma
}

clang_packages()
{
    needs clang command -v clang
    needs libomp-dev clang_openmp
}

fuzzer_runtime()
{
    echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return !p && n; }' |
        clang -x c -fsanitize=fuzzer,address,undefined -o /dev/null -
}

# Once there is clang: the package is named after its version.
fuzzer_packages()
{
    needs "libclang-rt-$(clang -dumpversion | cut -d . -f 1)-dev" fuzzer_runtime
}

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt()
{
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"
}

# install_missing LIST: LIST is a function that calls needs for each package.
install_missing()
{
    missing=
    "$1"
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || die "these packages (Debian's names) are missing; install them and run this again:$missing"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        die "not root, and there is no sudo; run this as root, then try again: apt-get install$missing"
    say "Installing$missing"
    # A source that does not answer need not be the one with the packages; the installation says if it is.
    apt update || say "apt-get update failed; going on with the package lists there are"
    apt install --no-install-recommends --no-remove $missing || die "apt-get could not install$missing"
    missing=
    "$1"
    [ -z "$missing" ] || die "installed, but not usable:$missing"
}

# build DIR OPTION...: configures DIR once, and compiles it, or only $targets. Shows what the tools say only where that helps.
build()
{
    dir=$1
    shift
    log=$dir.log
    mkdir -p "${dir%/*}" || die "no folder to build in; XDG_CACHE_HOME may name another"
    if [ ! -f "$dir/build.ninja" ]; then
        meson setup "$@" "$dir" "$root" >"$log" 2>&1 || { cat "$log"; return 1; }
    fi
    if [ -t 1 ]; then
        ninja -C "$dir" ${targets-}
    else
        ninja -C "$dir" ${targets-} >"$log" 2>&1 || { grep -v '^\[[0-9]*/' "$log"; return 1; }
    fi
}
