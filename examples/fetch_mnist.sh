#!/bin/sh
# Downloads the MNIST database into a folder: all four files, with verified checksums, or nothing.
#
#   fetch_mnist.sh DIR [MIRROR...]    MIRROR is the base URL of the four files
set -eu

[ $# -ge 1 ] || { echo "usage: fetch_mnist.sh DIR [MIRROR...]" >&2; exit 2; }
dir=$1
shift
[ $# -ge 1 ] || set -- https://ossci-datasets.s3.amazonaws.com/mnist https://storage.googleapis.com/cvdf-datasets/mnist

# SHA-256 of the uncompressed files, as mirrors compress them differently.
sums="train-images-idx3-ubyte ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
train-labels-idx1-ubyte 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
t10k-images-idx3-ubyte 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
t10k-labels-idx1-ubyte ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"

download() # URL FILE
{
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --connect-timeout 5 --max-time 120 --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget --quiet --tries=1 --connect-timeout=5 --read-timeout=30 --output-document="$2" "$1"
    else
        echo "fetch_mnist.sh: neither curl nor wget is installed" >&2
        return 1
    fi
}

fetch_all() # MIRROR
{
    while read -r name sum; do
        download "$1/$name.gz" "$part/$name.gz" || return 1
        found=$(gzip -dc "$part/$name.gz" | sha256sum)
        if [ "${found%% *}" != "$sum" ]; then
            echo "fetch_mnist.sh: $1/$name.gz is not the file of MNIST: its checksum is wrong" >&2
            return 1
        fi
    done <<END
$sums
END
}

[ ! -e "$dir" ] || { echo "fetch_mnist.sh: $dir is already there" >&2; exit 1; }
mkdir -p "$(dirname "$dir")"
part=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$part"' EXIT
trap 'exit 1' HUP INT TERM

for mirror; do
    echo "Fetching MNIST from $mirror"
    if fetch_all "$mirror"; then
        chmod 755 "$part"
        mv "$part" "$dir"
        exit 0
    fi
done
exit 1
