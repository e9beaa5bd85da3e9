# Shared functions of quickstart.sh and the scripts of tests/, which source this file with the source tree in $root. Missing
# packages are detected by what they provide, not by their names, so that other systems and manual installations work, too.

# Sets the C locale for messages and numbers, so that the output of tools, awk and sort can be parsed. The character encoding
# remains that of the terminal.
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

# $top is the folder for build/ and out/: the source tree or, if that is read-only, a folder in the user's cache.
top=$root
[ -w "$root" ] || top=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/tapestry/$(printf '%s' "$root" | cksum | cut -d ' ' -f 1)

# needs PACKAGE COMMAND...: adds PACKAGE (its name in Debian) to $missing if the command fails.
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

# Where apt-get is available, a plain blis.h does not count: the variant without OpenMP is preferred and can be installed.
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
    needs libzip-dev pkg-config --exists libzip
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

# Requires clang, as the name of the package includes its version.
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

# install_missing LIST: installs the missing packages; LIST is a function that calls needs for each package.
install_missing()
{
    missing=
    "$1"
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || die "these packages (Debian's names) are missing; install them and run this again:$missing"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        die "not root, and there is no sudo; run this as root, then try again: apt-get install$missing"
    say "Installing$missing"
    # Continues if a package source does not answer, as it may be irrelevant; the installation fails if it is not.
    apt update || say "apt-get update failed; going on with the package lists there are"
    apt install --no-install-recommends --no-remove $missing || die "apt-get could not install$missing"
    missing=
    "$1"
    [ -z "$missing" ] || die "installed, but not usable:$missing"
}

# build DIR OPTION...: configures DIR once and compiles everything or, if set, $targets. Prints the output of the tools on
# failure or on a terminal.
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
