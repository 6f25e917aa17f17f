#!/usr/bin/python3
"""Runs fuzz/oss-fuzz/build.sh as OSS-Fuzz does, and checks what it makes as OSS-Fuzz does.

Arguments: sanitizers.  The variables and flags are those of its base-builder and base-runner images
(google/oss-fuzz, infra/base-images), the thresholds those of its bad_build_check.
"""

import configparser
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

SANITIZER_FLAGS = {
    "address": "-fsanitize=address -fsanitize-address-use-after-scope",
    "undefined": "-fsanitize=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,"
                 "object-size,return,returns-nonnull-attribute,shift,signed-integer-overflow,"
                 "unsigned-integer-overflow,unreachable,vla-bound,vptr "
                 "-fno-sanitize-recover=array-bounds,bool,builtin,enum,function,"
                 "integer-divide-by-zero,null,object-size,return,returns-nonnull-attribute,shift,"
                 "signed-integer-overflow,unreachable,vla-bound,vptr",
    "coverage": "",
}
FUZZER_FLAGS = "-fsanitize=fuzzer-no-link"
COVERAGE_FLAGS = ("-fprofile-instr-generate -fcoverage-mapping -pthread -Wl,--no-as-needed "
                  "-Wl,-ldl -Wl,-lm -Wno-unused-command-line-argument")
CFLAGS = ("-O1 -fno-omit-frame-pointer -gline-tables-only "
          "-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION")
# What a process of the runner sees before the .options of a target are added.
RUNNER = {
    "ASAN_OPTIONS": "alloc_dealloc_mismatch=0:allocator_may_return_null=1:detect_leaks=1:"
                    "detect_odr_violation=2:detect_stack_use_after_return=0:handle_abort=2:"
                    "handle_segv=2:handle_sigill=2:strict_memcmp=1:symbolize=1:use_sigaltstack=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:silence_unsigned_overflow=1:symbolize=1",
}
LEAST_EDGES, LEAST_ASAN_CALLS, LEAST_UBSAN_CALLS, MOST_UBSAN_CALLS = 100, 1000, 168, 200
RUNS = 100
TMP = os.environ["TEST_TMPDIR"]
COMPILER = """#!/bin/sh
printf '%%s\\n' "$*" >> %s
exec /usr/bin/%s-19 "$@"
"""
MISSING = [tool for tool in ("clang-19", "clang++-19", "llvm-objdump-19")
           if not shutil.which(tool)]


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", **more)


class Build:
    """A build for one sanitizer, below a folder of its own."""

    def __init__(self, sanitizer):
        self.sanitizer = sanitizer
        self.root = tempfile.mkdtemp(dir=TMP)
        self.source = os.path.join(self.root, "src", "stacklab")
        self.out = os.path.join(self.root, "out")
        self.calls = os.path.join(self.root, "calls")
        # As the Dockerfiles do it: copied, and a link in $SRC.
        for folder in "runtime", "fuzz":
            shutil.copytree(folder, os.path.join(self.source, folder))
        script = os.path.join(self.root, "src", "build.sh")
        os.symlink("stacklab/fuzz/oss-fuzz/build.sh", script)
        for name in "clang", "clang++":
            path = os.path.join(self.root, name)
            with open(path, "w") as f:
                f.write(COMPILER % (self.calls, name))
            os.chmod(path, 0o755)
        flags = [CFLAGS, SANITIZER_FLAGS[sanitizer],
                 COVERAGE_FLAGS if sanitizer == "coverage" else FUZZER_FLAGS]
        self.environment = {
            "PATH": os.environ["PATH"], "SRC": os.path.join(self.root, "src"), "OUT": self.out,
            "WORK": os.path.join(self.root, "work"), "CC": os.path.join(self.root, "clang"),
            "CXX": os.path.join(self.root, "clang++"), "CFLAGS": " ".join(filter(None, flags)),
            "CXXFLAGS": " ".join(filter(None, flags)), "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer",
            "SANITIZER": sanitizer, "FUZZING_ENGINE": "libfuzzer", "ARCHITECTURE": "x86_64",
            "FUZZING_LANGUAGE": "c"}
        os.mkdir(self.environment["WORK"])
        os.mkdir(self.out)

    def run(self, **changes):
        environment = {**self.environment, **changes}
        # `compile` runs it so, in the image's working directory.
        return run(["bash", "-eu", os.path.join(self.root, "src", "build.sh")], cwd=self.source,
                   env={name: value for name, value in environment.items() if value is not None})


def options_of(fuzzer):
    """(arguments, environment) of a target, as parse_options.py and run_fuzzer make them."""
    parser = configparser.ConfigParser()
    with open(fuzzer + ".options") as f:
        parser.read_file(f)
    environment = {"PATH": os.environ["PATH"], **RUNNER,
                   "ASAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-19"}
    for section in "asan", "ubsan":
        if parser.has_section(section):
            environment[section.upper() + "_OPTIONS"] += "".join(
                ":%s=%s" % item for item in parser[section].items())
    arguments = ["-%s=%s" % item for item in parser["libfuzzer"].items()]
    if os.path.exists(fuzzer + ".dict"):
        arguments.append("-dict=" + fuzzer + ".dict")
    return arguments, environment


def find_targets(folder):
    """Programs that OSS-Fuzz takes for fuzz targets."""
    targets = []
    for path in sorted(glob.glob(os.path.join(folder, "*"))):
        with open(path, "rb") as f:
            content = f.read()
        if os.access(path, os.X_OK) and content[:4] == b"\x7fELF" and \
                b"LLVMFuzzerTestOneInput" in content:
            targets.append(path)
    return targets


def bad_build(fuzzer, sanitizer, arguments=(), environment=None):
    """What bad_build_check would complain of; None if of nothing."""
    command = [fuzzer, "-seed=1337", "-runs=4"] + list(arguments)
    ran = run(command, env=environment, cwd=os.path.dirname(fuzzer))
    if "ERROR: no interesting inputs were found. Is the code instrumented" in ran.stdout:
        return "no instrumentation"
    edges = re.search(r"INFO: Loaded \d+ module.*\(.*(?:counters|guards)\): (\d+)", ran.stdout)
    if sanitizer != "coverage" and not edges:
        return "no edges:\n" + ran.stdout
    if edges and int(edges[1]) < LEAST_EDGES:
        return "%s edges" % edges[1]
    if "Done 4 runs" not in ran.stdout:
        return "it does not start:\n" + ran.stdout
    code = run(["llvm-objdump-19", "-d", "--no-show-raw-insn", fuzzer]).stdout
    asan, msan, ubsan = (len(re.findall(r"callq?\s+0x[0-9a-f]+ <__%s" % name, code))
                         for name in ("asan", "msan", "ubsan"))
    limits = {"address": asan >= LEAST_ASAN_CALLS and ubsan <= MOST_UBSAN_CALLS,
              "undefined": asan == 0 and ubsan >= LEAST_UBSAN_CALLS, "coverage": asan == 0}
    if msan > 3 or not limits[sanitizer]:
        return "calls: %d to ASan, %d to MSan, %d to UBSan" % (asan, msan, ubsan)
    with open(fuzzer, "rb") as f:
        machine = f.read(20)[18:]
    return None if machine == b"\x3e\0" else "not for x86-64"


@unittest.skipIf(MISSING, "no " + " ".join(MISSING))
class OssFuzz(unittest.TestCase):
    sanitizers = []

    def test_builds(self):
        for sanitizer in self.sanitizers:
            with self.subTest(sanitizer):
                self.check(Build(sanitizer))

    def check(self, build):
        built = build.run()
        self.assertEqual(built.returncode, 0, built.stdout[-4000:])
        # OSS-Fuzz checks elsewhere than where it was built, so that no path is relied on.
        moved = os.path.join(build.root, "not-out")
        os.rename(build.out, moved)
        sources = [os.path.basename(path)[:-2] for path in glob.glob("fuzz/*_fuzz.c")]
        targets = find_targets(moved)
        self.assertEqual([os.path.basename(path) for path in targets], sorted(sources))
        self.assertGreater(len(targets), 5)
        self.check_compilers(build, len(targets))
        for fuzzer in targets:
            with self.subTest(os.path.basename(fuzzer)):
                self.check_target(fuzzer, build)
        if build.sanitizer == "coverage":
            self.check_coverage(build, moved, targets)

    def check_compilers(self, build, ntargets):
        """Every flag reached every compiler, and the engine each link."""
        with open(build.calls) as f:
            calls = f.read().split("\n")[:-1]
        links = [call for call in calls if " -o %s/" % build.out in call]
        self.assertEqual(len(links), ntargets)
        for call in links:
            self.assertIn(" -fsanitize=fuzzer ", call)
        self.assertGreater(len(calls), 50)
        for call in calls:
            self.assertTrue(call.startswith(build.environment["CFLAGS"]), call)

    def check_target(self, fuzzer, build):
        arguments, environment = options_of(fuzzer)
        environment["LLVM_PROFILE_FILE"] = fuzzer + ".profraw"
        self.assertIsNone(bad_build(fuzzer, build.sanitizer, arguments, environment))
        corpus = fuzzer + "_corpus"
        with zipfile.ZipFile(fuzzer + "_seed_corpus.zip") as seeds:
            seeds.extractall(corpus)
        name = os.path.basename(fuzzer)[:-len("_fuzz")]
        self.assertEqual(sorted(os.listdir(corpus)), sorted(os.listdir("fuzz/corpus/" + name)))
        self.assertEqual(os.path.exists(fuzzer + ".dict"), os.path.exists("fuzz/%s.dict" % name))
        ran = run([fuzzer, "-runs=%d" % RUNS, "-rss_limit_mb=2560", "-timeout=25", corpus] +
                  arguments, env=environment, cwd=os.path.dirname(fuzzer))
        self.assertEqual(ran.returncode, 0, ran.stdout[-4000:])
        done = re.search(r"Done (\d+) runs", ran.stdout)
        self.assertTrue(done and int(done[1]) >= RUNS, ran.stdout[-2000:])

    def check_coverage(self, build, folder, targets):
        data = os.path.join(folder, "all.profdata")
        raw = glob.glob(os.path.join(folder, "*.profraw"))
        self.assertEqual(len(raw), len(targets))
        merged = run(["llvm-profdata-19", "merge", "-sparse", "-o", data] + raw)
        self.assertEqual(merged.returncode, 0, merged.stdout)
        command = ["llvm-cov-19", "report", "-instr-profile=" + data, targets[0]]
        for target in targets[1:]:
            command += ["-object", target]
        report = run(command, cwd=build.source).stdout
        lines = re.search(r"runtime/stack/copystack\.c .*", report)
        self.assertTrue(lines and " 0.00%" not in lines[0], report)

    def test_says_what_it_cannot_do(self):
        build = Build("address")
        self.addCleanup(shutil.rmtree, build.root)
        for change, word in (({"OUT": None}, "OUT"), ({"ARCHITECTURE": "i386"}, "i386"),
                             ({"SANITIZER": "memory"}, "memory"), ({"CXX": ""}, "CXX")):
            refused = build.run(**change)
            self.assertEqual(refused.returncode, 1, refused.stdout)
            self.assertRegex(refused.stdout, r"^fuzz/oss-fuzz/build\.sh: .*\b%s\b.*\n$" % word)
        self.assertEqual(os.listdir(build.out), [])

    def test_compiler_that_fails_is_noticed(self):
        build = Build("address")
        self.addCleanup(shutil.rmtree, build.root)
        with open(os.path.join(build.source, "fuzz", "timers_fuzz.c"), "a") as f:
            f.write("#error planted\n")
        self.assertNotEqual(build.run(CFLAGS="-fsyntax-only").returncode, 0)

    def test_bad_builds_are_noticed(self):
        """This program's own checks: a target without instrumentation, and with the wrong one."""
        source, fuzzer = os.path.join(TMP, "bad.c"), os.path.join(TMP, "bad_fuzz")
        with open(source, "w") as f:
            f.write("#include <stddef.h>\nint LLVMFuzzerTestOneInput(const char *d, size_t n) "
                    "{ return n > 3 && d[0] == 'x' ? 0 : 0; }\n")
        for flags, sanitizer, complaint in (
                ("-fsanitize=fuzzer", "address", "edges"),
                ("-fsanitize=fuzzer", "undefined", "edges"),
                ("", "coverage", "does not start")):
            clang = run(["clang++-19", "-x", "c", source, "-o", fuzzer] + flags.split() +
                        ([] if flags else ["-Dmain=x", "-shared"]))
            self.assertEqual(clang.returncode, 0, clang.stdout)
            self.assertIn(complaint, bad_build(fuzzer, sanitizer) or "")


if __name__ == "__main__":
    OssFuzz.sanitizers = sys.argv[1:] or ["address"]
    if MISSING:
        print("SKIPPED: no " + " ".join(MISSING))
    unittest.main(argv=sys.argv[:1], verbosity=2)
