#!/bin/sh
# Takes a fresh machine to digits drawn by a variational autoencoder: installs missing packages, builds, fetches MNIST, trains.
# Arguments are passed to vae_mnist:   sh examples/quickstart.sh --latent 2 --epochs 20
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/examples/setup.sh"

cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/tapestry
fashion=/usr/share/datasets/fashion-mnist
no_mirror=$cache/no-mnist-mirror

downloader()
{
    command -v curl || command -v wget
}

download_packages()
{
    needs "curl ca-certificates" downloader
}

data_packages()
{
    needs dataset-fashion-mnist test -d "$fashion"
}

find_data()
{
    [ ! -d "$cache/mnist" ] || return 0
    if [ -e "$no_mirror" ] && [ -d "$fashion" ]; then
        say "No mirror of MNIST answered the first time; to ask again, remove $no_mirror"
        return 0
    fi
    install_missing download_packages
    if sh "$root/examples/fetch_mnist.sh" "$cache/mnist"; then return 0; fi
    say "No mirror of MNIST answered; using Fashion-MNIST, the same format with clothes for digits"
    install_missing data_packages
    mkdir -p "$cache"
    : >"$no_mirror"
}

out=$top/out/vae_mnist
wants_data=yes
[ -z "${TAPESTRY_DATA:-}" ] || wants_data=no
previous=
for argument; do
    case $previous in --out) out=$argument ;; esac
    case $argument in
    --out=*) out=${argument#--out=} ;;
    --data | --data=*) wants_data=no ;;
    --help | -h)
        wants_data=no
        out=
        ;;
    esac
    previous=$argument
done

install_missing build_packages
say "Building in $top/build/release"
build "$top/build/release" -Dtests=false || die "the build failed; what it said is above"
[ $wants_data = no ] || find_data
# On a busy machine, threads that spin while they wait cost more than they gain.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"
"$top/build/release/examples/vae_mnist" --epochs 5 --out "$top/out/vae_mnist" "$@"

[ -n "$out" ] || exit 0
say "
The pictures are in $out: reconstructions.png (originals above), samples.png, interpolation.png.
Next:
  sh examples/quickstart.sh --help                       what can be changed
  sh examples/quickstart.sh --latent 2 --epochs 20       a map of the digits, in manifold.png
  examples/first_steps.c, new_layer.c, new_operator.c    programs of your own"
