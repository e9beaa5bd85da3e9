#!/bin/sh
# Data larger than memory: trains on a file of 40 GB, most of which are holes, by stream in an address space of 2 GB, and by memory map
# with 1 GB of memory, where a control group can be made (cgroup 1 or 2, usually as root). The first batch must come within a second.
# Takes a minute or two. What cannot be done here is skipped, and said so.
# usage: large_data.sh build/tests/train_large [DIR]     DIR: where the file goes, on a file system with holes
set -eu
program=$(realpath "$1")
work=$(mktemp -d "${2:-${TMPDIR:-/tmp}}/tapestry-large-XXXXXX")
group=
OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
export OMP_NUM_THREADS OMP_WAIT_POLICY
ROWS=51020408 WIDTH=784 # 40 GB of bytes
STEPS=200

clean()
{
    rm -rf "$work"
    [ -z "$group" ] || rmdir "$group" || true
}
trap clean EXIT

failed=0
skipped=0
skip()
{
    echo "SKIPPED: $*"
    skipped=$((skipped + 1))
}

# A header of 128 bytes, as numpy.save writes it, a few megabytes of pixels in different places, and holes.
make_file()
{
    {
        printf '\223NUMPY\001\000v\000'
        printf '%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': ($ROWS, $WIDTH), }"
    } >"$1"
    truncate -s $((128 + ROWS * WIDTH)) "$1"
    for at in 1 10000 20000 38000; do
        dd if=/dev/urandom of="$1" bs=1M count=2 seek=$at conv=notrunc status=none
    done
}

# check TITLE LOG: the run has ended well, and begun early enough.
check()
{
    sed 's/^/    /' "$2"
    first=$(sed -n 's/^first batch after \([0-9]*\)\..*/\1/p' "$2")
    if grep -q "^$STEPS steps" "$2" && [ "${first:-1}" -eq 0 ]; then
        echo "ok: $1"
    else
        echo "FAILED: $1"
        failed=$((failed + 1))
    fi
}

# Makes a control group with 1 GB of memory and no swap; its folder goes to $group.
make_group()
{
    for parent in /sys/fs/cgroup/memory /sys/fs/cgroup; do
        group=$parent/tapestry-large-$$
        mkdir "$group" 2>/dev/null || continue
        for limit in memory.limit_in_bytes memory.max; do
            [ ! -e "$group/$limit" ] || ! echo 1073741824 2>/dev/null >"$group/$limit" || return 0
        done
        rmdir "$group"
    done
    group=
    return 1
}

make_file "$work/data.npy" || { skip "there is no room for a file of 40 GB with holes in $work"; exit 77; }
echo "$(du -h "$work/data.npy" | cut -f 1) on disk, $(du -h --apparent-size "$work/data.npy" | cut -f 1) in size"

(ulimit -v 2000000 && "$program" stream $STEPS "$work/data.npy") >"$work/log" 2>&1 || true
check "by stream, in an address space of 2 GB" "$work/log"

if make_group; then
    [ ! -e "$group/memory.swap.max" ] || echo 0 >"$group/memory.swap.max"
    sh -c "echo \$\$ >'$group/cgroup.procs' && exec '$program' map $STEPS '$work/data.npy'" >"$work/log" 2>&1 || true
    check "by memory map, with 1 GB of memory" "$work/log"
else
    skip "no control group can be made here, so the memory map has no limit"
    "$program" map $STEPS "$work/data.npy" >"$work/log" 2>&1 || true
    check "by memory map, without a limit" "$work/log"
fi

(ulimit -v 2000000 && "$program" map $STEPS "$work/data.npy") >"$work/log" 2>&1 || true
if grep -q 'cannot be mapped: Cannot allocate memory' "$work/log"; then
    echo "ok: a map that does not fit into the address space says so"
else
    sed 's/^/    /' "$work/log"
    echo "FAILED: a map that does not fit into the address space"
    failed=$((failed + 1))
fi
echo "$failed failed, $skipped skipped"
[ $failed -eq 0 ]
