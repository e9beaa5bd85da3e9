#!/bin/sh
# Two builds write the same bytes, or it is said which files differ: after a change that must not change results.
set -u

usage()
{
    cat <<'END'
usage: sh tests/examples/compare_outputs.sh [--ignore GLOB]... [--keep] BUILD_BEFORE BUILD_AFTER [DATA]

Runs all programs of examples/ from two build folders of meson with the very same options and seeds, briefly and on small data, each
run in a folder of its own, and compares every file that they write, standard output and errors among them, byte by byte. A line for
each run is its command and `same`, or `DIFFERENT:` and the files. Takes one to two minutes on two processors. Fails if a file differs,
if a run fails, or if there is a program that is not run.

  BUILD_BEFORE  what an earlier run has left for a later one (models, checkpoints, compressed files) is always this build's, so that
                a difference is seen where it arises, and BUILD_AFTER reads what BUILD_BEFORE has written
  DATA          directory with MNIST's four files, plain or .gz, of which the first images are taken [pictures made here]
  --ignore GLOB leave out files whose path in the run's folder matches, such as out/training.svg or '*.png', where * stands for
                slashes, too. The run's line names them
  --keep        the files stay, and it is said where

TAP_ISA and OMP_NUM_THREADS pick kernels and threads, for both builds alike; without TAP_ISA, some runs are made with the kernels of
lower vector widths, too. This is not compared:

  standard output, errors   `tapestry` and the version behind it; the number in `... MB of pixels per second` of vae_compress; the
                            columns images/s and seconds in the line that vae_mnist prints for each epoch
  timing.jsonl              the values of images_per_second and seconds
  checkpoint.safetensors    of vae_mnist, and checkpoint.safetensors.previous: seconds in the tensor `sums`, seconds and images per
                            second in each row of the tensor `records`, and the checksum of all, which depends on them
  again.lock                of examples/resume, which stops without a word: the number of its process
END
}

die()
{
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

scripts=$(cd "$(dirname "$0")" && pwd)
ignored='' keep=no
while [ $# -gt 0 ]; do
    case $1 in
    --ignore)
        [ $# -gt 1 ] || die "--ignore: a value is missing; see --help"
        ignored="$ignored$2
"
        shift
        ;;
    --keep) keep=yes ;;
    --help)
        usage
        exit 0
        ;;
    -*) die "$1: there is no such option; see --help" ;;
    *) break ;;
    esac
    shift
done
[ $# -eq 2 ] || [ $# -eq 3 ] || { usage >&2; exit 2; }
for build in "$1" "$2"; do [ -x "$build/examples/vae_mnist" ] || die "$build: holds no examples/vae_mnist; ninja -C $build builds it"; done
[ -z "${3-}" ] || [ -d "$3" ] || die "$3: is no directory"
before=$(cd "$1" && pwd) after=$(cd "$2" && pwd) data=
[ -z "${3-}" ] || data=$(cd "$3" && pwd)
set -- "$before/examples/vae_mnist"
. "$scripts/program.sh"
[ $keep = no ] || trap 'echo "the files are in $work"' EXIT
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"

# ---- small data

# The first n items, of so many bytes each, of one of DATA's files, behind a header of so many bytes
first() # N BYTES HEADER NAME
{
    for file in "$data/$4" "$data/$4.gz"; do [ ! -e "$file" ] || break; done
    [ -e "$file" ] || die "$data: has no file $4.gz, nor a plain one"
    gzip -dcf "$file" >all
    {
        head -c 4 all
        printf "$(printf '\\000\\000\\%03o\\%03o' $(($1 / 256)) $(($1 % 256)))"
        tail -c +9 all | head -c $(($3 - 8 + $1 * $2))
    } >"data/$4"
    rm all
    [ "$(wc -c <"data/$4")" -eq $(($3 + $1 * $2)) ] || die "$file: holds fewer than $1 items"
}

mkdir data kept
if [ -n "$data" ]; then
    first 1000 784 16 train-images-idx3-ubyte
    first 200 784 16 t10k-images-idx3-ubyte
    first 1000 1 8 train-labels-idx1-ubyte
    first 200 1 8 t10k-labels-idx1-ubyte
else
    idx 250 >data/train-images-idx3-ubyte
    idx 100 >data/t10k-images-idx3-ubyte
    labels 250 >data/train-labels-idx1-ubyte
    labels 100 >data/t10k-labels-idx1-ubyte
fi

# ---- comparing

blank() # FILE OFFSET N: N bytes become zeros
{
    dd if=/dev/zero of="$1" bs=1 seek="$2" count="$3" conv=notrunc 2>/dev/null
}

# Zeros in place of times and checksum. records: a row is epoch, skipped steps, 4 measurements, seconds, images per second, and others.
blank_times() # CHECKPOINT
{
    size=$(od -A n -t u4 -N 4 "$1" | tr -d ' ')
    { head -c $((8 + size)) "$1" | tail -c +9; echo; } >header
    at=$(awk '{ print index($0, "\"checksum\":\"") }' header)
    [ "$at" -eq 0 ] || blank "$1" $((8 + at + 16)) 16 # "checksum":"xxh3:...
    at=$(sed -n 's/.*"sums":{"dtype":"F64","shape":\[2\],"data_offsets":\[\([0-9]*\),.*/\1/p' header)
    [ -z "$at" ] || blank "$1" $((8 + size + at + 8)) 8
    sed -n 's/.*"records":{"dtype":"F64","shape":\[\([0-9]*\),\([0-9]*\)\],"data_offsets":\[\([0-9]*\),.*/\1 \2 \3/p' header >records
    while read -r rows columns at; do
        row=0
        while [ $row -lt "$rows" ]; do
            blank "$1" $((8 + size + at + 8 * (row * columns + 6))) 16
            row=$((row + 1))
        done
    done <records
}

masked() # SIDE FILE: a copy of what is compared of it
{
    from=$folder/$1/$2 to=$work/masked.$1
    case $name:${2##*/} in
    vae_mnist:timing.jsonl) sed 's/\("images_per_second": \).*/\1TIME, "seconds": TIME}/' "$from" >"$to" ;;
    vae_mnist:checkpoint.safetensors | vae_mnist:checkpoint.safetensors.previous) cp "$from" "$to" && blank_times "$to" ;;
    vae_mnist:std*)
        sed 's/tapestry [0-9][0-9.]*/tapestry VERSION/
            s/^\( *[0-9][0-9]*\(  *-\{0,1\}[0-9][0-9.]*\)\{4\}\)  *[0-9][0-9]*  *[0-9][0-9.]*$/\1 TIME/' "$from" >"$to"
        ;;
    *:std*) sed 's/tapestry [0-9][0-9.]*/tapestry VERSION/; s/[0-9.]* MB of pixels per second$/TIME/' "$from" >"$to" ;;
    *.lock) : >"$to" ;;
    *) cp "$from" "$to" ;;
    esac
}

equal() # FILE
{
    cmp -s "$folder/before/$1" "$folder/after/$1" || { masked before "$1" && masked after "$1" && cmp -s masked.before masked.after; }
}

is_ignored() # FILE
{
    while read -r glob; do
        case $1 in $glob) [ -z "$glob" ] || return 0 ;; esac
    done <<END
$ignored
END
    return 1
}

by() # SIDE PROGRAM ARGUMENT...: the program of one build, in a folder that has data/ and kept/ and begins with what $begun names
{
    side=$1
    shift
    mkdir -p "$folder/$side" && ln -s "$work/data" "$work/kept" "$folder/$side"
    for file in $begun; do cp -r "kept/$file" "$folder/$side"; done
    eval "build=\$$side"
    (cd "$folder/$side" && name=$1 && shift && exec "$build/examples/$name" "$@") >"$folder/$side/stdout" 2>"$folder/$side/stderr"
}

runs=0 alike=0 differing=0 failures=0 left_out=0 programs=' ' begun='' isa=''
compare() # PROGRAM ARGUMENT...
{
    if [ ! -x "$before/examples/$1" ] || [ ! -x "$after/examples/$1" ]; then
        echo "$1: is in one of the builds only"
        programs="$programs$1 "
        return
    fi
    runs=$((runs + 1))
    name=$1 folder=$work/$runs programs="$programs$1 "
    by before "$@"
    status=$?
    by after "$@"
    status_after=$?
    different='' out=''
    for file in $(cd "$folder" && find before after -type f | sed 's/^[a-z]*\///' | sort -u); do
        if is_ignored "$file"; then
            out="$out $file" left_out=$((left_out + 1))
        elif [ ! -e "$folder/before/$file" ]; then
            different="$different $file (after only)" differing=$((differing + 1))
        elif [ ! -e "$folder/after/$file" ]; then
            different="$different $file (before only)" differing=$((differing + 1))
        elif equal "$file"; then
            alike=$((alike + 1))
        else
            different="$different $file" differing=$((differing + 1))
        fi
    done
    said=same
    [ -z "$different" ] || said="DIFFERENT:$different"
    if [ $status -ne 0 ] || [ $status_after -ne 0 ]; then
        said="$said; FAILED: status $status before, $status_after after" failures=$((failures + 1))
    fi
    printf '%s: %s\n' "$isa$*" "$said${out:+; ignored:$out}"
    [ $status -eq 0 ] || sed 's/^/    before: /' "$folder/before/stderr" | tail -n 3
    [ $status_after -eq 0 ] || sed 's/^/    after: /' "$folder/after/stderr" | tail -n 3
}

keeps() # FILE [NAME]: what the last run has made, as kept/NAME
{
    cp -r "$folder/before/$1" "kept/${2:-${1##*/}}"
}

goes_on() # PROGRAM ARGUMENT...: the last run's folder out/ as if it had been stopped before its last checkpoint
{
    keeps out
    rm -f kept/out/checkpoint.safetensors
    begun=out
    compare "$@" --resume
    begun=
    rm -r kept/out
}

# ---- programs of one file
for name in first_steps new_layer new_operator check_gradients; do compare $name; done
compare resume once
compare resume again 33
keeps again
keeps again.previous
begun='again again.previous'
compare resume again
begun=

mkdir data/packed
for file in data/*-ubyte; do gzip -nc "$file" >"data/packed/${file#data/}.gz"; done
compare vae data/packed
compare resnet data/packed

# ---- elbo_tour
compare elbo_tour --quick --data data --out out

# ---- vae_compress
compare vae_compress --binarize data/train-images-idx3-ubyte two.idx
mkdir kept/two
keeps two.idx two/train-images-idx3-ubyte
compare vae_compress --binarize data/t10k-images-idx3-ubyte two.idx --seed 1
keeps two.idx two/t10k-images-idx3-ubyte
set -- vae_compress --train --data data --latent 20 --hidden 100 --epochs 2 --out out
compare "$@"
keeps out/model.safetensors grey.safetensors
compare "$@" --binary --seed 1
keeps out/model.safetensors binary.safetensors
goes_on "$@" --binary --seed 1
for kind in grey binary; do
    images=data
    [ $kind = grey ] || images=kept/two
    compare vae_compress -c $images/t10k-images-idx3-ubyte out.tapz --model kept/$kind.safetensors
    keeps out.tapz $kind.tapz
    compare vae_compress -d kept/$kind.tapz out.idx --model kept/$kind.safetensors
done
compare vae_compress -c kept/two/t10k-images-idx3-ubyte out.tapz --model kept/grey.safetensors --threads 3

# ---- vae_mnist
set -- vae_mnist --data data --batch 100 --out out
compare "$@" --epochs 2 --evaluate 100
compare "$@" --epochs 2 --hidden 200,100 --latent 2 --activation tanh --seed 1
compare "$@" --epochs 2 --likelihood gaussian --activation elu --batch 7 --threads 1
compare "$@" --epochs 2 --likelihood gaussian --sigma 0.3 --activation gelu --evaluate 10 --threads 3
compare "$@" --epochs 2 --beta 0.5 --free-bits 0.1 --activation softplus --on-nonfinite skip
compare "$@" --epochs 2 --bound iwae --samples 5 --evaluate 300
for estimator in dreg score score-baseline score-loo; do
    compare "$@" --epochs 1 --bound iwae --samples 3 --estimator $estimator --hidden 50
done
for estimator in stl dreg score score-baseline score-loo; do
    compare "$@" --epochs 1 --samples 3 --estimator $estimator --hidden 50
done
for activation in sigmoid silu leaky_relu selu mish identity; do
    compare "$@" --epochs 1 --activation $activation --hidden 50
done
compare "$@" --epochs 0 --evaluate 50
compare vae_mnist --data kept/two --epochs 2 --evaluate 50 --out out
compare "$@" --epochs 2
goes_on vae_mnist --data data --epochs 3 --out out
compare "$@" --epochs 1 --checkpoint-every 0
goes_on vae_mnist --data data --evaluate 5 --out out

# ---- vae_generate
set -- vae_generate --data data --epochs 2 --batch 100 --out out
compare "$@"
keeps out/model.safetensors digits.safetensors
keeps out/classifier.safetensors
goes_on "$@" --samples
compare vae_generate --model kept/digits.safetensors --digit 7 --traversals --seed 1 --out out
compare vae_generate --model kept/digits.safetensors --data data --interpolate 3,18 --measure --classifier kept/classifier.safetensors --out out
compare vae_generate --data data --latent 3 --beta 1 --epochs 1 --batch 50 --samples --out out

# ---- vae_anomaly
set -- vae_anomaly --weights 5 --samples 3 --steps 5 --out out
compare "$@" --data data --normal 3 --epochs 2 --batch 20
keeps out/model.safetensors three.safetensors
goes_on "$@" --data data --normal 3 --epochs 2 --batch 20
compare "$@" --model kept/three.safetensors --data data --normal 5
compare "$@" --model kept/three.safetensors --score data --seed 1
compare "$@" --normal data --anomaly kept/two --latent 5 --epochs 1
compare "$@" --data data --normal all --epochs 1 --batch 20

# ---- vae_cells
compare vae_cells --simulate cells --cells 600 --genes 150 --groups 4 --batches 2
keeps cells
set -- vae_cells --draws 5 --out out
compare "$@" --data kept/cells --epochs 3
keeps out/model.safetensors cells.safetensors
goes_on "$@" --data kept/cells --epochs 3
compare "$@" --data kept/cells --model kept/cells.safetensors --clusters 5
compare "$@" --data kept/cells --epochs 2 --likelihood zinb --hidden 50 --latent 3 --seed 1
compare "$@" --data kept/cells --epochs 2 --no-batches --scale 1000 --batch 50
gzip -dc kept/cells/matrix.mtx.gz | awk 'NR == 2 { genes = $1; cells = $2 } NR > 2 { x[$2, $1] = $3 }
    END { line = "cell"; for (g = 1; g <= genes; g++) line = line ";g" g; print line
          for (c = 1; c <= cells; c++) { line = "cell" c; for (g = 1; g <= genes; g++) line = line ";" x[c, g] + 0; print line } }' >kept/cells.csv
compare "$@" --data kept/cells.csv --separator ';' --epochs 1 --hidden 20

# ---- kernels of other vector widths
if [ -z "${TAP_ISA-}" ]; then
    for width in generic avx2; do
        export TAP_ISA=$width
        isa="TAP_ISA=$width "
        compare elbo_tour --quick --data data --out out
        compare vae_compress -c data/t10k-images-idx3-ubyte out.tapz --model kept/grey.safetensors
        compare vae_mnist --data data --batch 100 --epochs 1 --evaluate 10 --out out
        compare vae_mnist --data data --batch 100 --epochs 1 --bound iwae --samples 3 --likelihood gaussian --activation tanh --out out
        compare vae_generate --data data --epochs 1 --batch 100 --out out
        compare vae_anomaly --data data --normal 3 --epochs 1 --batch 20 --weights 5 --samples 3 --steps 5 --out out
        compare vae_cells --data kept/cells --epochs 1 --draws 5 --likelihood zinb --out out
    done
    unset TAP_ISA
fi

# ---- all of them
for file in "$before"/examples/* "$after"/examples/*; do
    name=${file##*/}
    [ -f "$file" ] && [ -x "$file" ] || continue
    case $programs in *" $name "*) continue ;; esac
    echo "NOT RUN: $name"
    programs="$programs$name " failures=$((failures + 1))
done
summary="$alike files of $runs runs are the same, $differing differ"
[ $left_out -eq 0 ] || summary="$summary, $left_out are ignored"
[ $failures -eq 0 ] || summary="$summary; failures: $failures"
echo "$summary"
[ $differing -eq 0 ] && [ $failures -eq 0 ]
