"""Three analyzers over the sources: gcc -fanalyzer, clang-tidy and cppcheck. Prints what they have to say, but for what
explained.txt explains. `sh tests/analyze.sh --help` says how to call it."""
import collections
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXPLAINED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "explained.txt")
FOLDERS = ("tensor/", "autograd/", "nn/", "models/", "examples/", "tests/")
WARNING = re.compile(r"^(\S+?):(\d+):(?:\d+:)? (?:fatal )?(warning|error|style|performance|portability): (.*?) ?\[([^][]+)\]$")

Finding = collections.namedtuple("Finding", "tool check file line text message")


def commands(folder):
    """The compilation of each source file: file -> flags. Kernels are compiled once per vector width; one is enough."""
    flags = {}
    with open(os.path.join(folder, "compile_commands.json")) as f:
        entries = json.load(f)
    for entry in sorted(entries, key=lambda e: "kernels_generic" not in e["output"]):
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
        words = shlex.split(entry["command"])
        kept = ["-I" + os.path.normpath(os.path.join(entry["directory"], word[2:])) for word in words if word.startswith("-I")]
        kept += [word for word in words if word.startswith(("-D", "-std", "-isystem", "-fopenmp"))]
        if path.startswith(FOLDERS):
            flags.setdefault(path, kept)
    return flags


def gcc(path, flags):
    return ["gcc", *flags, "-O1", "-fanalyzer", "-S", "-o", os.devnull, path]


def tidy(path, flags):
    return ["clang-tidy", "--quiet", path, "--", *flags]


def cppcheck(path, flags):
    width = [word for word in flags if word.startswith("-DTAP__ISA_NAME")]
    return ["cppcheck", "-q", "--std=c11", "--enable=warning,performance,portability",
            "--template={file}:{line}:{column}: {severity}: {message} [{id}]", "-I" + ROOT, "-D__x86_64__", "-D__GNUC__=12",
            *width, path]


TOOLS = {"gcc": gcc, "clang-tidy": tidy, "cppcheck": cppcheck}


def line_of(path, number):
    try:
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            return f.read().split("\n")[number - 1].strip()
    except (OSError, IndexError):
        return ""


def look(job):
    tool, path, flags = job
    done = subprocess.run(TOOLS[tool](path, flags), cwd=ROOT, capture_output=True, text=True, check=False)
    findings = set()
    for text in (done.stdout + done.stderr).splitlines():
        match = WARNING.match(text)
        if not match:
            continue
        file = os.path.relpath(os.path.join(ROOT, match[1]), ROOT)
        check = re.sub(r".*\] \[-W", "", match[5]).replace("-Wanalyzer-", "")
        if file.startswith(FOLDERS):
            findings.add(Finding(tool, check, file, int(match[2]), line_of(file, int(match[2])), match[4]))
    if not findings and done.returncode != 0:
        findings.add(Finding(tool, "failed", path, 0, "", (done.stdout + done.stderr).strip()))
    return findings


def pattern(text):
    return re.compile(".*".join(re.escape(part) for part in text.split("...")) + "$")


def explanations():
    """Lines of check :: file :: line of source :: why."""
    with open(EXPLAINED, encoding="utf-8") as f:
        lines = [line.rstrip("\n") for line in f if line.strip() and not line.startswith("#")]
    entries = []
    for line in lines:
        fields = [field.strip() for field in line.split(" :: ")]
        if len(fields) != 4 or not fields[3]:
            sys.exit(f"explained.txt: needs check :: file :: line :: why: {line}")
        entries.append((line, [pattern(field) for field in fields[:3]]))
    return entries


def misses():
    """Entries whose file, or line of a named file, no longer exists."""
    known = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for line, (_, file, text) in explanations():
        paths = [path for path in known if path.startswith(FOLDERS) and file.match(path)]
        lines = (source.strip() for path in paths if path.endswith((".c", ".h"))
                 for source in open(os.path.join(ROOT, path), encoding="utf-8"))
        if not any(text.match(source) for source in lines):
            yield line


def main(folder, only):
    flags = {path: words for path, words in commands(folder).items() if not only or path in only}
    for path in only:
        if path not in flags:
            sys.exit(f"analyze.sh: {path} is not compiled here")
    jobs = [(tool, path, words) for tool in TOOLS for path, words in flags.items()]
    found = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for findings in pool.map(look, jobs):
            found |= findings
    entries, used = explanations(), set()
    left = []
    for finding in sorted(found):
        reasons = [line for line, parts in entries
                   if all(p.match(x) for p, x in zip(parts, (finding.check, finding.file, finding.text)))]
        used.update(reasons)
        if not reasons:
            left.append(finding)
    for f in left:
        print(f"{f.file}:{f.line}: {f.message} [{f.tool} {f.check}]\n    {f.text}")
    stale = [] if only else [line for line, _ in entries if line not in used]
    for line in stale:
        print(f"explained.txt: nothing is left of this: {line}")
    for tool in TOOLS:
        said, open_ = sum(f.tool == tool for f in found), sum(f.tool == tool for f in left)
        print(f"{tool}: {len(flags)} files, {said} findings, {said - open_} explained, {open_} open")
    return 1 if left or stale else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--check-list"]:
        missing = list(misses())
        print("\n".join(["explained.txt: no such file or line: " + line for line in missing]))
        sys.exit(1 if missing else 0)
    sys.exit(main(sys.argv[1], [os.path.relpath(path, ROOT) for path in sys.argv[2:]]))
