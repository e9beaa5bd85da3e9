#!/usr/bin/env python3
"""Changes one rule or kernel of the library at a time and demands that a test turns red. See README.md beside this file."""
import argparse
import collections
import fnmatch
import glob
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import mutants as finding
from build import Build, Failed

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SCOPE = ["autograd/**/*.def", "autograd/**/*.c", "nn/**/*.c", "tensor/**/*.c", "tensor/kernels/*_template.h", "tensor/kernels/vmath*.h", "tensor/kernels/rising.h"]
REQUIRED = 95  # per cent
GRADIENTS, ACCURACY = "autograd/gradients", "autograd/accuracy"
# Which tests beside a tensor file's own should notice, before those of the operators.
TENSOR_TESTS = {
    "conv_template": ["conv"], "blis": ["matmul", "parallel"], "map": ["copy", "parallel"], "matmul": ["matmul", "parallel"],
    "reduce": ["reduce", "parallel"], "reduce_kernels": ["reduce"], "shape": ["shape", "view", "copy", "reduce"], "tensor": ["copy", "view", "shape"],
    "view": ["view", "copy"], "vmath_functions": ["vmath"], "linalg_template": ["linalg"], "product_template": ["matmul"],
    "product_kernels": ["matmul"], "pca": ["csr"], "csr": ["matrix_market"],
}  # fmt: skip
# Gradient rows for what all operators stand on.
ROWS = {
    "apply": "add matmul", "backward": "add mul expand sum matmul where cat", "tape": "add matmul", "blis": "matmul affine bmm",
    "index": "gather scatter scatter_add index_select sort cumsum", "linalg": "cholesky solve inv det slogdet solve_triangular",
    "map": "add mul where cast", "matmul": "matmul affine bmm", "reduce": "sum amax logsumexp variance", "reduce_kernels": "sum amax",
    "shape": "add sum expand reshape flip", "special": "lgamma digamma polygamma erfinv gelu", "tensor": "cast reshape cat",
    "view": "permute transpose slice select expand unsqueeze squeeze diagonal unfold reshape",
    "linalg_template": "cholesky solve inv det slogdet solve_triangular", "product_template": "matmul affine bmm",
    "rising": "log_rising rising_slope rising_derivative", "conv": "conv conv_adjoint conv_weight", "conv_template": "conv conv_adjoint conv_weight",
}  # fmt: skip
LONG = 8  # seconds of processor time after which gradient rows have no end
# Tests of what is not mutated: files, data, memory, and of whole trainings, which notice less than smaller tests and take longer.
UNRELATED = ["models/determinism", "models/linear", "models/scalar_vae", "tensor/arena", "tensor/file", "tensor/idx", "tensor/png", "tensor/random", "tensor/safetensors",
             "nn/checkpoint", "nn/module_file", "nn/init", "nn/loader", "nn/module", "golden/*", "*/gradcheck", GRADIENTS]  # fmt: skip


def read(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


def listed(name, fields):
    """Lines of a list beside this file, cut at ' :: ', without comments."""
    with open(os.path.join(HERE, name)) as f:
        lines = [line.strip() for line in f]
    rows = [line.split(" :: ") for line in lines if line and not line.startswith("#")]
    for row in rows:
        if len(row) != fields:
            sys.exit("%s: not %d fields: %s" % (name, fields, " :: ".join(row)))
    return rows


# ---- What is mutated, and which gradient rows stand for it ----


def find_mutants(only):
    prototypes = {}
    for header in glob.glob(os.path.join(ROOT, "*", "**", "*.h"), recursive=True):
        prototypes.update(finding.prototypes_of(read(header)))
    excluded = listed("excluded.txt", 3)
    found = []
    for pattern in SCOPE:
        for path in sorted(glob.glob(os.path.join(ROOT, pattern), recursive=True)):
            file = os.path.relpath(path, ROOT)
            find = finding.mutants_of_rows if file.endswith(".def") else finding.mutants_of
            found += find(file, read(file), prototypes)
    found = [m for m in found if not any(fnmatch.fnmatch(m.file, f) and fnmatch.fnmatch(m.function, g) for f, g, _ in excluded)]
    wanted = lambda m: m.file in only or os.path.basename(m.file) in only or operator_of(m) in only or m.function in only
    return [m for m in found if not only or wanted(m)]


def operator_of(m):
    """exp for the row exp, for tap_exp and exp_vjp; a helper function goes by its own name."""
    name = re.sub(r"^tap__?", "", m.function)
    return re.sub(r"_(infer|forward|vjp)$", "", name)


class Rows:
    """The gradient rows that stand for a function: those of the operators nearest among its callers."""

    def __init__(self):
        self.known = set()
        for path in glob.glob(os.path.join(ROOT, "tests/*/gradients_*.c")):
            self.known.update(re.findall(r'\{ "(\w+)",', read(path)))
        self.callers = collections.defaultdict(set)
        for pattern in ("autograd/**/*.c", "nn/**/*.c", "autograd/**/*.def"):
            for path in sorted(glob.glob(os.path.join(ROOT, pattern), recursive=True)):
                self.note(read(path), path.endswith(".def"))

    def note(self, text, table):
        nodes = [(name, {t.text for t in tokens}) for name, tokens in finding.functions_of(text)] if not table else [
            ("tap_" + name, set(re.findall(r"\w+", text[fields[0][1] : fields[-1][2]]))) for name, fields in finding.rows_of(text)]
        nodes += [(m.group(1), set(re.findall(r"\w+", m.group(2)))) for m in re.finditer(r"^(?:static )?const tap_op (\w+) = \{(.*?)\};", text, re.M | re.S)]
        for name, used in nodes:
            for callee in used:
                self.callers[callee].add(name)
                self.callers[re.sub("^tap__", "tap_", callee)].add(name)

    def near(self, function, most=7):
        rows, seen, front = [], {function}, [function]
        while front and len(rows) < most:
            after = []
            for f in front:
                name = re.sub(r"^tap__?|_op$", "", f)
                if name in self.known and name not in rows:
                    rows.append(name)
                if name not in self.known or f == function:
                    after += sorted(self.callers[f] - seen)
                seen.update(after)
            front = after
        return rows[:most]


# ---- Running tests ----


class Judge:
    """Builds mutants, and finds out whether a test notices them."""

    def __init__(self, build, rows):
        self.build, self.rows = build, rows
        self.local = threading.local()
        self.workers = 0
        self.lock = threading.Lock()
        self.schemata = {}
        self.code = {}
        self.measure()

    def measure(self):
        """What each test takes when nothing is wrong; all must be green."""
        self.seconds = {}
        for test in self.build.tests:
            if any(fnmatch.fnmatch(test, pattern) for pattern in UNRELATED):
                continue
            before = time.time(), os.times()
            how = self.run_test(test, [], self.build.plain, 600)
            if how:
                sys.exit("%s fails (%s) before anything is changed" % (test, how))
            after = os.times()
            self.seconds[test] = max(after[2] - before[1][2] + after[3] - before[1][3], 0.01)

    def place(self):
        """A folder of this thread's own."""
        if not hasattr(self.local, "folder"):
            with self.lock:
                self.local.folder = os.path.join(self.build.folder, "worker%d" % self.workers)
                self.workers += 1
            for part in ("tmp", "tree"):
                os.makedirs(os.path.join(self.local.folder, part), exist_ok=True)
        return self.local.folder

    def run_test(self, test, arguments, where, cpu, more={}, program=None, again=True):
        """None if the test passes with the libmutant.so of that folder, else what happened."""
        folder = self.place()
        environment = {**self.build.environment, "LD_LIBRARY_PATH": where + ":" + self.build.plain, "TMPDIR": os.path.join(folder, "tmp"), **more}
        environment["CMOCKA_TEST_ABORT"] = "1"  # the first failure is enough
        limits = 'ulimit -c 0; ulimit -t %d; ulimit -v 8000000; exec "$@"' % cpu
        p = subprocess.Popen(["sh", "-c", limits, "sh", program or self.build.program(test)] + arguments, env=environment, cwd=folder,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
        try:
            code = p.wait(timeout=20 * cpu)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
            return self.run_test(test, arguments, where, cpu, more, program, False) if again else "no end"  # it may have been stopped
        if code == 0:
            return None
        return "no end" if code in (-signal.SIGXCPU, -signal.SIGKILL) else "crash" if code < 0 and code != -signal.SIGABRT else "red"

    def limit(self, test):
        return LONG if test == GRADIENTS else 2 + int(5 * self.seconds[test])

    def plan(self, m):
        """Tests with arguments, in the order in which they are asked: those that are near, and the rest."""
        stem = os.path.splitext(os.path.basename(m.file))[0]
        floor = m.file.split("/")[0]
        names = sorted(self.seconds, key=self.seconds.get)
        of = lambda floor: [t for t in names if t.startswith(floor + "/") and (t != ACCURACY or stem in ("elementwise", "special", "elementwise_composed"))]
        near = self.rows.near("tap_" + m.function if m.file.endswith(".def") else m.function)
        if stem in ROWS:
            near = near[:3] + [r for r in ROWS[stem].split() if r not in near]
        order = [(GRADIENTS, rows) for rows in (near[:2], near[2:]) if rows]
        if floor == "tensor":
            first = [("tensor/" + t, []) for t in dict.fromkeys([stem] + TENSOR_TESTS.get(stem, []))]
            order = first + order
            later = of("autograd") + ["bad_arguments/tensor"] + ["bad_arguments/autograd"] * (stem in ("index", "shape"))
            later += ["nn/spatial"] * stem.startswith("conv") + ["nn/counts"] * (stem in ("rising", "special"))
        elif floor == "nn":
            later = ["nn/" + stem] + ["nn/layers", "nn/layer_values"] * ("nn/layers/" in m.file) + of("nn") + ["models/vae", "models/golden", "bad_arguments/nn"]
        else:
            later = ["nn/counts"] * ("rising" in m.function or stem == "rising") + ["autograd/" + stem] + of("autograd") + ["nn/functional", "nn/spatial", "nn/distribution", "nn/optim", "models/vae",
                                                                          "bad_arguments/autograd"]
        known = lambda asked: [(t, a) for t, a in asked if t == GRADIENTS or t in self.seconds]
        return known(order), known((t, []) for t in dict.fromkeys(later) if (t, []) not in order)

    def ask(self, m, where, more={}, is_same=lambda: False):
        near, rest = self.plan(m)
        for tests in (near, rest):
            for test, arguments in tests:
                how = self.run_test(test, arguments, where, self.limit(test), more)
                if how:
                    return "killed", "%s by %s" % (how, " ".join([test] + arguments))
            if tests is near and is_same():
                return "same", ""
        return "survived", ""

    # ---- One file compiled anew ----

    def judge(self, m):
        if m.file.endswith(".def"):
            return self.judge_row(m)
        folder = self.place()
        text = read(m.file)
        path = os.path.join(folder, "tree", m.file)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text[: m.start] + m.new + text[m.end :])
        try:
            if m.file.endswith(".h"):
                return self.judge_header(m, folder, path)
            width = "generic" if "generic" in self.build.widths(m.file) else ""
            out = os.path.join(folder, "mutant.o")
            try:
                self.build.compile(m.file, width, out, path, "-O0")
            except Failed:
                return "broken", ""
            self.build.link([out], os.path.join(folder, "libmutant.so"))
            return self.ask(m, folder, is_same=lambda: self.is_same(m.file, width, path))
        finally:
            os.remove(path)

    def is_same(self, source, width, path=None, more=()):
        """Whether the compiler makes the same code of the changed source: then nothing was changed."""
        if (source, width) not in self.code:
            self.code[source, width] = self.optimized(source, width, None, ())
        return self.code[source, width] == self.optimized(source, width, path, more)

    def optimized(self, source, width, path, more):
        out = os.path.join(self.place(), "optimized.s")
        self.build.compile(source, width, out, path, "-O2", ["-S", *more])
        with open(out) as f:
            return [line for line in f if not line.startswith("\t.file") and "ident" not in line]

    def judge_header(self, m, folder, path):
        """Functions that are compiled into their callers: into the test of the header, or else into the library's files."""
        overlay = ["-I" + os.path.join(folder, "tree")]
        test = self.plan(m)[0][0][0]
        source = self.build.tests[test][0]
        out, program = os.path.join(folder, "mutant.o"), os.path.join(folder, "program")
        try:
            if '"tensor/kernels/vmath' in read(source):
                self.build.compile(source, "", out, level="-O1", more=overlay)
                self.build.link_program([out], program)
                how = self.run_test(test, [], self.build.plain, self.limit(test), program=program)
                return ("killed", "%s by %s" % (how, test)) if how else ("same" if self.is_same(source, "", more=overlay) else "survived", "")
            objects, users = [], list(self.users(m.file))
            for user, width in users:
                objects.append(os.path.join(folder, "user%d.o" % len(objects)))
                self.build.compile(user, width, objects[-1], level="-O0", more=overlay)
        except Failed:
            return "broken", ""
        self.build.link(objects, os.path.join(folder, "libmutant.so"))
        return self.ask(m, folder, is_same=lambda: all(self.is_same(user, width, more=overlay) for user, width in users))

    # ---- A table: all of its mutants in one library, of which the environment picks one ----

    def prepare_table(self, file, all_of_it):
        good = self.compilable(file, all_of_it)
        folder = os.path.join(self.build.folder, "table")
        os.makedirs(folder, exist_ok=True)
        objects = {}
        for source, width in self.users(file):
            objects[source, width] = os.path.join(folder, source.replace("/", "_") + ".o")
            self.build.compile(source, width, objects[source, width], level="-O0", more=self.table(file, good, folder))
        switch = os.path.join(folder, "switch.c")
        with open(switch, "w") as f:
            f.write("#include <stdlib.h>\nint tap__mutant;\n__attribute__((constructor)) static void pick(void)\n{\n"
                    '    const char *k = getenv("TAP_MUTANT");\n    tap__mutant = k ? atoi(k) : 0;\n}\n')  # fmt: skip
        from_switch = os.path.join(folder, "switch.o")
        self.build.compile_plain(switch, from_switch)
        self.build.link(list(objects.values()) + [from_switch], os.path.join(folder, "libmutant.so"))
        for k, m in enumerate(good):
            self.schemata[m] = k + 1, folder

    def users(self, file):
        """What includes the table, of the vector widths only the portable one."""
        for source, width in self.build.library_sources():
            if width in ("", "generic") and '#include "%s"' % file in read(source):
                yield source, width

    def table(self, file, some, folder):
        """Writes the table with choices in its fields; returns the options that have it included."""
        text, fields = read(file), collections.defaultdict(list)
        spans = [(start, end) for _, row in finding.rows_of(text) for _, start, end in row]
        for k, m in enumerate(some):
            span = next((a, b) for a, b in spans if a <= m.start and m.end <= b)
            fields[span].append((k + 1, text[span[0] : m.start] + m.new + text[m.end : span[1]]))
        for (start, end), changed in sorted(fields.items(), reverse=True):
            choice = "".join("tap__mutant == %d ? (%s) : " % c for c in changed)
            text = "%s(%s(%s))%s" % (text[:start], choice.replace("NONE", "((tap_var){ 0 })"), text[start:end], text[end:])
        path = os.path.join(folder, "tree", file)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        declaration = os.path.join(folder, "switch.h")
        with open(declaration, "w") as f:
            f.write("extern int tap__mutant;\n")
        return ["-I" + os.path.join(folder, "tree"), "-include", declaration]

    def compilable(self, file, some):
        """Those of the mutants that compile, by halves."""
        folder = os.path.join(self.build.folder, "trial")
        try:
            options = self.table(file, some, folder)
            for source, width in self.users(file):
                self.build.compile(source, width, os.devnull, level="-O0", more=options + ["-fsyntax-only"])
            return some
        except Failed:
            half = len(some) // 2
            return self.compilable(file, some[:half]) + self.compilable(file, some[half:]) if half else []

    def judge_row(self, m):
        if m not in self.schemata:
            return "broken", ""
        number, folder = self.schemata[m]
        return self.ask(m, folder, {"TAP_MUTANT": str(number)})


# ---- The report ----


class Explained:
    """Lines of explained.txt: function :: changed line :: reason. Three dots stand for any text."""

    def __init__(self):
        lines = [(function, re.sub(r"\s+", " ", change)) for function, change, _ in listed("explained.txt", 3)]
        self.exact = {line for line in lines if "..." not in line[1]}
        self.patterns = [(f, re.compile(".*".join(map(re.escape, change.split("..."))))) for f, change in lines if "..." in change]

    def stale(self, all_mutants):
        """Lines that no mutant fits any more."""
        keys = {key_of(m) for m in all_mutants}
        yield from sorted("%s :: %s" % line for line in self.exact - keys)
        for function, p in self.patterns:
            if not any(f == function and p.fullmatch(change) for f, change in keys):
                yield "%s :: %s" % (function, p.pattern)

    def exactly(self, m):
        return key_of(m) in self.exact

    def roughly(self, m):
        function, change = key_of(m)
        return any(f == function and p.fullmatch(change) for f, p in self.patterns)


def report(results, seconds):
    lines, table = [], collections.OrderedDict()
    for m, (verdict, _) in results:
        table.setdefault((m.file, operator_of(m)), collections.Counter())[verdict] += 1
    file = None
    for (f, operator), c in table.items():
        if f != file:
            lines.append("\n%s" % f)
            file = f
        notes = ["%d %s" % (c[k], n) for k, n in (("explained", "explained"), ("same", "of the same code"), ("broken", "not compiled")) if c[k]]
        tried = c["killed"] + c["survived"] + c["explained"]
        lines.append("  %-32s %d/%d%s" % (operator, c["killed"], tried, "  " + ", ".join(notes) if notes else ""))
    survivors = [m for m, (verdict, _) in results if verdict == "survived"]
    if survivors:
        lines.append("\nSurvivors without an explanation")
        lines += ["  %s:%d %s: %s: %s" % (m.file, m.line, m.function, m.kind, m.context) for m in survivors]
    count = collections.Counter(verdict for _, (verdict, _) in results)
    tried = count["killed"] + count["survived"] + count["explained"]
    score = 100 * count["killed"] / tried if tried else 100
    lines.append("\nNot counted: %d of the same code, %d that do not compile; %d seconds" % (count["same"], count["broken"], seconds))
    lines.append("%d mutants, %d killed, %d survived, %d of them explained, score %.1f %%"
                 % (tried, count["killed"], tried - count["killed"], count["explained"], score))  # fmt: skip
    return "\n".join(lines), score, survivors


# ---- Do the lists still fit the sources? ----


def words_of_sources():
    """All identifiers in the library's sources, and the names of its operators with tap_ and tap__ in front."""
    words = set()
    for pattern in ("autograd/**/*", "nn/**/*", "tensor/**/*"):
        for path in glob.glob(os.path.join(ROOT, pattern), recursive=True):
            if path.endswith((".c", ".h", ".def")):
                text = read(path)
                words.update(re.findall(r"\w+", text))
                if path.endswith(".def"):
                    words.update("%s%s" % (prefix, name) for name, _ in finding.rows_of(text) for prefix in ("tap_", "tap__"))
    return words


def stale_lines(all_mutants, explained):
    """What excluded.txt, explained.txt and the tables of this program and of mutants.py name, and the tree has not."""
    yield from ("explained.txt: no such mutant: " + line for line in explained.stale(all_mutants))
    for file, function, _ in listed("excluded.txt", 3):
        paths = [os.path.relpath(p, ROOT) for pattern in SCOPE for p in glob.glob(os.path.join(ROOT, pattern), recursive=True)]
        paths = [p for p in paths if fnmatch.fnmatch(p, file)]
        names = {name for p in paths for name, _ in (finding.rows_of if p.endswith(".def") else finding.functions_of)(read(p))}
        if not any(fnmatch.fnmatch(name, function) for name in names):
            yield "excluded.txt: no such file or function: %s :: %s" % (file, function)
    words = words_of_sources()
    for table in ("MISTAKEN", "SYMMETRIC", "EVEN", "ALLOCATORS", "PUSHES", "REPORTS", "GUARD_ONLY"):
        yield from ("mutants.py: %s: no such function: %s" % (table, name) for name in sorted(set(getattr(finding, table)) - words))
    stems = {os.path.splitext(os.path.basename(p))[0] for pattern in SCOPE for p in glob.glob(os.path.join(ROOT, pattern), recursive=True)}
    yield from ("run.py: no such file: " + stem for stem in sorted({*TENSOR_TESTS, *ROWS} - stems))
    known = Rows().known
    yield from ("run.py: no such gradient row: " + row for row in sorted({r for rows in ROWS.values() for r in rows.split()} - known))
    tests = [t for row in TENSOR_TESTS.values() for t in ("tensor/" + name for name in row)] + [t for t in UNRELATED if "*" not in t]
    for test in tests:
        if not os.path.exists(os.path.join(ROOT, "tests", test.replace("/", "/test_") + ".c")):
            yield "run.py: no such test: " + test


def key_of(m):
    return m.function, re.sub(r"\s+", " ", m.context)


def save(path, text, results):
    with open(path, "w") as f:
        if path.endswith(".json"):
            rows = [dict(file=m.file, line=m.line, function=m.function, operator=operator_of(m), kind=m.kind, change=m.context,
                         verdict=v, by=how) for m, (v, how) in results]  # fmt: skip
            json.dump(rows, f, indent=1)
        else:
            f.write(text + "\n")


def survivors_of(path):
    with open(path) as f:
        return {(r["function"], r["change"]) for r in json.load(f) if r["verdict"] == "survived"}


def options():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--only", action="append", default=[], metavar="FILE|OPERATOR", help="mutants of this file, operator or function (repeatable)")
    p.add_argument("--again", metavar="REPORT.json", help="only those that survived in that report")
    p.add_argument("--explained", action="store_true", help="only those that explained.txt calls equivalent: none may be killed")
    p.add_argument("--sample", type=int, default=1, metavar="P", help="every P-th mutant")
    p.add_argument("--list", action="store_true", help="show the mutants, run nothing")
    p.add_argument("--check-lists", action="store_true", help="only check that files, functions and lines in the lists still exist")
    p.add_argument("--jobs", type=int, default=2, help="workers side by side (2)")
    p.add_argument("--build", default=os.path.join(ROOT, "build", "mutation"), metavar="FOLDER", help="build folder (build/mutation)")
    p.add_argument("--report", metavar="FILE", help="write the report there too: FILE.json has every mutant, any other name the text")
    return p.parse_args()


def main():
    o = options()
    explained, found = Explained(), find_mutants([] if o.check_lists else o.only)
    if o.check_lists:
        stale = list(stale_lines(found, explained))
        print("\n".join(stale + ["%d mutants; %d lines of the lists are out of date" % (len(found), len(stale))]))
        return 1 if stale else 0
    for line in explained.stale(found) if not o.only else ():
        print("explained.txt: no such mutant: " + line, file=sys.stderr)
    asked = found[:: max(o.sample, 1)]
    if o.again:
        before = survivors_of(o.again)
        asked = [m for m in asked if key_of(m) in before]
    todo = [m for m in asked if explained.exactly(m) == o.explained]
    if o.list:
        for m in todo:
            print("%s:%d %s: %s: %s" % (m.file, m.line, operator_of(m), m.kind, m.context))
        print("%d mutants" % len(todo))
        return 0
    if not todo:
        sys.exit("there are no such mutants")
    begun = time.time()
    build = Build(ROOT, os.path.abspath(o.build), o.jobs)
    build.prepare()
    judge = Judge(build, Rows())
    for file in sorted({m.file for m in todo if m.file.endswith(".def")}):
        judge.prepare_table(file, [m for m in todo if m.file == file])
    print("%d mutants; ready after %d seconds" % (len(todo), time.time() - begun), file=sys.stderr)

    verdicts = {}
    with ThreadPoolExecutor(o.jobs) as pool:
        waiting = {pool.submit(judge.judge, m): m for m in todo}
        for done in as_completed(waiting):
            m = waiting[done]
            verdicts[m] = done.result()
            if verdicts[m][0] == "survived" and explained.roughly(m):
                verdicts[m] = "explained", ""
            if verdicts[m][0] == "survived":
                print("survived: %s:%d %s: %s" % (m.file, m.line, m.function, m.context), file=sys.stderr)
            if o.report and len(verdicts) % 100 == 0:
                save(o.report, "", [(m, verdicts[m]) for m in todo if m in verdicts])
            if len(verdicts) % 100 == 0:
                print("%d of %d, %d seconds" % (len(verdicts), len(todo), time.time() - begun), file=sys.stderr)
    results = [(m, verdicts.get(m, ("explained", ""))) for m in (todo if o.explained else asked)]
    text, score, survivors = report(results, time.time() - begun)
    print(text)
    if o.report:
        save(o.report, text, results)
    if o.explained:
        killed = [m for m, (verdict, _) in results if verdict == "killed"]
        for m in killed:
            print("not equivalent: %s:%d %s: %s" % (m.file, m.line, m.function, m.context))
        return 1 if killed else 0
    return 0 if score >= REQUIRED and not survivors else 1


if __name__ == "__main__":
    sys.exit(main())
