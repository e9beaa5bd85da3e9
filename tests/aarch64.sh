#!/bin/sh
# Cross-builds Tapestry for 64-bit ARM, and runs its tests under qemu.
set -eu

usage()
{
    cat <<'TEXT'
usage: sh tests/aarch64.sh [--all] [--help]

Installs what is missing (on Debian, arm64 packages of the libraries), cross-builds Tapestry in build/aarch64 with the cross file
tests/cross/aarch64.txt and warnings as errors, and runs the unit tests under qemu.

  --all   also runs the tests that take longer
TEXT
}

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/examples/setup.sh"

suites="--suite unit"
case ${1-} in
'') ;;
--all) suites="--suite unit --suite heavy" ;;
--help)
    usage
    exit 0
    ;;
*)
    usage >&2
    exit 2
    ;;
esac
[ "$(uname -m)" != aarch64 ] || die "this machine is 64-bit ARM itself: use sh tests/run.sh"

# arm64 PACKAGE FILE: requires PACKAGE, which installs FILE into the folder of arm64 libraries.
arm64()
{
    needs "$1:arm64" test -e "/usr/lib/aarch64-linux-gnu/$2"
}

arm64_packages()
{
    needs gcc-aarch64-linux-gnu command -v aarch64-linux-gnu-gcc
    needs qemu-user command -v qemu-aarch64
    needs meson command -v meson
    needs ninja-build command -v ninja
    needs pkg-config command -v pkg-config
    needs librandom123-dev header Random123/philox.h
    arm64 libgomp1 libgomp.so.1
    arm64 libblis-serial-dev blis-serial/libblis.so
    arm64 zlib1g-dev pkgconfig/zlib.pc
    arm64 libpng-dev pkgconfig/libpng.pc
    arm64 libcjson-dev pkgconfig/libcjson.pc
    arm64 libxxhash-dev pkgconfig/libxxhash.pc
    arm64 libcsv-dev libcsv.so
    arm64 libzip-dev pkgconfig/libzip.pc
    arm64 libcairo2-dev pkgconfig/cairo.pc
    arm64 libbz2-dev libbz2.so
    arm64 liblzma-dev pkgconfig/liblzma.pc
    arm64 libcmocka-dev pkgconfig/cmocka.pc
}

# apt-get finds packages of another architecture once dpkg has it.
allow_arm64()
{
    ! command -v dpkg >/dev/null || dpkg --print-foreign-architectures | grep -qx arm64 || as_root dpkg --add-architecture arm64
}

CC=aarch64-linux-gnu-gcc
export CC
missing=
arm64_packages
[ -z "$missing" ] || allow_arm64
install_missing arm64_packages
unset CC

dir=$top/build/aarch64
build "$dir" --cross-file "$root/tests/cross/aarch64.txt" -Dwerror=true || die "the build failed; see above"
# Under qemu, tests take about ten times as long.
meson test -C "$dir" --no-rebuild $suites -t 10 --print-errorlogs
