#!/bin/sh
# The program resnet from outside, on small pictures that are made here.
# usage: test_resnet.sh PROGRAM
. "$(dirname "$0")/program.sh"

run
ok "no data: status 1" [ "$status" -eq 1 ]
ok "no data: where they are looked for, and what to do" says stderr "$HOME/.cache/tapestry/mnist/train-images-idx3-ubyte.gz: cannot open"
ok "no data: what to do" says stderr 'examples/fetch_mnist.sh FOLDER downloads MNIST$'

data=.cache/tapestry/mnist
mkdir -p $data
idx 100 | gzip >$data/train-images-idx3-ubyte.gz
labels 100 | gzip >$data/train-labels-idx1-ubyte.gz
idx 20 | gzip >$data/t10k-images-idx3-ubyte.gz
run
ok "no labels: status 1" [ "$status" -eq 1 ]
ok "no labels: the file is named" says stderr 't10k-labels-idx1-ubyte.gz: cannot open'
labels 20 | gzip >$data/t10k-labels-idx1-ubyte.gz
run
ok "a run: status 0" [ "$status" -eq 0 ]
ok "a run: nothing on standard error" [ ! -s stderr ]
reads='reads [0-9.]+ % of training images, [0-9.]+ % of test images'
ok "a run: what it reads after each epoch" [ "$(grep -Ecx "epoch [1-6] of 6: $reads" stdout)" -eq 6 ]
cp stdout first
run $data 0
ok "a folder and a seed on the command line: the same numbers" same stdout first
labels 19 | gzip >$data/t10k-labels-idx1-ubyte.gz
run
ok "fewer labels than images: status 1" [ "$status" -eq 1 ]
ok "fewer labels than images: a word on it" says stderr 'resnet: loader: '

finish
