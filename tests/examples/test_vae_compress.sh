#!/bin/sh
# The program vae_compress from outside: there and back, its messages, damaged files, on small pictures that are made here.
# usage: test_vae_compress.sh PROGRAM
. "$(dirname "$0")/program.sh"

train() # ARGUMENT...: a run that takes no time
{
    run --train --data data --latent 3 --hidden 20 --epochs 2 --batch 16 "$@"
}

spares() # FRAGMENT ARGUMENT...: it fails, and nothing is written
{
    fails "$@"
    ok "$*: writes nothing" nothing lost
}

# The images of an IDX file of the name $1, packed by the model $2 and unpacked again.
there_and_back() # IMAGES MODEL
{
    run -c "$1" packed --model "$2" --quiet
    ok "$1: compressed" [ "$status" -eq 0 ]
    ok "$1: nothing is said" [ ! -s stdout ] && [ ! -s stderr ]
    run -d packed back --model "$2" --quiet
    ok "$1: decompressed" [ "$status" -eq 0 ]
    ok "$1: the same images" same back "$1"
}

# An IDX file of n images whose bytes are all the same.
flat() # N BYTE
{
    idx "$1" | head -c 16
    head -c $((784 * $1)) /dev/zero | tr '\000' "$2"
}

mkdir data
idx 64 >data/train-images-idx3-ubyte
idx 20 | gzip >data/t10k-images-idx3-ubyte.gz
images=data/train-images-idx3-ubyte

# ---- options
helps train binarize model binary data out latent hidden epochs batch lr checkpoint-every resume seed threads quiet help
refuses 'what to do comes first'
refuses '--model: what to do comes first' --model x
refuses '-c: takes two files' -c one
refuses '-d: takes two files' -d one ''
refuses '--latent: goes with --train' -c one two --latent 3
refuses '--resume: goes with --train' -d one two --resume
refuses '--seed: goes with --train' -d one two --seed 1
refuses '--model: goes with -c and -d' --train --model x
refuses '--model: goes with -c and -d' --binarize one two --model x
refuses '--latent 0: must be a whole number' --train --latent 0
refuses 'three: not an option' -c one two three

# ---- training
train --out grey
ok "training: status 0" [ "$status" -eq 0 ]
ok "training: nothing on standard error" [ ! -s stderr ]
ok "it says from what" says stdout '^images from data: 59 for training, 5 held out$'
ok "it says how it goes" [ "$(grep -Ec '^epoch +[12] of 2: loss [0-9.]+, held out [0-9.]+$' stdout)" -eq 2 ]
ok "all files, and no others" files grey 'checkpoint.safetensors checkpoint.safetensors.previous model.safetensors'
train --out other --seed 1 --threads 3 --quiet
ok "--quiet: not a word" [ ! -s stdout ]
train --out again --threads 1
ok "the same model with any number of threads" same grey/model.safetensors again/model.safetensors
train --out binary --binary --quiet
ok "training for two values: status 0" [ "$status" -eq 0 ]
grey=grey/model.safetensors binary=binary/model.safetensors

# ---- there and back
there_and_back $images $grey
idx 1 >one
there_and_back one $grey
idx 0 >none
there_and_back none $grey
idx 130 >many
there_and_back many $grey
flat 3 '\000' >black
there_and_back black $grey
there_and_back black $binary
flat 70 '\377' >white
there_and_back white $grey
there_and_back white $binary
{ idx 4 | head -c 16; head -c 3136 "$program"; } >anything
there_and_back anything $grey
run --binarize $images two
ok "--binarize: status 0" [ "$status" -eq 0 ]
there_and_back two $binary
there_and_back two $grey
tr '\377' '\001' <two | { head -c 16 two; tail -c +17; } >ones
there_and_back ones $binary
run --binarize $images two1 --seed 1
ok "another seed, other pixels" differ two two1
run --binarize two two2 --seed 2
ok "two values stay what they are" same two two2
gzip -k many
run -c many.gz packed.gz --model $grey --quiet
run -c many packed --model $grey --quiet
ok "of gzipped images, the same file" same packed packed.gz
for threads in 1 2 3 4; do
    run -c many packed$threads --model $grey --quiet --threads $threads
    ok "$threads threads: the same file" same packed packed$threads
    run -d packed back$threads --model $grey --quiet --threads $threads
    ok "$threads threads: the same images" same many back$threads
done
TAP_ISA=generic
export TAP_ISA
run -c many packed1 --model $grey --quiet
unset TAP_ISA
ok "without vectors: the same file" same packed packed1

# ---- what is reported
run -c many packed --model $grey
ok "a report: status 0" [ "$status" -eq 0 ]
ok "a report: what they are" grep -Eqx '130 images, of bytes: [0-9.]+ MB of pixels per second' stdout
for name in vae_compress -ELBO 'gzip -9' 'bzip2 -9' 'xz -9' 'PNG, one for each'; do
    ok "a report: $name" grep -Eqx -e "  $name +[0-9]\.[0-9]{4} bits per pixel +[0-9]+ bytes" stdout
done
ok "the file is as large as it says" [ "$(awk '/vae_compress/ { print $6 }' stdout)" -eq "$(wc -c <packed)" ]
by_gzip=$(tail -c +17 many | gzip -9 | wc -c)
ok "gzip's size is gzip's, or nearly so" awk -v n="$by_gzip" '/gzip/ { exit !($7 > 0.97 * n && $7 < 1.03 * n) }' stdout
run -d packed back --model $grey
ok "how fast it was" grep -Eqx '130 images: [0-9.]+ MB of pixels per second' stdout
run -c none packed0 --model $binary
ok "a report of nothing: status 0" [ "$status" -eq 0 ]

# ---- where models lie by themselves
mkdir -p out/vae_compress
cp -r grey out/vae_compress/grey
run -c many packed1 --quiet
ok "the model for bytes" same packed packed1
spares 'out/vae_compress/binary/model.safetensors: cannot open' -c two lost
cp -r binary out/vae_compress/binary
run -c two packed2 --quiet
ok "the model for two values: status 0" [ "$status" -eq 0 ]
run -d packed2 back2 --quiet
ok "which -d finds, too" same two back2

# ---- files that are not as they should be
spares 'nowhere: cannot open' -c nowhere lost
spares 'nowhere: No such file' -d nowhere lost
spares 'data: ' -d data lost
spares 'out/vae_compress: ' -c out/vae_compress lost
spares 'many: bits_back: the bytes are not compressed images: they do not begin with TAPZ' -d many lost
spares 'many: bits_back: the images have more than two values' -c many lost --model $binary
spares 'packed: bits_back: compressed with another model' -d packed lost --model other/model.safetensors
spares 'packed: bits_back: compressed with another model' -d packed lost --model $binary
spares 'packed: not safetensors' -c many lost --model packed
echo 'no model' >bad
spares 'bad: ' -c many lost --model bad
printf 'labels' | head -c 3 >cut
spares 'cut: ' -c cut lost
printf '\000\000\010\003\000\000\000\001\000\000\000\002\000\000\000\002abcd' >small
spares 'small: holds uint8 [1,2,2], not images uint8 [n,28,28]' -c small lost --model $grey
size=$(wc -c <packed)
for at in 0 5 12 20 30 35 41 44 50 70 200 $((size - 1)); do
    { head -c $at packed; printf '\252'; tail -c +$((at + 2)) packed; } >damaged
    cmp -s packed damaged || spares 'damaged: bits_back: ' -d damaged lost
done
for n in 0 3 10 47 48 60 100 $((size - 4)) $((size - 1)); do
    head -c "$n" packed >damaged
    spares 'damaged: bits_back: the bytes are not compressed images: ' -d damaged lost
done
cp packed damaged
echo >>damaged
spares 'damaged: bits_back: the bytes are not compressed images: their checksum does not match: they are damaged' -d damaged lost
run -c many nowhere/packed --quiet
ok "a file that cannot be written: status 1" [ "$status" -eq 1 ]
ok "a file that cannot be written: it is named" says_only stderr nowhere/packed

mkdir folder
for task in "-c many folder --model $grey" '-d packed folder' '--binarize many folder'; do
    fails 'folder: cannot replace: Is a directory' $task
done
run -c many /dev/stdout --model $grey --quiet
ok "to a pipe or a file that stands for one: the same" same packed stdout

# ---- few images, of which none is held out
mkdir few
idx 5 >few/train-images-idx3-ubyte
idx 5 >few/t10k-images-idx3-ubyte
run --train --data few --latent 3 --hidden 20 --epochs 2 --batch 16 --out five
ok "five images: status 0" [ "$status" -eq 0 ]
ok "five images: what is not held out is not told of" [ "$(grep -Ec '^epoch +[12] of 2: loss [0-9.]+$' stdout)" -eq 2 ]
for file in model.safetensors checkpoint.safetensors; do
    rm -rf blocked
    mkdir -p blocked/$file
    fails "blocked/$file: cannot replace: Is a directory" --train --data data --out blocked
    ok "a result that cannot be put in its place: nothing is learned before" files blocked $file
done

# ---- a run that stops
interrupts --train --data data --latent 3 --hidden 20 --batch 16

finish
