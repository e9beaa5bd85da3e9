#!/bin/sh
# Each floor includes headers of its own and of the floors below, models only public ones of these, and the build lists each file.
set -eu
cd "$TAP_SOURCE_ROOT"

status=0
bad()
{
    echo "$*"
    status=1
}

allowed=
for floor in tensor autograd nn models; do
    allowed="$allowed $floor"
    for file in $(find "$floor" -name '*.[ch]'); do
        for included in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file"); do
            case " $allowed " in
            *" ${included%%/*} "*) ;;
            *) bad "$file includes $included: a floor above, or no floor" ;;
            esac
        done
        case $file in
        *.c) grep -q "'${file#"$floor"/}'" "$floor/meson.build" || bad "$file is missing in $floor/meson.build" ;;
        esac
    done
done

# Models are made of the public headers alone, so that a user's model can do what they do. Compression alone needs more of tensor:
# threads for its streams, and kernels and functions whose bits are the same on every machine.
for file in $(find models -name '*.[ch]'); do
    for included in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file"); do
        case $file:$included in
        *:tensor/tensor.h | *:autograd/autograd.h | *:nn/nn.h | *:models/* | models/compression/*:tensor/*) ;;
        *) bad "$file includes $included, which is not a public header" ;;
        esac
    done
done

for program in examples/*.c; do
    for included in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$program"); do
        case $included in
        *internal*) bad "$program includes $included, which is not installed" ;;
        esac
    done
done

for test in tests/*/test_*.c tests/*/test_*.sh; do
    file=${test##*/}
    name=${file#test_}
    grep -q "'${name%.*}'\|/$file'" tests/meson.build || bad "$test is missing in tests/meson.build"
done
exit $status
