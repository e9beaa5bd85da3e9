#!/bin/sh
# The program vae_cells from outside: its options, its files, its messages, on a few cells that it simulates.
# usage: test_vae_cells.sh PROGRAM
. "$(dirname "$0")/program.sh"

train() # ARGUMENT...: a run that takes no time
{
    run --latent 3 --hidden 8 --epochs 2 --batch 32 --draws 3 "$@"
}

# The numbers of a .npy file's shape.
shape() { head -c 128 "$1" | sed -n "s/.*'shape': (\(.*\)), }.*/\1/p"; }

# ---- options
helps data metadata no-batches out model clusters draws likelihood latent hidden scale epochs batch lr checkpoint-every resume simulate cells seed threads quiet help
refuses '--data: must be given, or --simulate'
refuses '--data: must be given, or --simulate' --latent 3
refuses '--likelihood poisson: must be nb or zinb' --data d --likelihood poisson
refuses '--latent 0: ' --data d --latent 0
refuses '--scale 0: ' --data d --scale 0
refuses '--draws 0: ' --data d --draws 0
refuses '--clusters -1: ' --data d --clusters -1
refuses '--cells 0: ' --simulate d --cells 0
refuses '--cells: goes with --simulate' --data d --cells 10
refuses '--latent: does not go with --simulate' --simulate d --latent 3
refuses '--data: does not go with --simulate' --simulate d --data d
refuses '--lr: goes with training, not with --model' --data d --model m --lr 1
refuses '--seed: goes with training, not with --model' --data d --model m --seed 1
refuses '--resume: goes with training, not with --model' --data d --model m --resume
refuses 'cells: not an option' cells

# ---- simulation
run --simulate sim --cells 300 --genes 60 --groups 3 --batches 2 --seed 5
ok "--simulate: status 0" [ "$status" -eq 0 ]
ok "--simulate: its files" files sim 'barcodes.tsv.gz features.tsv.gz matrix.mtx.gz metadata.csv'
ok "--simulate: a feature is a row" eval "gzip -dc sim/matrix.mtx.gz | sed -n 2p | grep -Eq '^60 300 [0-9]+$'"
ok "--simulate: a barcode for each cell" [ "$(gzip -dc sim/barcodes.tsv.gz | wc -l)" -eq 300 ]
ok "--simulate: a feature for each gene" [ "$(gzip -dc sim/features.tsv.gz | wc -l)" -eq 60 ]
ok "--simulate: all that is known of the cells" grep -Eq '^cell300,[123],[12],[0-9.]+$' sim/metadata.csv
run --simulate again --cells 300 --genes 60 --groups 3 --batches 2 --seed 5 --threads 3
for file in barcodes.tsv.gz features.tsv.gz matrix.mtx.gz metadata.csv; do ok "$file: the same with 3 threads" same sim/$file again/$file; done
run --simulate again --cells 300 --genes 60 --groups 3 --batches 2 --seed 6
ok "another seed, other cells" differ sim/matrix.mtx.gz again/matrix.mtx.gz

# ---- an ordinary run
train --data sim --out a/b
ok "a run: status 0" [ "$status" -eq 0 ]
ok "a run: nothing on standard error" [ ! -s stderr ]
ok "it says what there is" grep -Eqx 'sim: 300 cells x 60 genes, [0-9.]+ % of counts are not 0, median library size [0-9]+; 2 batches, 3 groups' stdout
ok "it says how training goes" [ "$(grep -Ec '^epoch +[12] of 2: loss [0-9.]+, held out [0-9.]+$' stdout)" -eq 2 ]
number='-?[0-9]+\.[0-9]+'
ok "it says what is likely" grep -Eqx "cells held out, nats each: log p\(x\) $number by 3 draws, ELBO $number; without a latent space $number" stdout
for space in 'latent space' PCA; do
    ok "it says what groups there are: $space" grep -Eq "^$space *: 3 clusters by k-means, adjusted Rand index $number with the groups, $number with the batches$" stdout
done
results='clusters.npy denoised.npy latent.npy latent.png'
ok "all files, and no others" files a/b "checkpoint.safetensors checkpoint.safetensors.previous clusters.npy denoised.npy latent.npy latent.png model.safetensors"
ok "latent.npy: a row for each cell" [ "$(shape a/b/latent.npy)" = '300, 3' ]
ok "denoised.npy: cells by genes" [ "$(shape a/b/denoised.npy)" = '300, 60' ]
ok "clusters.npy: a number for each cell" [ "$(shape a/b/clusters.npy)" = '300,' ]
ok "latent.npy is whole" [ "$(wc -c <a/b/latent.npy)" -eq $((128 + 300 * 3 * 4)) ]
ok "denoised.npy is whole" [ "$(wc -c <a/b/denoised.npy)" -eq $((128 + 300 * 60 * 4)) ]
ok "latent.png is a PNG" is_png a/b/latent.png
ok "the options are in the model" says a/b/model.safetensors '"likelihood":"nb"'
ok "no escape sequences in a file" eval '! grep -q "$(printf "\033")" stdout'
grep -E '^cells held|^latent|^PCA' stdout >measured

# ---- a model that was trained before
run --data sim --model a/b/model.safetensors --draws 3 --quiet --out again
ok "--model: status 0" [ "$status" -eq 0 ]
ok "--model: the same is measured, and --quiet prints nothing else" same measured stdout
rm -f again/*.gz again/*.csv
ok "--model: results, and no others" files again "$results"
for file in $results; do ok "$file: the same as after training" same a/b/$file again/$file; done

# ---- the same bits for the same seed, whatever the threads
for threads in 1 3; do train --data sim --threads $threads --out "threads$threads"; done
for file in model.safetensors $results; do ok "$file: the same with 1 and 3 threads" same threads1/$file threads3/$file; done
train --data sim --seed 1 --out seed1
ok "another seed, another model" differ a/b/model.safetensors seed1/model.safetensors
train --data sim --likelihood zinb --clusters 5 --out zinb
ok "--likelihood zinb: status 0" [ "$status" -eq 0 ]
ok "--clusters 5" says stdout '^latent space: 5 clusters'
train --data sim --no-batches --latent 1 --out alone
ok "--no-batches: status 0" [ "$status" -eq 0 ]
ok "--no-batches: they are not told of" says stdout '; 0 batches, 3 groups$'

# ---- CSV, and cells of which nothing is known
gzip -dc sim/matrix.mtx.gz | awk 'NR == 2 { genes = $1; cells = $2 } NR > 2 { x[$2, $1] = $3 }
    END { line = "cell"; for (g = 1; g <= genes; g++) line = line ",g" g; print line
          for (c = 1; c <= cells; c++) { line = "c" c; for (g = 1; g <= genes; g++) line = line "," x[c, g] + 0; print line } }' >counts.csv
gzip -c counts.csv >counts.csv.gz
for file in counts.csv counts.csv.gz; do
    train --data $file --metadata sim/metadata.csv --out csv
    ok "$file: status 0" [ "$status" -eq 0 ]
    for result in model.safetensors $results; do [ $result = model.safetensors ] || ok "$file: the same $result" same a/b/$result csv/$result; done
done
train --data counts.csv --out unknown
ok "no metadata: status 0" [ "$status" -eq 0 ]
ok "no metadata: 8 clusters" grep -Eqx 'latent space: 8 clusters by k-means' stdout
ok "no metadata: a picture all the same" is_png unknown/latent.png

# ---- runs that stop and go on
interrupts --data sim --latent 3 --hidden 8 --batch 32
train --data sim --epochs 4 --out through
stop_when '[ -s pieces/checkpoint.safetensors ]' KILL --data sim --latent 3 --hidden 8 --epochs 4 --batch 32 --draws 3 --checkpoint-every 0 --out pieces
train --data sim --epochs 4 --out pieces --resume
ok "after kill -9, --resume: status 0" [ "$status" -eq 0 ]
for file in model.safetensors $results; do ok "after kill -9, --resume: the same $file" same through/$file pieces/$file; done
train --data sim --epochs 4 --lr 0.01 --out pieces --resume
ok "--resume with another --lr: it is named" says_only stderr lr

# ---- files that are not as they should be
model=a/b/model.safetensors
fails 'nowhere: has no matrix.mtx.gz, nor a plain one' --data nowhere --out lost
: >counts.txt
fails 'counts.txt/matrix.mtx.gz: cannot open: ' --data counts.txt --out lost
fails 'nowhere.csv: cannot open: No such file or directory' --data nowhere.csv --out lost
cp -r sim broken
gzip -dc sim/matrix.mtx.gz | sed 's/^1 1 .*/1 1 -3/; 2s/$/0/' >broken/matrix.mtx
rm broken/matrix.mtx.gz
fails 'broken/matrix.mtx: truncated: ' --data broken --out lost
gzip -dc sim/matrix.mtx.gz | sed '3s/ [0-9]*$/ -3/' >broken/matrix.mtx
fails 'is no count' --data broken --out lost
gzip -dc sim/barcodes.tsv.gz | head -n 299 >broken/barcodes.tsv
rm broken/barcodes.tsv.gz
fails 'broken/matrix.mtx: holds 60 rows and 300 columns for 60 features and 299 barcodes' --data broken --out lost
head -c 2000 sim/matrix.mtx.gz >broken/matrix.mtx.gz
fails 'broken/matrix.mtx.gz: truncated: the gzip stream breaks off' --data broken --out lost
sed 's/^c7,0*/c7,x/' counts.csv >bad.csv
fails 'bad.csv: row 8, field 2: there should be a number' --data bad.csv --out lost
sed '9s/,[^,]*$//' counts.csv >bad.csv
fails 'bad.csv: row 9 has 60 fields, not 61' --data bad.csv --out lost
sed '9s/,[^,]*$/,0.5/' counts.csv >bad.csv
fails 'bad.csv: cell 8, gene 60: 0.5 is no count' --data bad.csv --out lost
head -n 5 counts.csv >few.csv
fails '4 cells are too few' --data few.csv --out lost
head -n 200 sim/metadata.csv >few
fails 'few: describes 199 cells, not 300' --data sim --metadata few --out lost
fails 'nowhere: cannot open: No such file or directory' --data sim --metadata nowhere --out lost
fails 'nowhere: cannot open: No such file or directory' --data sim --model nowhere --out lost
fails 'counts.csv: ' --data sim --model counts.csv --out lost
sed 's/"latent":"3"/"latent":"x"/' $model >bad
fails 'bad: is no model that this program has written' --data sim --model bad --out lost
run --simulate more --cells 300 --genes 50 --batches 2
fails 'does not fit the module' --data more --model $model --out unfit
fails 'does not fit the module' --data counts.csv --model $model --out unfit
fails '--latent and --clusters' --data sim --latent 61 --out lost
fails '--latent and --clusters' --data sim --clusters 301 --out lost
ok "none of these left anything behind" nothing lost
ok "a model that does not fit: no results" [ -z "$(ls unfit)" ]
: >file
fails 'file' --data sim --out file
fails 'file' --simulate file/below
train --data sim --lr 1000 --epochs 50 --quiet --out wild
ok "numbers that run away: status 1" [ "$status" -eq 1 ]
ok "numbers that run away: a word on it" says_only stderr 'is not a finite number in epoch'
ok "numbers that run away: no results" nothing wild/latent.npy
mkdir -p blocked/latent.npy
train --data sim --quiet --out blocked
ok "a result that cannot be put in its place: status 1" [ "$status" -eq 1 ]
ok "it is named" says_only stderr blocked/latent.npy

finish
