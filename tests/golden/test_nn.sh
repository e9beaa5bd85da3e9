#!/bin/sh
# Optimizers, schedules, initializers and so on on PyTorch's numbers, which lie beside the checkout where there are any.
set -eu

samples=$TAP_SOURCE_ROOT/../shared/golden/nn
if [ ! -d "$samples" ]; then
    echo "$samples is not there"
    exit 77
fi
exec "$1" "$samples"
