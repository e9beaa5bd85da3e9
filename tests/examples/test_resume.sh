#!/bin/sh
# A training run that is interrupted, killed and resumed ends with the same bits as one that is not.
# usage: test_resume.sh VAE_MNIST EXAMPLE [KILLS [SEED]]   how often vae_mnist is killed [30], and the seed of the moments [1]
example=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
. "$(dirname "$0")/program.sh"
kills=${3:-30} seed=${4:-1}

train() # ARGUMENT...
{
    run --data data --hidden 16 --latent 3 --epochs 6 --batch 16 --quiet "$@"
}

same_results() # FOLDER: weights and metrics are those of the run that was not interrupted
{
    for file in model.safetensors metrics.jsonl samples.png reconstructions.png; do same "whole/$file" "$1/$file" || return 1; done
}

mkdir data
idx 64 >data/train-images-idx3-ubyte
idx 20 >data/t10k-images-idx3-ubyte
train --out whole
ok "a run that is not interrupted: status 0" [ "$status" -eq 0 ]

# ---- a program of one's own
start=$(date +%s%N)
"$example" once >whole_run
took=$((($(date +%s%N) - start) / 1000000))
for steps in 33 70 0; do "$example" again $steps >stdout 2>stderr; done
tail -n 1 stdout >last
ok "the example goes on where it was stopped" says stdout '^going on in epoch 51'
ok "the example ends as if it had not been stopped" same last whole_run
awk -v n=200 -v seed="$seed" -v took=$took 'BEGIN { srand(seed); for (i = 0; i < n; i++) printf "%.3f\n", took * rand() / 8000 }' >moments
killed=0
while read -r moment && [ $killed -lt 10 ]; do
    timeout -s KILL "$moment" "$example" killed_example >stdout 2>stderr
    [ $? -ne 137 ] || killed=$((killed + 1))
done <moments
"$example" killed_example >stdout 2>stderr
tail -n 1 stdout >last
ok "the example, killed $killed times: the same result" same last whole_run
ok "the example is killed" [ $killed -ge 3 ]
echo x >>again
rm again.previous
"$example" again >stdout 2>stderr
status=$?
ok "the example does not take what is damaged: status 1" [ "$status" -eq 1 ]
ok "the example does not take what is damaged: a word on it" says_only stderr 'resume: again: '

# ---- going on
train --epochs 2 --out short
train --resume --epochs 6 --out short
ok "more epochs: status 0" [ "$status" -eq 0 ]
ok "more epochs: the same as all at once" same_results short
run --data data --quiet --resume --out short
ok "a run that is done: its results again" same_results short
train --resume --epochs 3 --out short
ok "fewer epochs than there are: a word on it" says_only stderr '--epochs 3: the run in short has already trained for 6'
train --resume --out fresh
ok "nothing to resume: a word on it" says_only stderr 'fresh/checkpoint.safetensors: there is no checkpoint yet; training starts from the beginning'
ok "nothing to resume: the same results" same_results fresh

# ---- signals
# A shell has SIGINT ignored in what runs beside it, and whoever started this may have SIGHUP ignored.
unignored() { "$@"; }
env --default-signal=HUP true 2>/dev/null && unignored() { exec env --default-signal=HUP,INT "$@"; }
for number in 130 143 129; do
    case $number in 130) signal=INT ;; 143) signal=TERM ;; *) signal=HUP ;; esac
    [ $signal != HUP ] || env --default-signal=HUP true 2>/dev/null || continue
    unignored "$program" --data data --hidden 16 --latent 3 --epochs 100000 --batch 16 --quiet --out $signal >stdout 2>stderr &
    wait_for '[ -s $signal/metrics.jsonl ]'
    if [ $signal = TERM ]; then
        run --data data --out $signal
        ok "a second run on one --out: status 1" [ "$status" -eq 1 ]
        ok "a second run on one --out: a word on it" says_only stderr "TERM/checkpoint.safetensors: in use by another run, process $!"
    fi
    kill -$signal $!
    wait $!
    status=$?
    ok "SIG$signal: status $number" [ "$status" -eq $number ]
    ok "SIG$signal: how to go on" says stderr 'the same command with --resume continues'
    ok "SIG$signal: there is a checkpoint" [ -s $signal/checkpoint.safetensors ]
    ok "SIG$signal: no lock stays" nothing $signal/checkpoint.safetensors.lock
done
train --out INT
ok "a run that is not done is not overwritten: status 1" [ "$status" -eq 1 ]
ok "a run that is not done is not overwritten: a word on it" says_only stderr 'continue it with --resume'

# ---- what cannot be gone on with
for option in '--hidden 17' '--latent 4' '--activation tanh' '--likelihood gaussian' '--batch 17' '--samples 2' '--bound iwae' \
    '--estimator stl' '--free-bits 1' '--beta 2' '--lr 0.002' '--seed 1' '--on-nonfinite skip'; do
    train --resume --out INT $option
    ok "$option on resume: status 1" [ "$status" -eq 1 ]
    ok "$option on resume: it is named" says_only stderr "${option}: the run in INT/checkpoint.safetensors has "
done
cp -r data others
idx 63 >others/train-images-idx3-ubyte
run --data others --resume --quiet --out INT
ok "other images on resume: a word on it" says_only stderr 'INT/checkpoint.safetensors: images was uint8 [64,28,28] with hash '

# ---- damage
train --epochs 2 --out hurt
echo x >>hurt/checkpoint.safetensors
train --resume --epochs 6 --out hurt
ok "a damaged checkpoint: the one before is named" says_only stderr 'resuming from hurt/checkpoint.safetensors.previous'
ok "a damaged checkpoint: the same results" same_results hurt
echo x >>hurt/checkpoint.safetensors
echo x >>hurt/checkpoint.safetensors.previous
train --resume --out hurt
ok "two damaged checkpoints: status 1" [ "$status" -eq 1 ]
ok "two damaged checkpoints: both are named" eval 'says_only stderr "hurt/checkpoint.safetensors: " && says stderr "; hurt/checkpoint.safetensors.previous: "'

# ---- kill -9, at any moment, also while it saves; with any number of threads
start=$(date +%s%N)
train --checkpoint-every 0 --out timed
took=$((($(date +%s%N) - start) / 1000000))
awk -v n=$((20 * kills)) -v seed="$seed" -v took=$took 'BEGIN {
    srand(seed)
    for (i = 0; i < n; i++) printf "%.3f %d %s\n", took * rand() / 2000, 1 + int(4 * rand()), rand() < 0.7 ? "0" : "0.05"
}' >moments
killed=0 saving=0 finished=0
while read -r moment threads every; do
    : >marker
    timeout -s KILL "$moment" "$program" --data data --hidden 16 --latent 3 --epochs 6 --batch 16 --quiet --out killed --resume \
        --threads "$threads" --checkpoint-every "$every" >stdout 2>stderr
    case $? in
    137) killed=$((killed + 1)) ;;
    0)
        finished=$((finished + 1))
        ok "after $killed kills: the same results" same_results killed
        rm -r killed
        ;;
    *) ok "resumed after $killed kills" false ;;
    esac
    [ -n "$(find killed -name '.tapestry-*' -newer marker 2>/dev/null)" ] && saving=$((saving + 1))
    [ $killed -lt "$kills" ] || break
done <moments
ok "killed $kills times" [ $killed -eq "$kills" ]
train --resume --out killed
ok "after $killed kills: the same results" same_results killed
ok "nothing is left behind" files killed \
    "checkpoint.safetensors checkpoint.safetensors.previous interpolation.png metrics.jsonl model.safetensors reconstructions.png samples.png timing.jsonl training.svg"
echo "killed $killed times, $saving of them while a file was written; $((finished + 1)) runs brought to an end"
finish
