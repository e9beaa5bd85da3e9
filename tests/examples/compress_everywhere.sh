#!/bin/sh
# Compressed files are the same, byte by byte, whatever they were made by, and any of these reads them: vae_compress by gcc and clang,
# with -O0 and -O3, with 1 to 4 threads, and with the loops of every vector width. Takes some minutes.
# usage: compress_everywhere.sh [BUILDS [IMAGES.idx MODEL.safetensors]]
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
builds=${1:-$root/build/everywhere}
mkdir -p "$builds" && builds=$(cd "$builds" && pwd) || exit 1
images=${2:-} model=${3:-}
[ -z "$images" ] || images=$(realpath "$images") model=$(realpath "$model")

for compiler in gcc clang; do
    for level in 0 3; do
        dir=$builds/$compiler-O$level
        [ -f "$dir/build.ninja" ] || CC=$compiler meson setup -Dbuildtype=plain -Doptimization=$level -Dtests=false "$dir" "$root" >"$dir.log" ||
            { cat "$dir.log"; exit 1; }
        ninja -C "$dir" examples/vae_compress >"$dir.log" || { cat "$dir.log"; exit 1; }
    done
done

set -- "$builds/gcc-O3/examples/vae_compress"
. "$root/tests/examples/program.sh"
if [ -z "$images" ]; then
    mkdir data
    idx 200 >data/train-images-idx3-ubyte
    idx 10 >data/t10k-images-idx3-ubyte
    run --train --data data --out model --hidden 50 --epochs 3 --quiet
    ok "a model is trained" [ "$status" -eq 0 ]
    images=data/train-images-idx3-ubyte model=model/model.safetensors
fi
run -c "$images" first.tapz --model "$model" --quiet
ok "the first file: status 0" [ "$status" -eq 0 ]
for compiler in gcc clang; do
    for level in 0 3; do
        program=$builds/$compiler-O$level/examples/vae_compress
        for threads in 1 2 3 4; do
            run -c "$images" file.tapz --model "$model" --threads $threads --quiet
            ok "$compiler -O$level, $threads threads: the same file" same file.tapz first.tapz
            run -d first.tapz back.idx --model "$model" --threads $threads --quiet
            ok "$compiler -O$level, $threads threads: the images" same back.idx "$images"
        done
        for isa in generic avx2; do
            TAP_ISA=$isa
            export TAP_ISA
            run -c "$images" file.tapz --model "$model" --quiet
            ok "$compiler -O$level, $isa: the same file" same file.tapz first.tapz
            run -d first.tapz back.idx --model "$model" --quiet
            ok "$compiler -O$level, $isa: the images" same back.idx "$images"
            unset TAP_ISA
        done
    done
done
finish
