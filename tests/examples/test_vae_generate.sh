#!/bin/sh
# The program vae_generate from outside: its options, its files, its messages, on 64 small pictures that are made here.
# usage: test_vae_generate.sh PROGRAM
. "$(dirname "$0")/program.sh"

train() # ARGUMENT...: a run that takes no time
{
    run --data data --latent 3 --epochs 1 --batch 16 "$@"
}

mkdir data
idx 64 >data/train-images-idx3-ubyte
idx 20 | gzip >data/t10k-images-idx3-ubyte.gz
labels 64 >data/train-labels-idx1-ubyte
labels 20 | gzip >data/t10k-labels-idx1-ubyte.gz
ok "the labels have the right size" [ "$(wc -c <data/train-labels-idx1-ubyte)" -eq 72 ]

# ---- options
helps data out model classifier samples digit traversals interpolate measure latent beta epochs batch lr checkpoint-every resume seed threads quiet help
refuses '--digit 10: must be a whole number from 0 to 9' --digit 10
refuses '--digit -1: ' --digit -1
refuses '--digit: a value is missing' --digit
refuses '--interpolate 3: must be two numbers' --interpolate 3
refuses '--interpolate 3,: ' --interpolate 3,
refuses '--interpolate 3,4,5: ' --interpolate 3,4,5
refuses '--latent 0: ' --latent 0
refuses '--beta -1: ' --beta -1
refuses '--epochs 0: ' --epochs 0
refuses '--lr 0: ' --lr 0
refuses "--model '': must not be empty" --model ''
refuses '--latent: is for training, not for --model' --model m --latent 3
refuses '--resume: is for training, not for --model' --resume --model m
refuses '--classifier: goes with --measure' --classifier c --samples
refuses '--data: goes with training, --interpolate and --measure' --model m --data d --samples
refuses 'seven: not an option' seven

# ---- an ordinary run
train --epochs 2 --out a/b
ok "a run: status 0" [ "$status" -eq 0 ]
ok "a run: nothing on standard error" [ ! -s stderr ]
ok "it names the data and their place" says stdout '^images from data: 64 for training, 20 for testing$'
ok "it says how training goes" [ "$(grep -Ec '^epoch +[12] of 2: loss [0-9.]+, held out [0-9.]+$' stdout)" -eq 2 ]
pictures='digits.png interpolation.png samples.png traversals.png'
ok "all files, and no others" files a/b "checkpoint.safetensors checkpoint.safetensors.previous classifier.safetensors $(
    echo $pictures | sed 's/png s/png model.safetensors s/')"
for picture in $pictures; do ok "$picture is a PNG" is_png a/b/$picture; done
ok "the options are in the model" says a/b/model.safetensors '"latent":"3"'
percent='[0-9]+\.[0-9]{2}'
ok "it measures the classifier" grep -Eqx "the classifier reads $percent % of the test images right" stdout
ok "it measures each digit" [ "$(grep -Ecx " +[0-9] +$percent +$percent" stdout)" -eq 10 ]
ok "it measures all digits" grep -Eqx " +all +$percent +$percent" stdout
ok "it measures the distance" grep -Eqx "Frechet distance to other real images: real $percent, generated $percent" stdout
ok "no escape sequences in a file" eval '! grep -q "$(printf "\033")" stdout'
grep -E '^ |^the classifier|^Frechet' stdout >measured

# ---- a model that was trained before
model=a/b/model.safetensors
run --model $model --quiet --samples --out again
ok "--model --samples: status 0" [ "$status" -eq 0 ]
ok "--model --samples: no data are needed, and nothing else is drawn" files again 'digits.png samples.png'
ok "--quiet: not a word" [ ! -s stdout ]
for picture in digits samples; do ok "$picture.png: the same as after training" same a/b/$picture.png again/$picture.png; done
run --model $model --data data --classifier a/b/classifier.safetensors --out other
ok "--model: status 0" [ "$status" -eq 0 ]
ok "--model: everything is drawn, and no classifier is kept" files other "$pictures"
for picture in $pictures; do ok "$picture: the same as after training" same a/b/$picture other/$picture; done
grep -E '^ |^the classifier|^Frechet' stdout >again/measured
ok "the same is measured" same measured again/measured
run --model $model --digit 7 --traversals --out seven
ok "--digit 7 --traversals: these two" files seven 'digit_7.png traversals.png'
ok "the traversals are of the digit" differ seven/traversals.png a/b/traversals.png
run --model $model --digit 1 --seed 1 --out seven
ok "another seed: status 0" [ "$status" -eq 0 ]
run --model $model --digit 7 --seed 1 --out seven1
ok "another seed, other digits" differ seven/digit_7.png seven1/digit_7.png
ok "another digit, other images" differ seven/digit_1.png seven1/digit_7.png
run --model $model --data data --interpolate 19,3 --out way
ok "--interpolate 19,3" files way interpolation.png
ok "other images, another way" differ way/interpolation.png a/b/interpolation.png
fails '--interpolate 3,20: there are 20 test images' --model $model --data data --interpolate 3,20 --out lost

# ---- the same bits for the same seed, whatever the threads
for threads in 1 3; do train --epochs 2 --threads $threads --out "threads$threads"; done
for file in model.safetensors classifier.safetensors $pictures; do ok "$file: the same with 1 and 3 threads" same threads1/$file threads3/$file; done
grep -E '^ |^the classifier|^Frechet' stdout >again/measured
ok "what is measured: the same with 3 threads" same measured again/measured
train --epochs 2 --seed 1 --out seed1
ok "another seed, another model" differ a/b/model.safetensors seed1/model.safetensors
ok "another seed, the same judge" same a/b/classifier.safetensors seed1/classifier.safetensors

# ---- runs that stop and go on
train --epochs 2 --out threads3
ok "a run that is done may be made again" same a/b/model.safetensors threads3/model.safetensors
train --epochs 2 --resume --out a/b
ok "--resume of a run that is done: status 0" [ "$status" -eq 0 ]
ok "--resume of a run that is done: the same model" same a/b/model.safetensors threads1/model.safetensors
train --epochs 2 --lr 0.01 --resume --out a/b
ok "--resume with another --lr: status 1" [ "$status" -eq 1 ]
ok "--resume with another --lr: it is named" says_only stderr lr
interrupts --data data --latent 3 --batch 16
ok "Ctrl-C: what there is" files stopped "checkpoint.safetensors checkpoint.safetensors.previous"
train --epochs 5 --out through --samples
stop_when '[ -s pieces/checkpoint.safetensors ]' KILL --data data --latent 3 --epochs 5 --batch 16 --out pieces --samples --checkpoint-every 0
train --epochs 5 --out pieces --samples --resume
ok "after kill -9, --resume: status 0" [ "$status" -eq 0 ]
ok "after kill -9, --resume: the same model" same through/model.safetensors pieces/model.safetensors
ok "after kill -9, --resume: the same pictures" same through/samples.png pieces/samples.png

# ---- files that are not as they should be
fails 'nowhere: cannot open: No such file or directory' --model nowhere --samples --out lost
echo 'no model' >bad
fails 'bad: ' --model bad --samples --out lost
fails 'a/b/classifier.safetensors: not a model written by this program' --model a/b/classifier.safetensors --samples --out lost
head -c 3000 $model >cut
fails 'cut: ' --model cut --samples --out lost
sed 's/"latent":"3"/"latent":"4"/' $model >four
fails 'four does not fit the module' --model four --samples --out lost
sed 's/"latent":"3"/"latent":"x"/' $model >four
fails 'four: not a model written by this program' --model four --samples --out lost
fails "$model: is no classifier that this program has written" --model $model --data data --measure --classifier $model --out lost
fails 'nowhere' --model $model --data data --measure --classifier nowhere --out lost
cp -r data fewer
mkdir most
cp data/train* most
cp -r data thirty
idx 30 >thirty/train-images-idx3-ubyte
labels 30 >thirty/train-labels-idx1-ubyte
gzip -dc data/t10k-images-idx3-ubyte.gz >most/t10k-images-idx3-ubyte
gzip -dc data/t10k-labels-idx1-ubyte.gz >most/t10k-labels-idx1-ubyte
idx 30 >fewer/train-images-idx3-ubyte
labels 30 >fewer/train-labels-idx1-ubyte
fails 'classifier.safetensors: has learned 64 images, not 30 images' --model $model --data fewer --measure --classifier a/b/classifier.safetensors \
    --out lost
labels 20 >fewer/train-labels-idx1-ubyte
fails 'fewer/train-labels-idx1-ubyte: is not a label for each image' --data fewer --out lost
rm fewer/train-labels-idx1-ubyte
fails 'fewer: has no file train-labels-idx1-ubyte.gz' --data fewer --out lost
{ labels 30 | head -c 37; printf '\012'; } >fewer/train-labels-idx1-ubyte
fails 'fewer/train-labels-idx1-ubyte: label 10 of image 29 is not below 10' --data fewer --out lost
fails 'missing: No such file or directory' --data missing --out lost
ok "none of these left anything behind" nothing lost
: >file
fails 'file' --model $model --samples --out file
fails 'file' --data data --epochs 1 --out file/below
train --lr 1000 --epochs 50 --quiet --out wild
ok "numbers that run away: status 1" [ "$status" -eq 1 ]
ok "numbers that run away: a word on it" says_only stderr '; a smaller --lr may help'
ok "numbers that run away: no model" nothing wild/model.safetensors
for file in $pictures classifier.safetensors model.safetensors checkpoint.safetensors; do
    rm -rf blocked
    mkdir -p blocked/$file
    fails "blocked/$file: " --data data --out blocked
    ok "a result that cannot be put in its place: nothing is learned before" files blocked $file
done

# ---- what is wanted when the model has learned is looked at before
fails 'nowhere: cannot open: No such file or directory' --data data --classifier nowhere --out lost
fails 'classifier.safetensors: has learned 64 images, not 30 images' --data thirty --classifier a/b/classifier.safetensors --out lost
labels 64 | tr '\005' '\004' >most/train-labels-idx1-ubyte
fails 'most: its training images hold no 5, which is to be drawn' --data most --out lost
fails 'most: its training images hold no 5, which is to be drawn' --data most --digit 5 --out lost
fails 'most: its training images hold no 5, which is to be measured' --data most --measure --out lost
run --data most --latent 3 --epochs 1 --digit 4 --quiet --out fours
ok "a digit that there is: status 0" [ "$status" -eq 0 ]
idx 3 >most/t10k-images-idx3-ubyte
labels 3 >most/t10k-labels-idx1-ubyte
fails 'most: --measure compares halves of the test images and needs 4 of them, not 3' --data most --measure --out lost
fails '--interpolate 0,3: there are 3 test images' --data most --interpolate 0,3 --out lost
ok "none of these left anything behind" nothing lost

finish
