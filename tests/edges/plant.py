#!/usr/bin/env python3
"""Plants faults in a copy of the library, one at a time, and demands that a test of the edges turns red at each.

    python3 tests/edges/plant.py                   # all of them
    python3 tests/edges/plant.py --only softmax    # those whose file, test or reason has this word
    python3 tests/edges/plant.py --list

A fault is a row of FAULTS below:

    ("nn/normalization.c", "the text that is there once", "what stands there instead", "nn/edges_norms", "what is wrong with it"),

file, old text, new text, test, reason. The old text must occur exactly once in the file, so that a row that no longer fits is seen
and not passed over; a test is called as in Meson's list (`meson test --list`), floor/name. Add rows to the end of the section of
your file. A row is good if a careless change of the code could be it: a clamp dropped, a mask multiplied where it should select, a
form that overflows or cancels.

The copy has what git knows of this tree, with its changes, and is built in a folder of its own (--build FOLDER keeps it for the next
time). The tree itself is not touched. One line for each fault, then how many were noticed; the exit status is 0 if all were, and if every
test was green before.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FAULTS = [
]


class Tree:
    """A copy of the sources, and its build."""

    def __init__(self, folder):
        self.source = os.path.join(folder, "source")
        self.build = os.path.join(folder, "build")
        self.env = dict(os.environ, TAP_SOURCE_ROOT=self.source, OMP_NUM_THREADS="2", OMP_WAIT_POLICY="passive")
        os.makedirs(self.source, exist_ok=True)
        self.copy()
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            command = ["meson", "setup", self.build, self.source, "-Dexamples=false", "-Doptimization=1"]
            if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
                sys.exit("the copy cannot be configured")

    def copy(self):
        """What differs from the tree, so that what is built already stays built."""
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
        for file in listed.stdout.splitlines():
            there = os.path.join(ROOT, file)
            if not os.path.isfile(there):
                continue
            old = os.path.join(self.source, file)
            if os.path.isfile(old) and read(old, "rb") == read(there, "rb"):
                continue
            os.makedirs(os.path.dirname(old), exist_ok=True)
            shutil.copy(there, old)

    def outcome(self, test):
        """"green", "red", or "does not build"."""
        target = "tests/test_" + test.replace("/", "_")
        if subprocess.run(["ninja", "-C", self.build, target], capture_output=True).returncode:
            return "does not build"
        try:
            run = subprocess.run([os.path.join(self.build, target)], env=self.env, cwd=self.source, capture_output=True, timeout=300)
        except subprocess.TimeoutExpired:
            return "red"
        return "red" if run.returncode else "green"

    def plant(self, file, old, new, test):
        """The outcome of the test with the fault; the file is as it was afterwards."""
        path = os.path.join(self.source, file)
        text = read(path)
        if text.count(old) != 1:
            return "the old text is there %d times" % text.count(old)
        try:
            write(path, text.replace(old, new))
            return self.outcome(test)
        finally:
            write(path, text)


def read(path, mode="r"):
    with open(path, mode) as f:
        return f.read()


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--build", metavar="FOLDER")
    arguments = parser.parse_args()
    faults = [f for f in FAULTS if any(arguments.only in text for text in (f[0], f[3], f[4]))]
    if arguments.list:
        for file, _, _, test, reason in faults:
            print("%-28s %-22s %s" % (file, test, reason))
        return 0
    folder = arguments.build or tempfile.mkdtemp()
    try:
        return run(Tree(os.path.abspath(folder)), faults)
    finally:
        if not arguments.build:
            shutil.rmtree(folder)


def run(tree, faults):
    missed = 0
    for test in sorted({f[3] for f in faults}):
        outcome = tree.outcome(test)
        if outcome != "green":
            print("%s is %s without any fault" % (test, outcome))
            missed += 1
    for file, old, new, test, reason in faults:
        outcome = tree.plant(file, old, new, test)
        print("%-9s %-28s %-22s %s" % ("noticed" if outcome == "red" else "MISSED" if outcome == "green" else "ERROR", file, test, reason), flush=True)
        if outcome not in ("red", "green"):
            print("          " + outcome)
        missed += outcome != "red"
    print("%d faults, %d noticed" % (len(faults), len(faults) - missed) if faults else "no such fault")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
