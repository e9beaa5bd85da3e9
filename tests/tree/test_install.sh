#!/bin/sh
# A small program builds and runs with Tapestry as a Meson subproject, and with the installed tree through pkg-config, shared
# and static.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset LD_LIBRARY_PATH # which names the build that is tested, not what is installed here

mkdir subprojects
ln -s "$TAP_SOURCE_ROOT" subprojects/tapestry
cat > program.c <<'END'
#include <stdio.h>
#include "models/models.h"
int main(void)
{
    float     x[] = { 1, 2, 3 };
    tap_tape *t = tap_tape_new(TAP_F32, 0);
    tap_var   y = tap_sum(tap_square(tap_input(t, tap_tensor_wrap(TAP_F32, TAP_SHAPE(3), x))), TAP_ALL);
    printf("%g\n", tap_item(y));
    tap_tape_free(t);
}
END
cat > meson.build <<'END'
project('user', 'c')
subproject('tapestry')
executable('program', 'program.c', dependencies: dependency('tapestry'))
END

quietly()
{
    "$@" > log 2>&1 || { cat log; exit 1; }
}

says_14()
{
    [ "$("$1")" = 14 ] || { echo "$1 did not print 14"; exit 1; }
    echo "$1 is right"
}

quietly meson setup build --buildtype=plain --prefix="$work/prefix" --libdir=lib
quietly meson install -C build
says_14 build/program

PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig
export PKG_CONFIG_PATH
eval "$CC program.c $(pkg-config --cflags --libs tapestry)" '-Wl,-rpath,"$work/prefix/lib" -o shared' # pkg-config escapes spaces
says_14 ./shared

rm prefix/lib/libtapestry.so*
eval "$CC program.c $(pkg-config --cflags --libs --static tapestry) -o static"
says_14 ./static
