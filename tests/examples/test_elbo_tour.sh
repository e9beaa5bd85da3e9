#!/bin/sh
# The program elbo_tour from outside: its table says that all is well, and its pictures are there.
# usage: test_elbo_tour.sh PROGRAM
. "$(dirname "$0")/program.sh"

helps data out seed quick help
refuses '--seed -1: ' --seed -1
refuses "--seed '': " --seed ''
refuses '--seed 18446744073709551616: ' --seed=18446744073709551616
refuses '--seed: a value is missing' --seed
refuses '--out: a value is missing' --out --quick
refuses "--out '': " --out ''
refuses '--colour: there is no such option' --colour
refuses '--quick: takes no value' --quick=1
refuses 'here: not an option' here

run --quick --out a/b
ok "a tour: status 0" [ "$status" -eq 0 ]
ok "a tour: nothing on standard error" [ ! -s stderr ]
ok "all differences are small" says stdout '^all [0-9]* differences are within 4 standard errors$'
ok "nothing is wrong" eval '! says stdout WRONG'
ok "nothing is not a number" eval '! grep -qiw -e "-\{0,1\}nan" -e "-\{0,1\}inf" stdout'
ok "no line is longer than 100 characters" [ "$(awk 'length > n { n = length } END { print n }' stdout)" -le 100 ]
for equation in '(1)' '(3)' '(4)' '(7)' '(8)' '(9)' '(11)' '3\.1' '5\.3' '5\.4' '6\.3' '6\.4' '6\.5' '6\.6'; do
    ok "the table has $equation" says stdout "^$equation  *[^ ]"
done
for picture in codes delta kl variance; do ok "$picture.png is a PNG" is_png a/b/$picture.png; done
cp stdout first
OMP_NUM_THREADS=1 run --quick --out a/b
ok "the same numbers again, and with one thread" cmp -s first stdout

run --quick --data nowhere --out c
ok "no data where they should be: status 1" [ "$status" -eq 1 ]
ok "no data where they should be: a word on it" says stderr 'nowhere: No such file'
ok "no data where they should be: before anything else" [ ! -s stdout ]
ok "no data where they should be: nothing is made" nothing c
mkdir one
idx 1 >one/train-images-idx3-ubyte
idx 1 >one/t10k-images-idx3-ubyte
run --quick --data one --out c
ok "too few images: status 1" [ "$status" -eq 1 ]
ok "too few images: a word on it" says_only stderr 'one: has one test image; the picture of codes'
ok "too few images: before anything else" [ ! -s stdout ]
for picture in codes delta kl variance; do
    rm -rf blocked
    mkdir -p blocked/$picture.png
    run --quick --out blocked
    ok "$picture.png is a directory: status 1" [ "$status" -eq 1 ]
    ok "$picture.png is a directory: a word on it" says_only stderr "blocked/$picture.png: cannot replace: Is a directory"
    ok "$picture.png is a directory: before anything else" [ ! -s stdout ]
done
: >file
run --quick --out file/below
ok "a place that cannot be written: status 1" [ "$status" -eq 1 ]
ok "a place that cannot be written: a word on it" says stderr 'file'

finish
