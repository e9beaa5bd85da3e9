#!/bin/sh
# The program vae_mnist from outside: its options, its files, its messages, on 64 small pictures that are made here.
# usage: test_vae_mnist.sh PROGRAM
. "$(dirname "$0")/program.sh"

small() # ARGUMENT...: a run that takes no time
{
    run --data data --hidden 16 --latent 3 --epochs 1 --batch 16 "$@"
}

small_fails() # FRAGMENT ARGUMENT...
{
    fragment=$1
    shift
    fails "$fragment" --data data --hidden 16 --latent 3 --epochs 1 --batch 16 "$@"
}

mkdir data
idx 64 >data/train-images-idx3-ubyte
idx 20 | gzip >data/t10k-images-idx3-ubyte.gz
ok "the data have the right size" [ "$(wc -c <data/train-images-idx3-ubyte)" -eq 50192 ]

# ---- options
helps data epochs batch hidden latent activation likelihood sigma bound samples estimator beta free-bits evaluate lr seed threads out quiet help checkpoint-every resume on-nonfinite

refuses '--batch 0: ' --batch 0
refuses '--batch -3: ' --batch -3
refuses '--batch 12x: ' --batch 12x
refuses '--batch 99999999999999999999: ' --batch=99999999999999999999
refuses '--batch: a value is missing' --batch
refuses '--batch: a value is missing' --batch --quiet
refuses '--latent 0: ' --latent 0
refuses '--epochs -1: ' --epochs=-1
refuses "--hidden '': " --hidden ''
refuses '--hidden 400,: ' --hidden 400,
seventeen=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17
refuses "--hidden $seventeen: " --hidden $seventeen
refuses '--activation sine: must be one of relu' --activation sine
refuses '--likelihood poisson: ' --likelihood poisson
refuses '--sigma 0.1: needs --likelihood gaussian' --sigma 0.1
refuses '--sigma 0: ' --likelihood gaussian --sigma 0
refuses '--sigma nan: ' --likelihood gaussian --sigma nan
refuses '--samples 0: ' --samples 0
refuses '--beta -1: ' --beta -1
refuses '--bound vae: must be elbo or iwae' --bound vae
refuses '--estimator best: must be reparameterized, ' --estimator best
refuses '--free-bits -1: ' --free-bits -1
refuses '--free-bits nan: ' --free-bits nan
refuses '--evaluate 0: ' --evaluate 0
refuses '--beta: needs --bound elbo' --bound iwae --beta 2
refuses '--free-bits: needs --bound elbo' --bound iwae --free-bits 1
refuses '--estimator stl: is biased' --bound iwae --estimator stl
refuses '--free-bits: cannot be combined with --estimator stl or dreg' --estimator dreg --free-bits 1
refuses '--estimator score-loo: needs --samples 2' --estimator score-loo
refuses '--estimator score-baseline: needs --batch 2' --estimator score-baseline --batch 1
refuses '--lr 0: ' --lr 0
refuses '--lr inf: ' --lr inf
refuses '--lr 1e-3x: ' --lr 1e-3x
refuses '--seed -1: ' --seed -1
refuses '--checkpoint-every -1: ' --checkpoint-every -1
refuses '--on-nonfinite go: must be stop or skip' --on-nonfinite go
refuses '--resume: takes no value' --resume=1
refuses '--seed 18446744073709551616: ' --seed 18446744073709551616
refuses '--threads 0: ' --threads 0
refuses "--data '': " --data ''
refuses '--quiet: takes no value' --quiet=1
refuses '--colour: there is no such option' --colour
refuses 'digits: not an option' digits

# ---- an ordinary run
small --out a/b/c --epochs 2
ok "a run: status 0" [ "$status" -eq 0 ]
ok "a run: nothing on standard error" [ ! -s stderr ]
ok "it names the data and their place" says stdout '^images from data: 64 for training, 20 for testing$'
tail -n 1 stdout >last
cents='[0-9]+\.[0-9]{2}'
ok "it ends with the test ELBO" grep -Eqx "test ELBO -$cents nats per image \(reconstruction -$cents, KL $cents\)" last
ok "no escape sequences in a file" eval '! grep -q "$(printf "\033")" stdout'
results='interpolation.png metrics.jsonl model.safetensors reconstructions.png samples.png timing.jsonl training.svg'
ok "all files, and no others" files a/b/c "checkpoint.safetensors checkpoint.safetensors.previous $results"
for picture in interpolation reconstructions samples; do ok "$picture.png is a PNG" is_png a/b/c/$picture.png; done
number='-?[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?'
line="\"epoch\": [12]"
for field in train_elbo test_elbo test_rec test_kl active_units; do
    line="$line, \"$field\": $number"
done
line="$line, \"active\": \[[0-2, ]*\], \"kl_per_dimension\": \[$number, $number, $number\]"
ok "metrics.jsonl: an object per epoch" [ "$(grep -Ecx "\{$line\}" a/b/c/metrics.jsonl)" -eq 2 ]
ok "metrics.jsonl: nothing else" [ "$(wc -l <a/b/c/metrics.jsonl)" -eq 2 ]
line="\"epoch\": [12], \"images_per_second\": $number, \"seconds\": $number"
ok "timing.jsonl: an object per epoch" [ "$(grep -Ecx "\{$line\}" a/b/c/timing.jsonl)" -eq 2 ]
ok "elbo = rec - kl, and it is what the last line says" awk -v line="$(cat last)" -F '[:,}]' '
    { elbo = $6; rec = $8; kl = $10 }
    END { d = elbo - rec + kl
          exit !(d < 1e-4 && d > -1e-4 && index(line, sprintf("ELBO %.2f nats", elbo))) }' a/b/c/metrics.jsonl
head -n 2 a/b/c/training.svg >first
tail -n 1 a/b/c/training.svg >last
ok "training.svg is whole" eval 'says first "^<svg " && says last "^</svg>$"'

small --quiet --out quiet
ok "--quiet: one line" says_only stdout 'test ELBO '
ok "--quiet: nothing on standard error" [ ! -s stderr ]
small --out none --epochs 0
ok "--epochs 0 evaluates" says stdout '^test ELBO -'
ok "--epochs 0 leaves no metrics" [ ! -s none/metrics.jsonl ]
run --data=data --epochs=1 --hidden=8,7 --latent=2 --activation=tanh --likelihood=gaussian --samples=2 --beta=0 --lr=1e-2 \
    --batch=1000 --out=plane
ok "--opt=value: status 0" [ "$status" -eq 0 ]
ok "--latent 2 draws the manifold" is_png plane/manifold.png
ok "the options are in the model" says plane/model.safetensors '"hidden":"8,7"'
ok "the learned sigma is in the model" says plane/model.safetensors '"log_sigma"'
small --likelihood gaussian --sigma 0.1 --out sigma
ok "a fixed sigma: status 0" [ "$status" -eq 0 ]

# ---- bounds, estimators and what they are measured by
for bound in elbo iwae; do
    for estimator in reparameterized stl dreg score score-baseline score-loo; do
        [ $bound-$estimator = iwae-stl ] && continue
        small --quiet --bound $bound --samples 3 --estimator $estimator --out $bound-$estimator
        ok "--bound $bound --estimator $estimator: status 0" [ "$status" -eq 0 ]
        ok "--bound $bound --estimator $estimator is in the model" says $bound-$estimator/model.safetensors "\"$estimator\""
    done
done
small_fails '--batch 21: the last batch of 64 images has one, and --estimator score-baseline needs two' --estimator score-baseline --batch 21 --out baseline
mkdir one
cp data/train* one
idx 1 >one/t10k-images-idx3-ubyte
run --data one --hidden 16 --latent 3 --epochs 1 --batch 16 --estimator score-baseline --quiet --out one/out
ok "--estimator score-baseline with one test image: status 0" [ "$status" -eq 0 ]
ok "other estimators, other models" differ elbo-score/model.safetensors elbo-score-loo/model.safetensors
ok "other bounds, other models" differ elbo-dreg/model.safetensors iwae-dreg/model.safetensors
small --epochs 20 --free-bits 0.5 --out free
ok "--free-bits: the KL stays near what is free" awk -F '"test_kl": ' '{ kl = $2 + 0 } END { exit !(kl > 1) }' free/metrics.jsonl

# Importance-weighted draws give more than the ELBO, and the more the better; of one draw the mean is the ELBO.
value() { awk -F "\"$2\": " 'NF > 1 { v = $2 + 0 } END { printf "%.6f", v }' "$1/metrics.jsonl"; }
for k in 1 7 1234; do
    small --quiet --epochs 20 --lr 0.01 --evaluate $k --out k$k
    ok "--evaluate $k: status 0" [ "$status" -eq 0 ]
    ok "--evaluate $k: two lines" [ "$(wc -l <stdout)" -eq 2 ]
    ok "--evaluate $k: the last" grep -Eqx "test log-likelihood -$cents \+- $cents nats per image \($k draws\)" stdout
    ok "--evaluate $k: it is in the metrics" [ "$(value k$k samples)" = $k.000000 ]
done
elbo=$(value k1 test_elbo) one=$(value k1 test_log_likelihood) many=$(value k1234 test_log_likelihood)
ok "one draw gives about the ELBO" awk "BEGIN { d = $one - $elbo; exit !(d < 5 && d > -5) }"
ok "many give more" awk "BEGIN { exit !($many > $elbo && $many > $one) }"
small --quiet --epochs 20 --lr 0.01 --evaluate 1234 --threads 1 --out k1234b
ok "the log-likelihood is the same for any number of threads" [ "$many" = "$(value k1234b test_log_likelihood)" ]
small --epochs 0 --evaluate 5 --out none
ok "--epochs 0 evaluates that, too" says stdout '^test log-likelihood -'
stop_when '[ -s unsure/samples.png ]' INT --data data --hidden 16 --epochs 0 --evaluate 1000000000 --out unsure
ok "Ctrl-C in the evaluation: status 130" [ "$status" -eq 130 ]
ok "Ctrl-C in the evaluation: a word on it" says_only stderr 'interrupted in the evaluation'
ok "Ctrl-C in the evaluation: the ELBO is there" says stdout '^test ELBO -'

# ---- the same numbers for the same seed, whatever the threads
for threads in 1 2 3; do small --epochs 2 --out "threads$threads" --threads "$threads"; done
for file in model.safetensors samples.png reconstructions.png interpolation.png; do
    ok "$file: the same with 1 and 2 threads" same threads1/$file threads2/$file
    ok "$file: the same with 1 and 3 threads" same threads1/$file threads3/$file
done
small --epochs 2 --out seed1 --seed 1
ok "another seed, another model" differ threads1/model.safetensors seed1/model.safetensors

# ---- where data are looked for
mkdir -p cache/tapestry .cache/tapestry
cp -r data cache/tapestry/mnist
TAPESTRY_DATA=data run --epochs 0 --hidden 8 --out found
ok "TAPESTRY_DATA" says stdout '^images from data:'
XDG_CACHE_HOME=$work/cache run --epochs 0 --hidden 8 --out found
ok "XDG_CACHE_HOME" says stdout "^images from $work/cache/tapestry/mnist:"
mv cache/tapestry/mnist .cache/tapestry/mnist
mv .cache/tapestry/mnist/train-images-idx3-ubyte .cache/tapestry/mnist/train-images.idx3-ubyte
TAPESTRY_DATA=nowhere run --epochs 0 --hidden 8 --out found
ok "HOME, and the other spelling" says stdout "^images from $work/.cache/tapestry/mnist:"
ok "a word on an empty TAPESTRY_DATA" says_only stderr 'TAPESTRY_DATA (nowhere)'
rm -r .cache
if [ ! -e /usr/share/datasets/fashion-mnist ]; then
    run --epochs 0 --out lost
    ok "no data anywhere: status 1" [ "$status" -eq 1 ]
    ok "no data anywhere: what to do" says_only stderr 'quickstart.sh'
fi

# ---- files that are not as they should be
damaged() # NAME: a copy of the data to spoil
{
    cp -r data "$1"
}
small_fails 'nowhere: No such file or directory' --data nowhere --out lost
damaged missing && rm missing/t10k*
small_fails 'missing: has no file t10k-images-idx3-ubyte.gz' --data missing --out lost
damaged short && head -c 50000 data/train-images-idx3-ubyte >short/train-images-idx3-ubyte
small_fails short/train-images-idx3-ubyte --data short --out lost
damaged cut && head -c 100 data/t10k-images-idx3-ubyte.gz >cut/t10k-images-idx3-ubyte.gz
small_fails cut/t10k-images-idx3-ubyte.gz --data cut --out lost
damaged garbage && echo 'no images here' >garbage/train-images-idx3-ubyte
small_fails garbage/train-images-idx3-ubyte --data garbage --out lost
damaged empty && : >empty/train-images-idx3-ubyte
small_fails empty/train-images-idx3-ubyte --data empty --out lost
damaged zero && idx 0 >zero/train-images-idx3-ubyte
small_fails 'zero/train-images-idx3-ubyte: holds uint8 [0,28,28]' --data zero --out lost
damaged labels && printf '\000\000\010\001\000\000\000\002\001\002' >labels/train-images-idx3-ubyte
small_fails 'labels/train-images-idx3-ubyte: holds uint8 [2]' --data labels --out lost
damaged folder && rm folder/train* && mkdir folder/train-images-idx3-ubyte
small_fails folder/train-images-idx3-ubyte --data folder --out lost
ok "none of these left anything behind" nothing lost

# ---- places that cannot be written
: >file
small_fails 'file/below' --out file/below
small_fails 'file' --out file
mkdir -p blocked/model.safetensors
small --quiet --out blocked
ok "a result that cannot be put in its place: status 1" [ "$status" -eq 1 ]
ok "it is named" says_only stderr blocked/model.safetensors
ok "nothing is learned before, and no temporary file stays" files blocked model.safetensors
for file in checkpoint.safetensors $results; do
    rm -rf blocked
    mkdir -p blocked/$file
    small_fails "blocked/$file: " --out blocked
    ok "a result that cannot be put in its place: nothing is learned before" files blocked $file
done
# A limit on the size of files stands for a full disk.
(
    trap '' XFSZ 2>/dev/null
    ulimit -f 64
    exec "$program" --data data --hidden 16 --epochs 1 --quiet --out full >stdout 2>stderr
)
status=$?
ok "a full disk: status 1" [ "$status" -eq 1 ]
ok "a full disk: training goes on without a checkpoint" says stderr 'no checkpoint: full/checkpoint.safetensors: cannot write: '
tail -n 1 stderr >last
ok "a full disk: the file is named" says_only last full/model.safetensors
ok "a full disk: nothing half-written" files full metrics.jsonl
if [ -c /dev/full ]; then
    "$program" --help >/dev/full 2>stderr
    status=$?
    ok "--help to a full device: status 1" [ "$status" -eq 1 ]
    "$program" --data data --hidden 16 --epochs 0 --out standard >/dev/full 2>stderr
    status=$?
    ok "standard output to a full device: status 1" [ "$status" -eq 1 ]
    ok "standard output to a full device: a word on it" says_only stderr 'standard output'
fi

# ---- training that goes wrong, and training that is stopped
small --quiet --hidden 16,16,16,16,16,16 --lr 1000 --epochs 50 --out wild --checkpoint-every 0
ok "numbers that run away: status 1" [ "$status" -eq 1 ]
ok "numbers that run away: where they come from" grep -Eqx "vae_mnist: epoch [0-9]+, step [0-9]+: [a-z_ ]+: .*\[.*; a smaller --lr may help" stderr
ok "numbers that run away: no model" nothing wild/model.safetensors
cp wild/checkpoint.safetensors last_good
small --quiet --hidden 16,16,16,16,16,16 --lr 1000 --epochs 50 --out wild --checkpoint-every 0 --resume
ok "numbers that run away again: status 1" [ "$status" -eq 1 ]
ok "numbers that run away: the last good checkpoint stays" same wild/checkpoint.safetensors last_good
small --quiet --likelihood gaussian --sigma 1e-25 --on-nonfinite skip --out skip
ok "--on-nonfinite skip: not when nothing is left" says_only stderr 'epoch 1: no step had finite numbers'
stop_when '[ -s stopped/metrics.jsonl ]' INT --data data --hidden 16 --epochs 1000000 --out stopped
ok "Ctrl-C: status 130" [ "$status" -eq 130 ]
ok "Ctrl-C: a word on it" says_only stderr 'interrupted in epoch'
ok "Ctrl-C: how to go on" says_only stderr 'the same command with --resume'
ok "Ctrl-C: what there is" files stopped "checkpoint.safetensors checkpoint.safetensors.previous $results"

finish
