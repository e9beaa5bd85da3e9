"""Builds. The library is a shared one whose names are all visible, and the test programs look into libmutant.so before it: with
one file compiled anew in there, nothing else has to be built for a mutant."""
import json
import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor


class Failed(Exception):
    """A command has failed; the message is what it said."""


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", **more)
    if done.returncode:
        raise Failed("%s\n%s%s" % (" ".join(command[:4]) + " ...", done.stdout, done.stderr))
    return done.stdout


class Build:
    """Objects of the unchanged tree, and what it takes to compile and link one file in place of another."""

    def __init__(self, root, folder, jobs):
        self.root, self.folder, self.jobs = root, folder, jobs
        self.meson = os.path.join(folder, "meson")
        os.makedirs(folder, exist_ok=True)
        if not os.path.exists(os.path.join(self.meson, "build.ninja")):
            run(["meson", "setup", self.meson, root, "-Dbuildtype=plain", "-Dexamples=false"])
        else:
            run(["meson", "setup", "--reconfigure", self.meson, root])
        self.read_commands()
        self.read_targets()
        self.newest_header = max(os.path.getmtime(os.path.join(d, f)) for d, _, files in os.walk(root) if "/." not in d
                                 for f in files if f.endswith((".h", ".def")))  # fmt: skip

    # ---- What Meson knows ----

    def read_commands(self):
        """Flags of each source file, and of each vector width of the kernels, without optimization and warnings."""
        self.flags = {}
        with open(os.path.join(self.meson, "compile_commands.json")) as f:
            commands = json.load(f)
        for c in commands:
            path = os.path.relpath(os.path.join(c["directory"], c["file"]), self.root)
            width = re.search(r"kernels_(\w+)\.a", c["output"])
            words = shlex.split(c["command"])
            keep = []
            for word in words:
                if re.match(r"-(I|isystem|D|std|m|f|U|pthread)", word) and not word.startswith("-fvisibility"):
                    word = re.sub(r"^(-I|-isystem)(?!/)", lambda m: m.group() + c["directory"] + "/", word)
                    keep.append(word)
            self.compiler = [w for w in words[:2] if not w.startswith("-") and not w.endswith("ccache")]
            self.flags[path, width.group(1) if width else ""] = keep + ["-fPIC", "-w", "-I" + self.root]

    def read_targets(self):
        info = lambda name: json.load(open(os.path.join(self.meson, "meson-info", "intro-%s.json" % name)))
        targets = {t["filename"][0]: t for t in info("targets") if t["type"] == "executable"}
        ninja = open(os.path.join(self.meson, "build.ninja")).read()
        self.tests, self.environment = {}, {}
        for t in info("tests"):
            program = targets.get(t["cmd"][0])
            if not program or not os.path.basename(t["cmd"][0]).startswith("test_"):
                continue
            sources = [os.path.relpath(s, self.root) for g in program["target_sources"] for s in g.get("sources", [])]
            self.tests[t["name"]] = sources
            self.environment = t["env"]
            relative = os.path.relpath(t["cmd"][0], self.meson)
            block = ninja[ninja.index("build %s:" % relative) :]
            libraries = re.search(r"LINK_ARGS = (.*)", block).group(1).replace("$:", ":")
            self.libraries = [w for w in shlex.split(libraries) if "libtapestry" not in w and not w.startswith("-Wl,-rpath-link")]
        self.environment = {**os.environ, **self.environment, "TAP_ISA": "generic", "TAP_SOURCE_ROOT": self.root}

    # ---- Compiling ----

    def compile(self, source, width, out, path=None, level="-O1", more=()):
        """Compiles path (default: the source itself) as the source is compiled."""
        path = path or os.path.join(self.root, source)
        run(self.compiler + list(more) + self.flags[source, width] + [level, "-c", path, "-o", out])

    def link(self, objects, out, libraries=()):
        run(self.compiler + ["-shared", "-o", out, "-Wl,-soname," + os.path.basename(out)] + objects + list(libraries))

    def object(self, source, width):
        return os.path.join(self.folder, "objects", width, source.replace("/", "_") + ".o")

    def widths(self, source):
        return [w for s, w in self.flags if s == source]

    def library_sources(self):
        return [key for key in self.flags if not key[0].startswith(("tests/", "examples/"))]

    def prepare(self):
        """Everything that does not change."""
        programs = {s for sources in self.tests.values() for s in sources}
        wanted = self.library_sources() + [(s, "") for s in programs]
        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(lambda key: self.refresh(*key), wanted))
            self.plain = os.path.join(self.folder, "plain")
            self.library = os.path.join(self.plain, "libtapestry.so")
            os.makedirs(self.plain, exist_ok=True)
            self.link([self.object(*key) for key in self.library_sources()], self.library, self.libraries)
            self.link([], os.path.join(self.plain, "libmutant.so"))
            list(pool.map(self.link_test, self.tests))

    def refresh(self, source, width):
        out = self.object(source, width)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        age = max(os.path.getmtime(os.path.join(self.root, source)), self.newest_header)
        if not os.path.exists(out) or os.path.getmtime(out) < age:
            self.compile(source, width, out, level="-O0" if width not in ("", "generic") else "-O1")

    def program(self, test):
        return os.path.join(self.folder, "programs", "test_" + test.replace("/", "_"))

    def link_test(self, test):
        os.makedirs(os.path.join(self.folder, "programs"), exist_ok=True)
        self.link_program([self.object(s, "") for s in self.tests[test]], self.program(test))

    def link_program(self, objects, out):
        first = ["-Wl,--no-as-needed", os.path.join(self.plain, "libmutant.so"), self.library]
        run(self.compiler + ["-fopenmp", "-o", out] + objects + first + self.libraries)

    def compile_plain(self, path, out):
        run(self.compiler + ["-fPIC", "-O1", "-c", path, "-o", out])
