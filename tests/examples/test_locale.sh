#!/bin/sh
# What programs write and take is the same where numbers have a comma.
# usage: test_locale.sh VAE_MNIST VAE_CELLS
vae_cells=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
. "$(dirname "$0")/program.sh"
comma=de_DE.UTF-8
[ "$(LC_ALL=$comma locale decimal_point 2>/dev/null)" = , ] || { echo "skipped: the locale $comma is not installed"; exit 77; }
vae_mnist=$program

# everything_by LOCALE: results in the folder of that name
everything_by()
{
    mkdir "$1" && cd "$1" || exit 1
    program=$vae_mnist
    LC_ALL=$1 run --data ../data --hidden 16 --latent 2 --epochs 2 --batch 16 --lr 0.0025 --likelihood gaussian --sigma 0.5 --evaluate 3 \
        --out out
    ok "$1: a run succeeds" [ "$status" -eq 0 ]
    sed '/images\/s/d; s/ *[0-9]* *[0-9.]*$//' stdout >said
    LC_ALL=$1 run --lr 0,5
    ok "$1: a comma is refused" [ "$status" -eq 2 ]
    cat stderr >>said
    program=$vae_cells
    LC_ALL=$1 run --simulate cells --cells 60 --genes 20 --groups 2 --batches 2
    ok "$1: cells are simulated" [ "$status" -eq 0 ]
    cat stdout >>said
    LC_ALL=$1 run --data cells --epochs 1 --draws 2 --hidden 8 --latent 2 --clusters 2 --lr 0.0025 --out found
    ok "$1: cells are read" [ "$status" -eq 0 ]
    cat stderr >>said
    rm stdout stderr out/timing.jsonl out/checkpoint.safetensors* # which hold times
    cd ..
}

mkdir data
idx 64 >data/train-images-idx3-ubyte
idx 20 >data/t10k-images-idx3-ubyte
everything_by C
everything_by $comma
ok "all files are the same" diff -r C $comma
finish
