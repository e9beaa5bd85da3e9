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
helps data metadata separator no-batches out model clusters draws likelihood latent hidden scale epochs batch lr checkpoint-every resume simulate cells seed threads quiet help
refuses '--data: must be given, or --simulate'
refuses '--data: must be given, or --simulate' --latent 3
refuses '--likelihood poisson: must be nb or zinb' --data d --likelihood poisson
refuses '--latent 0: ' --data d --latent 0
refuses '--scale 0: ' --data d --scale 0
refuses '--draws 0: ' --data d --draws 0
refuses '--clusters -1: ' --data d --clusters -1
refuses '--cells 0: ' --simulate d --cells 0
refuses "--separator ab: must be the word tab or one character" --data d --separator ab
refuses "--separator '': must be" --data d --separator ''
refuses '--separator ": must be' --data d --separator '"'
refuses '--separator: does not go with --simulate' --simulate d --separator tab
refuses '--cells: goes with --simulate' --data d --cells 10
refuses '--latent: does not go with --simulate' --simulate d --latent 3
refuses '--data: does not go with --simulate' --simulate d --data d
refuses '--lr: is for training, not for --model' --data d --model m --lr 1
refuses '--seed: is for training, not for --model' --data d --model m --seed 1
refuses '--resume: is for training, not for --model' --data d --model m --resume
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
          for (c = 1; c <= cells; c++) { line = "cell" c; for (g = 1; g <= genes; g++) line = line "," x[c, g] + 0; print line } }' >counts.csv
gzip -c counts.csv >counts.csv.gz
for file in counts.csv counts.csv.gz; do
    train --data $file --metadata sim/metadata.csv --out csv
    ok "$file: status 0" [ "$status" -eq 0 ]
    for result in model.safetensors $results; do [ $result = model.safetensors ] || ok "$file: the same $result" same a/b/$result csv/$result; done
done
tr , ';' <counts.csv >semicolons.csv
tr , '\t' <counts.csv | sed 's/\t/"&/7; 1s/^/\xef\xbb\xbf/' | tr -d '"' >tabs.tsv
tr , ';' <sim/metadata.csv >semicolons
for options in '--data semicolons.csv --separator ; --metadata semicolons' '--data tabs.tsv --metadata sim/metadata.csv'; do
    train $options --out csv
    ok "$options: status 0" [ "$status" -eq 0 ]
    for result in $results; do ok "$options: the same $result" same a/b/$result csv/$result; done
done
cp tabs.tsv tabs
train --data tabs --separator tab --out csv
ok "--separator tab: status 0, whatever the file is called" [ "$status" -eq 0 ]
train --data counts.csv --out unknown
ok "no metadata: status 0" [ "$status" -eq 0 ]
ok "no metadata: 8 clusters" grep -Eqx 'latent space: 8 clusters by k-means' stdout
ok "no metadata: a picture all the same" is_png unknown/latent.png

# ---- metadata, which is matched by barcode
same_results() # WHAT
{
    ok "$1: status 0" [ "$status" -eq 0 ]
    for result in $results; do ok "$1: the same $result" same a/b/$result matched/$result; done
}
{ head -n 1 sim/metadata.csv; tail -n +2 sim/metadata.csv | sort -t , -k 4; } >shuffled
train --data sim --metadata shuffled --out matched
same_results 'rows in another order'
ok "rows in another order: not a word" [ ! -s stderr ]
awk -F , -v OFS=, '{ print $4, $3, "\"" $1 "\"", $2 }' shuffled | sed '1s/"barcode"/x/; 1s/^/\xef\xbb\xbf/' >other
train --data sim --metadata other --out matched
same_results 'a column of another name, in another place'
{ cat shuffled; echo 'cell301,4,3,1'; echo 'cell0,5,4,1'; } >more_rows
train --data sim --metadata more_rows --out matched
same_results 'rows of other cells'
ok "rows of other cells: a word on them" says_only stderr 'more_rows: 2 rows name no cell of sim, and are left out'
grep -v '^cell7,' shuffled >missing
fails "missing: column 'barcode' names 299 of 300 cells; 'cell7' is missing" --data sim --metadata missing --out lost
sed 's/^cell8,/cell7,/' shuffled >twice
fails "twice: column 'barcode' names the cell 'cell7' twice" --data sim --metadata twice --out lost
sed 's/^cell/barcode_/' sim/metadata.csv >strange
fails "strange: no column holds the barcodes of sim; the first cell is 'cell1', and the first row begins with 'barcode_1'" \
    --data sim --metadata strange --out lost
sed 's/^cell9,/cell7,/' counts.csv >alike.csv
fails "alike.csv: two cells are called 'cell7', so that rows of shuffled cannot be matched to cells" --data alike.csv --metadata shuffled --out lost
sed 's/^cell9,/cell7,/' sim/metadata.csv >alike
train --data alike.csv --metadata alike --out matched
same_results 'cells of one name, rows in their order'
{ head -n 1 sim/metadata.csv; printf '"a\033[31m\nb",1,1,1\n'; } >colors
fails "colors: no column holds the barcodes of sim; the first cell is 'cell1', and the first row begins with 'a?[31m?b'" \
    --data sim --metadata colors --out lost
head -n 1 sim/metadata.csv >headless
fails 'headless: has no rows below the names of its columns' --data sim --metadata headless --out lost
cut -d , -f 1,4 sim/metadata.csv >nothing
fails 'nothing: has neither a column called group nor one called batch' --data sim --metadata nothing --out lost
fails "semicolons: has one column when separated by ','; it looks separated by ';': --separator ';'" --data sim --metadata semicolons --out lost
fails "semicolons.csv: has one column when separated by ','; it looks separated by ';': --separator ';'" --data semicolons.csv --out lost
fails "tabs: has one column when separated by ';'; it looks separated by tab: --separator tab" --data tabs --separator ';' --out lost
cp -r sim bare
rm bare/metadata.csv
fails '--separator: is for CSV files, and there is none in bare' --data bare --separator ';' --out lost

# ---- cells and genes without counts
numbers() { tail -c +129 "$1" | od -An -v -w4 -t f4 | tr -d ' '; }
finite() { ! numbers "$1" | grep -q -e nan -e inf; }
sed '1!{s/$/,0/;}; 1s/$/,none/; 10s/.*/&\nempty,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0/' counts.csv >empty.csv
{ sed '10q' sim/metadata.csv; echo 'empty,1,1,0'; tail -n +11 sim/metadata.csv; } >empty
for likelihood in nb zinb; do
    train --data empty.csv --metadata empty --likelihood $likelihood --out $likelihood.empty
    ok "an empty cell and gene, $likelihood: status 0" [ "$status" -eq 0 ]
    ok "an empty cell and gene, $likelihood: a word on them" \
        says_only stderr 'empty.csv: 1 cells and 1 genes have no counts; nothing is learned from such cells'
    ok "an empty cell and gene, $likelihood: nothing that is not a number" eval '! grep -q -i -w -e nan -e -nan -e inf -e -inf stdout'
    for file in latent denoised; do ok "$likelihood: $file.npy has finite numbers" finite $likelihood.empty/$file.npy; done
    ok "$likelihood: latent.npy has all cells" [ "$(shape $likelihood.empty/latent.npy)" = '301, 3' ]
    ok "$likelihood: the empty cell is in no cluster, and all others are" \
        [ "$(tail -c +129 $likelihood.empty/clusters.npy | od -An -v -w8 -t d8 | grep -n -e -1 | tr -d ' ')" = '10:-1' ]
done
cut -d , -f 1-61 empty.csv >empty_cell.csv
train --data empty_cell.csv --metadata empty --out empty_cell
ok "an empty cell: the same model" eval 'tail -c 4000 a/b/model.safetensors >1; tail -c 4000 empty_cell/model.safetensors >2; same 1 2'
numbers empty_cell/latent.npy | sed '28,30d' >1
numbers a/b/latent.npy >2
ok "an empty cell: the same latent space of the others" same 1 2
ok "an empty cell: the same is measured" eval 'grep -E "^cells held|^latent|^PCA" stdout | cmp -s - measured'
sed '1!s/,.*/,0,0/; 1s/,.*/,a,b/' counts.csv >zeros.csv
fails '0 cells with counts are too few' --data zeros.csv --out lost
awk 'NR <= 11 || NR > 200 { print; next } { gsub(/,[0-9]+/, ",0"); print }' counts.csv >half.csv
train --data half.csv --out half
ok "most cells are empty: status 0" [ "$status" -eq 0 ]
ok "most cells are empty: a word on them" says_only stderr '189 cells and'

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
fails 'nowhere: there is no such folder' --data nowhere --out lost
: >counts.txt
fails 'counts.txt/matrix.mtx.gz: cannot open: ' --data counts.txt --out lost
fails 'nowhere.csv: cannot open: No such file or directory' --data nowhere.csv --out lost
cp -r sim broken
gzip -dc sim/matrix.mtx.gz | sed 's/^1 1 .*/1 1 -3/; 2s/$/0/' >broken/matrix.mtx
rm broken/matrix.mtx.gz
fails 'broken/matrix.mtx: truncated: line 2 promises' --data broken --out lost
gzip -dc sim/matrix.mtx.gz | sed '3s/^[0-9]*/61/' >broken/matrix.mtx
fails 'broken/matrix.mtx: line 3: row 61 is not within 1..60' --data broken --out lost
gzip -dc sim/matrix.mtx.gz | sed '3s/ [0-9]*$/ -3/' >broken/matrix.mtx
fails 'counts must be whole numbers, at least 0, not' --data broken --out lost
gzip -dc sim/barcodes.tsv.gz | head -n 299 >broken/barcodes.tsv
rm broken/barcodes.tsv.gz
fails 'broken/matrix.mtx: holds 60 rows and 300 columns for 60 features and 299 barcodes' --data broken --out lost
head -c 2000 sim/matrix.mtx.gz >broken/matrix.mtx.gz
fails 'broken/matrix.mtx.gz: truncated: the gzip stream ends early' --data broken --out lost
sed 's/^cell7,0*/cell7,x/' counts.csv >bad.csv
fails "bad.csv: row 8, field 2: 'x" --data bad.csv --out lost
sed '9s/,[^,]*$//' counts.csv >bad.csv
fails 'bad.csv: row 9 has 60 fields, the first row has 61' --data bad.csv --out lost
sed '9s/,[^,]*$/,0.5/' counts.csv >bad.csv
fails 'bad.csv: cell 8 (cell8), gene 60: counts must be whole numbers, at least 0, not 0.5' --data bad.csv --out lost
head -n 5 counts.csv >few.csv
fails '4 cells with counts are too few' --data few.csv --out lost
fails 'nowhere: cannot open: No such file or directory' --data sim --metadata nowhere --out lost
fails 'nowhere: cannot open: No such file or directory' --data sim --model nowhere --out lost
fails 'counts.csv: ' --data sim --model counts.csv --out lost
sed 's/"latent":"3"/"latent":"x"/' $model >bad
fails "bad: not a model written by this program: its latent is 'x'" --data sim --model bad --out lost
sed 's/"latent":"3"/"latens":"3"/' $model >bad
fails 'bad: not a model written by this program: its metadata has no latent' --data sim --model bad --out lost
sed 's/"program":"vae_cells"/"program":"vae_mnist"/' $model >bad
fails 'bad: not a model written by this program, but by vae_mnist' --data sim --model bad --out lost
run --simulate more --cells 300 --genes 50 --batches 2
fails "$model: has learned 60 genes, and more has 50" --data more --model $model --out unfit
fails "$model: has learned 2 batches, and counts.csv has 0" --data counts.csv --model $model --out unfit
sed 's/"hidden":"8"/"hidden":"9"/' $model >nine
fails 'nine does not fit the module' --data sim --model nine --out unfit
fails '--latent 61: must not be above the 60 genes and the 300 cells with counts' --data sim --latent 61 --out lost
fails '--clusters 301: must not be above the 300 cells with counts' --data sim --clusters 301 --out lost
ok "none of these left anything behind" nothing lost
ok "a model that does not fit: no results" nothing unfit
: >file
fails 'file' --data sim --out file
fails 'file' --simulate file/below
awk 'BEGIN { print "cell,a,b,c,d,e"; for (c = 1; c <= 40; c++) print "cell" c ",9e37,9e37,9e37,9e37," c "e36" }' >vast.csv # their sum is infinite
train --data vast.csv --batch 8 --quiet --out wild
ok "numbers that run away: status 1" [ "$status" -eq 1 ]
ok "numbers that run away: a word on it" says_only stderr '; a smaller --lr may help'
ok "numbers that run away: no results" nothing wild/latent.npy
for file in $results model.safetensors checkpoint.safetensors; do
    rm -rf blocked
    mkdir -p blocked/$file
    fails "blocked/$file: cannot replace: Is a directory" --data sim --out blocked
    ok "a result that cannot be put in its place: nothing is learned before" files blocked $file
done
mkdir vast
awk 'BEGIN { print "%%MatrixMarket matrix coordinate integer general"
             for (i = 0; i < 25000; i++) print "% so that a matrix of a million rows and columns is not out of proportion to its file"
             print "1000000 1000000 20"; for (i = 1; i <= 20; i++) print i, i, i }' >vast/matrix.mtx
seq 1000000 >vast/barcodes.tsv
cp vast/barcodes.tsv vast/features.tsv
run --data vast --latent 1 --hidden 1 --quiet --out larger
ok "results that the disk has no room for: status 1" [ "$status" -eq 1 ]
ok "results that the disk has no room for: how large they are" grep -Eq 'larger: the results need 400[0-9]{4}\.[0-9] MB, and the disk has [0-9.]+ MB free' stderr
ok "results that the disk has no room for: nothing is learned before" [ -z "$(ls larger)" ]

finish
