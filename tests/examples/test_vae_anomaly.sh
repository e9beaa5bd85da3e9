#!/bin/sh
# The program vae_anomaly from outside: its options, its files, its messages, on 64 small pictures that are made here. With a directory
# of MNIST, which may lie beside the checkout, on its digits, too.
# usage: test_vae_anomaly.sh PROGRAM [MNIST]
mnist=$(cd "${2:-${TAP_SOURCE_ROOT:-.}/../shared/data/mnist}" 2>/dev/null && pwd)
. "$(dirname "$0")/program.sh"

train() # ARGUMENT...: a run that takes no time
{
    run --data data --latent 3 --epochs 1 --batch 16 --weights 3 --samples 2 --steps 2 "$@"
}

mkdir data plain
idx 64 >data/train-images-idx3-ubyte
idx 20 | gzip >data/t10k-images-idx3-ubyte.gz
labels 64 >data/train-labels-idx1-ubyte
labels 20 >data/t10k-labels-idx1-ubyte
idx 33 >plain/t10k-images-idx3-ubyte

# ---- options
helps normal anomaly data out model score samples weights steps latent epochs batch lr checkpoint-every resume seed threads quiet help
refuses "--normal '': must name a directory" --normal ''
refuses '--normal data: a directory needs another one, --anomaly DIR' --normal data
refuses '--latent 0: ' --latent 0
refuses '--epochs 0: ' --epochs 0
refuses '--lr 0: ' --lr 0
refuses '--steps 0: ' --steps 0
refuses "--model '': must not be empty" --model ''
refuses '--latent: is for training, not for --model' --model m --latent 3
refuses '--resume: is for training, not for --model' --resume --model m
refuses '--checkpoint-every: is for training, not for --model' --model m --checkpoint-every 3
refuses '--model: goes with one task, not with --normal all' --model m --normal all
refuses '--score: goes with --model' --score data
refuses '--score: goes with --model' --score data --model m --normal 3
refuses '--score: goes with --model' --score data --model m --data data
refuses 'seven: not an option' seven

# ---- one digit
train --epochs 2 --normal 3 --out a/b
ok "a run: status 0" [ "$status" -eq 0 ]
ok "a run: nothing on standard error" [ ! -s stderr ]
ok "it says what is normal" says stdout '^images, normal 3: 6 images; tapestry'
ok "it says how training goes" [ "$(grep -Ec '^epoch +[12] of 2: loss [0-9.]+$' stdout)" -eq 2 ]
results='extremes.png histogram.png'
ok "all files, and no others" files a/b \
    'checkpoint.safetensors checkpoint.safetensors.previous extremes.png histogram.png model.safetensors roc.png scores.csv'
for picture in extremes histogram roc; do ok "$picture.png is a PNG" is_png a/b/$picture.png; done
number='[01]\.[0-9]{4}'
interval="$number \\[$number, $number\\]"
ok "it measures five scores" [ "$(grep -c 'AUROC, 95 %' stdout)" -eq 5 ]
ok "of all anomalies" [ "$(grep -Ecx " +all +$interval +$interval" stdout)" -eq 5 ]
ok "and of each class but the normal one" [ "$(grep -Ecx " +[0-24-9] +$interval +$interval" stdout)" -eq 45 ]
ok "no escape sequences in a file" eval '! grep -q "$(printf "\033")" stdout'
ok "scores.csv names its columns" [ "$(head -n 1 a/b/scores.csv)" = 'index,class,anomaly,elbo,reconstruction,likelihood,regret,deviance' ]
ok "scores.csv has all test images" [ "$(wc -l <a/b/scores.csv)" -eq 21 ]
ok "the first one is a 0" grep -Eq '^0,0,1(,-?[0-9.e+-]+){5}$' a/b/scores.csv
ok "3 is normal, and nothing else" [ "$(grep -Ec '^[0-9]+,3,0,' a/b/scores.csv)" -eq 2 ]
ok "all others are anomalies" [ "$(grep -Ec '^[0-9]+,[0-9],1,' a/b/scores.csv)" -eq 18 ]
grep -E '^( |[a-z]+ +AUROC)' stdout >measured

# ---- a model that was trained before
model=a/b/model.safetensors
again() { run --data data --weights 3 --samples 2 --steps 2 --model $model "$@"; }
again --out again
ok "--model: status 0" [ "$status" -eq 0 ]
ok "--model: all but the model" files again 'extremes.png histogram.png roc.png scores.csv'
for file in extremes.png histogram.png roc.png scores.csv; do ok "--model: the same $file" same a/b/$file again/$file; done
grep -E '^( |[a-z]+ +AUROC)' stdout >again/measured
ok "--model: the same is measured" same measured again/measured
again --normal 5 --quiet --out other
ok "--model --normal 5: 5 is normal" [ "$(grep -Ec '^[0-9]+,5,0,' other/scores.csv)" -eq 2 ]
again --anomaly plain --out beside
ok "--anomaly: status 0" [ "$status" -eq 0 ]
ok "--anomaly: the normal images and those of the directory" [ "$(wc -l <beside/scores.csv)" -eq 36 ]
ok "--anomaly: images without labels" [ "$(grep -c ',-1,1,' beside/scores.csv)" -eq 33 ]
ok "--anomaly: all of them are measured, and no class" [ "$(grep -Ec " $interval" stdout)" -eq 5 ]
run --model $model --score plain --out just --quiet
ok "--score: status 0" [ "$status" -eq 0 ]
ok "--score: there is nothing to measure" [ ! -s stdout ]
ok "--score: no ROC" files just 'extremes.png histogram.png scores.csv'
ok "--score: all images" [ "$(grep -c '^[0-9]*,-1,0,' just/scores.csv)" -eq 33 ]

# ---- a directory
train --normal data --anomaly plain --out folder
ok "--normal DIR: status 0" [ "$status" -eq 0 ]
ok "--normal DIR: a word on --data" says_only stderr '--data data is not used: what is normal is in data'
ok "--normal DIR: all is normal" says stdout '^images, normal data: 64 images'
ok "--normal DIR: the anomalies are the other one's" [ "$(grep -c ',-1,1,' folder/scores.csv)" -eq 33 ]
ok "--normal DIR: its own are not" [ "$(grep -Ec ',[0-9],0,' folder/scores.csv)" -eq 20 ]
fails 'what is normal is in a directory; name another one, --anomaly DIR' --model folder/model.safetensors --out lost

# ---- all digits
train --normal all --quiet --out all
ok "--normal all: status 0" [ "$status" -eq 0 ]
ok "--normal all: a folder for each digit" files all '0 1 2 3 4 5 6 7 8 9'
ok "--normal all: a row for each digit" [ "$(grep -Ecx " +[0-9]( +$number){5}" stdout)" -eq 10 ]
ok "--normal all: their mean" [ "$(grep -Ecx " +mean( +$number){5}" stdout)" -eq 1 ]
train --normal 7 --quiet --out seven
for file in model.safetensors scores.csv; do ok "--normal all: the same $file as alone" same all/7/$file seven/$file; done

# ---- the same bits for the same seed, whatever the threads
for threads in 1 3; do train --epochs 2 --normal 3 --threads $threads --out "threads$threads"; done
for file in model.safetensors scores.csv extremes.png histogram.png roc.png; do
    ok "$file: the same with 1 and 3 threads" same threads1/$file threads3/$file
done
grep -E '^( |[a-z]+ +AUROC)' stdout >again/measured
ok "what is measured: the same with 3 threads" same measured again/measured
train --epochs 2 --seed 1 --out seed1
ok "another seed, another model" differ a/b/model.safetensors seed1/model.safetensors

# ---- runs that stop and go on
train --epochs 2 --resume --out a/b
ok "--resume of a run that is done: the same model" same a/b/model.safetensors threads1/model.safetensors
train --epochs 2 --lr 0.01 --resume --out a/b
ok "--resume with another --lr: status 1" [ "$status" -eq 1 ]
ok "--resume with another --lr: it is named" says_only stderr lr
interrupts --data data --latent 3 --batch 16
ok "Ctrl-C: what there is" files stopped "checkpoint.safetensors checkpoint.safetensors.previous"
tail -c +17 plain/t10k-images-idx3-ubyte >once
for file in once once10; do cat $file $file $file $file $file $file $file $file $file $file >${file}10; done
mkdir many
{
    printf '\000\000\010\003\000\000\046\254\000\000\000\034\000\000\000\034' # 9900 images, 50 batches
    cat once1010 once1010 once1010
} >many/t10k-images-idx3-ubyte
stop_when '[ -d slow ]' INT --model $model --score many --out slow
ok "Ctrl-C while it scores: status 130" [ "$status" -eq 130 ]
ok "Ctrl-C while it scores: no scores" nothing slow/scores.csv

# ---- files that are not as they should be
fails 'nowhere: cannot open: No such file or directory' --model nowhere --score data --out lost
echo 'no model' >bad
fails 'bad: ' --model bad --score data --out lost
head -c 3000 $model >cut
fails 'cut: ' --model cut --score data --out lost
sed 's/"latent":"3"/"latent":"4"/' $model >four
fails 'four does not fit the module' --model four --score data --out lost
sed 's/"latent":"3"/"latent":"x"/' $model >four
fails 'four: not a model written by this program' --model four --score data --out lost
sed 's/"program":"vae_anomaly"/"program":"vae_another"/' $model >another
fails 'another: not a model written by this program' --model another --score data --out lost
fails 'missing: No such file or directory' --data missing --out lost
fails 'missing: No such file or directory' --model $model --score missing --out lost
fails 'plain: has no file train-images-idx3-ubyte.gz' --data plain --out lost
mkdir -p unfinished/4 most
stop_when 'grep -qs "epoch  2 " stdout' INT --data data --normal 4 --latent 3 --batch 16 --epochs 100000 --out unfinished/4
fails 'unfinished/4/checkpoint.safetensors: the checkpoint of an interrupted run' --data data --normal all --latent 3 --out unfinished
ok "--normal all, one of them interrupted: nothing is learned before" [ -z "$(find unfinished -name model.safetensors)" ]
cp data/* most
labels 64 | tr '\007' '\010' >most/train-labels-idx1-ubyte
fails 'most: its training images hold no 7; --normal all needs all ten digits' --data most --normal all --out lost
fails 'most: its training images hold no 7 to learn from' --data most --normal 7 --out lost
cp data/train-labels-idx1-ubyte most
labels 20 | tr '\011' '\010' >most/t10k-labels-idx1-ubyte
fails 'most: its test images hold no 9; --normal all needs all ten digits' --data most --normal all --out lost
fails 'most: its test images hold no 9' --data most --normal 9 --out lost
labels 20 | tr '\000-\011' '\006' | tail -c 20 >only
{ labels 20 | head -c 8; cat only; } >most/t10k-labels-idx1-ubyte
fails 'most: its test images hold nothing but 6, which is normal, and no anomaly' --data most --normal 6 --out lost
fails 'plain: has no file train-images-idx3-ubyte.gz' --normal plain --anomaly data --out lost
cp -r data fewer
labels 20 >fewer/train-labels-idx1-ubyte
fails 'fewer/train-labels-idx1-ubyte: is not a label for each image' --data fewer --out lost
rm fewer/train-labels-idx1-ubyte
fails 'fewer: has no file train-labels-idx1-ubyte.gz' --data fewer --out lost
{ idx 2; } >fewer/train-images-idx3-ubyte
labels 2 >fewer/train-labels-idx1-ubyte
fails 'fewer: its training images hold no 5 to learn from' --data fewer --normal 5 --out lost
labels 20 | tr '\003' '\002' >fewer/t10k-labels-idx1-ubyte
labels 64 | head -c 72 >fewer/train-labels-idx1-ubyte
idx 64 >fewer/train-images-idx3-ubyte
run --data fewer --latent 3 --epochs 1 --quiet --steps 1 --weights 1 --samples 1 --normal 3 --out none
ok "no normal image to test with: status 1" [ "$status" -eq 1 ]
ok "no normal image to test with: a word on it" says_only stderr 'fewer: its test images hold no 3'
ok "no normal image to test with: nothing is learned before" nothing none
printf '\000\000\010\003\000\000\000\000\000\000\000\034\000\000\000\034' >fewer/t10k-images-idx3-ubyte
rm fewer/t10k-images-idx3-ubyte.gz
fails 'fewer/t10k-images-idx3-ubyte: holds uint8 [0,28,28]' --model $model --score fewer --out lost
ok "none of these left anything behind but folders" [ -z "$(find lost -type f 2>/dev/null)" ]
: >file
fails 'file' --model $model --score data --out file
fails 'file' --data data --epochs 1 --out file/below
for file in checkpoint.safetensors model.safetensors scores.csv histogram.png extremes.png roc.png; do
    rm -rf blocked
    mkdir -p blocked/$file
    fails "blocked/$file: cannot replace: Is a directory" --data data --normal 3 --out blocked
    ok "a result that cannot be put in its place: nothing is learned before" files blocked $file
done
fails 'blocked/roc.png: cannot replace: Is a directory' --data data --model $model --out blocked
run --model $model --score data --samples 1 --weights 1 --steps 1 --quiet --out blocked
ok "--score: there is no ROC to write" [ "$status" -eq 0 ]
mkdir blocked_all
mkdir -p blocked_all/7/roc.png
fails 'blocked_all/7/roc.png: cannot replace: Is a directory' --data data --normal all --out blocked_all
ok "--normal all: nothing is learned before" [ -z "$(find blocked_all -type f)" ]

# ---- real digits
if [ -n "${TAP_SANITIZED:-}" ]; then
    echo "skipped: training on real digits takes a minute with sanitizers"
elif [ -n "$mnist" ]; then
    run --data "$mnist" --normal 1 --epochs 2 --weights 2 --samples 1 --steps 1 --quiet --out ones
    ok "MNIST: status 0" [ "$status" -eq 0 ]
    ok "MNIST: ones are found by deviance" eval 'tail -n 10 stdout | grep -q "all  0.99"'
else
    echo "skipped: there is no MNIST to find anomalies in"
fi
finish
