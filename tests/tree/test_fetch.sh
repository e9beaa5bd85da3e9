#!/bin/sh
# fetch_mnist.sh takes files with the right checksums only, all or nothing, and tries one mirror after another.
set -eu
command -v curl >/dev/null || { echo "skipped: curl is not installed"; exit 77; }
data=$TAP_SOURCE_ROOT/../shared/data/mnist
[ -d "$data" ] || { echo "skipped: there is no $data"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fetch()
{
    sh "$TAP_SOURCE_ROOT/examples/fetch_mnist.sh" "$@" > log 2>&1
}

fails_with() # SENTENCE ARGUMENT...
{
    sentence=$1
    shift
    if fetch "$@"; then echo "fetching from $* succeeded"; exit 1; fi
    grep -q "$sentence" log || { echo "no word of '$sentence' in:"; cat log; exit 1; }
    [ "$(ls)" = "$before" ] || { echo "left behind:"; ls; exit 1; }
}

mkdir "a mirror"
for file in "$data"/*; do ln -s "$(realpath "$file")" "a mirror"; done
cp -r "a mirror" bad
rm bad/t10k-labels-idx1-ubyte.gz
echo 'no digits' | gzip > bad/t10k-labels-idx1-ubyte.gz
: > log
before=$(ls)

fails_with 'checksum is wrong' mnist "file://$work/bad"
fails_with 'Fetching' mnist "file://$work/nothing"
fetch mnist "file://$work/nothing" "file://$work/bad" "file://$work/a%20mirror" || { cat log; exit 1; }
[ "$(ls mnist | wc -l)" -eq 4 ] || { echo "not four files:"; ls mnist; exit 1; }
before=$(ls)
fails_with 'already there' mnist "file://$work/a%20mirror"
