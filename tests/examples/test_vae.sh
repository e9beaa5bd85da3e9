#!/bin/sh
# The program vae from outside, on small pictures that are made here.
# usage: test_vae.sh PROGRAM
. "$(dirname "$0")/program.sh"

run
ok "no data: status 1" [ "$status" -eq 1 ]
ok "no data: where they are looked for, and what to do" says_only stderr "$HOME/.cache/tapestry/mnist/train-images-idx3-ubyte.gz: cannot open"
ok "no data: what to do" says stderr 'examples/fetch_mnist.sh FOLDER downloads MNIST$'
ok "no data: no pictures" nothing vae.png

mkdir -p .cache/tapestry/mnist few
idx 64 | gzip >.cache/tapestry/mnist/train-images-idx3-ubyte.gz
idx 20 | gzip >.cache/tapestry/mnist/t10k-images-idx3-ubyte.gz
run
ok "a run: status 0" [ "$status" -eq 0 ]
ok "a run: nothing on standard error" [ ! -s stderr ]
elbo='ELBO -[0-9]+\.[0-9]{2} nats per training image, -[0-9]+\.[0-9]{2} per test image'
ok "a run: both ELBOs after each epoch" [ "$(grep -Ecx "epoch [1-6] of 6: $elbo" stdout)" -eq 6 ]
ok "training raises the ELBO" awk '{ elbo = $6 + 0 } NR == 1 { first = elbo } END { exit !(elbo > first) }' stdout
ok "vae.png is a PNG" is_png vae.png
cp vae.png first.png
cp stdout first
run .cache/tapestry/mnist
ok "a folder on the command line: the same numbers" same stdout first
ok "a folder on the command line: the same pictures" same vae.png first.png

cp .cache/tapestry/mnist/train* few
idx 3 | gzip >few/t10k-images-idx3-ubyte.gz
run few
ok "fewer test images than the picture has columns: status 1" [ "$status" -eq 1 ]
ok "fewer test images than the picture has columns: a word on it" says_only stderr 'vae: '
rm vae.png
mkdir vae.png
run .cache/tapestry/mnist
ok "a picture that cannot be written: status 1" [ "$status" -eq 1 ]
ok "a picture that cannot be written: it is named" says_only stderr 'vae: vae.png: '

finish
