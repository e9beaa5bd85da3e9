#!/usr/bin/env python3
"""Runs the benchmarks, and checks the form of their output. Times need only be positive.

usage: test_bench.py BENCH_OPS BENCH_STEP
"""
import json
import pathlib
import subprocess
import sys

ops, step = sys.argv[1:]
here = pathlib.Path(__file__).resolve().parent
passed = failed = 0


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    return done.returncode, done.stdout, done.stderr


def ok(what, condition):
    global passed, failed
    passed, failed = passed + bool(condition), failed + (not condition)
    if not condition:
        print("FAILED:", what)


def close(a, b):
    return abs(a - b) <= 0.02 * abs(b)


def helps(options, *command):
    status, out, err = run(*command, "--help")
    ok(f"{command[-1]} --help: status 0, nothing on standard error", status == 0 and not err)
    for option in options:
        ok(f"{command[-1]} --help names {option}", option in out)


def refuses(fragment, *command):
    status, out, err = run(*command)
    ok(f"{' '.join(command)}: not status 0", status != 0)
    ok(f"{' '.join(command)}: says '{fragment}' and nothing else", fragment in err and err.count("\n") == 1 and not out)


def rows(*arguments):
    status, out, err = run(ops, *arguments, "--json")
    ok(f"bench_ops {' '.join(arguments)}: status 0, one line", status == 0 and not err and out.count("\n") == 1)
    try:
        all_of_it = json.loads(out)
    except ValueError as fault:
        ok(f"bench_ops {' '.join(arguments)}: valid JSON ({fault})", False)
        return {}
    ok("threads and kernels", all_of_it["threads"] >= 1 and "tapestry" in all_of_it["kernels"])
    return {row["name"]: row for row in all_of_it["rows"]}


helps(["--only", "--threads", "--rounds", "--json"], ops)
helps(["--arch", "--batch", "--threads", "--steps"], step)
helps(["--rounds", "--scaling"], "sh", str(here / "run.sh"))
helps(["--arch", "--batch", "--threads", "--steps"], sys.executable, str(here / "torch_step.py"))

refuses("--threads 0: must be a whole number from 1 to 256; see --help", ops, "--threads", "0")
refuses("--rounds 1x: must be a whole number from 1 to 1000; see --help", ops, "--rounds", "1x")
refuses("--rounds '': must be a whole number", ops, "--rounds", "")
refuses("--only: a value is missing; see --help", ops, "--only")
refuses("--only xyzzy: no row has this in its group or name; see --help", ops, "--only", "xyzzy")
refuses("--fast: there is no such option; see --help", ops, "--fast")
refuses("fast: not an option; see --help", ops, "fast")
refuses("--rounds '0': must be an integer of at least 1; see --help", "sh", str(here / "run.sh"), "--rounds", "0")
refuses("--fast: there is no such option; see --help", "sh", str(here / "run.sh"), "--fast")

tiny = rows("--only", "tiny")
names = ["add", "tanh", "add, and backward", "tanh, and backward"]
ok("tiny: its rows and no others", list(tiny) == names)
ok("tiny: times of a tiny operator, in microseconds", all(0.01 < tiny[name]["us"] < 1000 for name in names if name in tiny))
ok("tiny: a backward pass takes time", tiny["add"]["us"] < tiny["add, and backward"]["us"])

model = rows("--only", "model", "--rounds", "2", "--threads", "1")
reading, forward = model["read weights"], model["mlp 784-400-20, forward"]
ok("model: its weights and no others", reading["size"] == "[652824]")
ok("model: bytes by time", close(forward["gb_per_s"] * forward["us"], 4e-3 * 652824))
ok("model: the floor is its limit's time", forward["limit"] == "read weights" and close(forward["us_floor"], reading["us"]))
ok("model: ratio", close(forward["ratio"], forward["us"] / forward["us_floor"]) and close(forward["ratio"] * forward["fraction"], 1))

status, out, err = run(ops, "--only", "model", "--rounds", "1")
ok("a table for people", status == 0 and out.count("\n") == 3 and "% of read weights" in out)

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
