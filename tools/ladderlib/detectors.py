"""What may see a planted bug, and one look at it.

    test            suites of //tests, in random order, without sanitizers
    asan ubsan tsan the same under that --config; ubsan not for bugs of lifetime, tsan for no others
    replay          the committed corpora of the fuzz targets, with AddressSanitizer and UBSan
    fuzz:TARGET     libFuzzer, from an empty corpus, with the target's dictionary
    afl:TARGET      AFL++, from an input of one byte; only where asked for
    proof           tests/proof, of bugs in the sources that it proves

A detector is a list of parts, each a program that runs until it fails, ends, or is out of time.
"""

import os
import re
import shutil
import sys
from dataclasses import dataclass

from comparelib import child
from comparelib.plan import BadInput

CONFIGS = {"test": (), "asan": ("asan",), "ubsan": ("ubsan",), "tsan": ("tsan",)}
# Where they have nothing to see: one thread, and no arithmetic.
IDLE = {"tsan": ("words", "bounds", "registers"), "ubsan": ("lifetime",)}
ENGINES = {"fuzz": ("asan", "fuzzer", "ubsan"), "afl": ("asan", "afl", "ubsan")}
KINDS = (*CONFIGS, "replay", "fuzz", "proof", "afl")
SEEDLESS = ("replay", "proof")  # always the same: once is enough
USUAL = tuple(kind for kind in KINDS if kind != "afl")

PROVED = re.compile(r"runtime/stack/(adjustwords|copybounds|fault)\.[ch]")
PROOF_SECONDS = 600
# As it judges its own mutants: the functions of these files, with a tight limit for each goal.
PROVE = """
import sys, tempfile, proof
functions = {mutant[1] for mutant in proof.read_mutants() if mutant[0] in sys.argv[1:]}
with tempfile.TemporaryDirectory() as folder:
    frama = proof.Frama(proof.lay_out(folder))
    left = proof.unproved(frama.prove(proof.MUTANT_SECONDS, "-wp-fct", ",".join(functions))[0])
print("\\n".join("NOT PROVED: " + goal for goal in left))
sys.exit(bool(left))
"""

# What a program says of its failure, the most telling first.
SAID = (r"^NOT PROVED: .*", r"^(?:{item}): .*", r"^stacklab: .*", r".*runtime error: .*",
        r"^SUMMARY: (?!libFuzzer).*", r"^\S+:\d+: Failure$", r"^SUMMARY: .*",
        r"^FATAL: .*")
GRACE_SECONDS = 15  # after which a fuzzer that should have ended by itself hangs


@dataclass(frozen=True)
class Part:
    detector: str
    item: str          # suite, fuzz target, or what is proved
    program: str       # as scratch.declare knows it; "" where there is none
    label: str
    features: tuple


@dataclass(frozen=True)
class Ran:
    status: str        # "found", "silent", or "cut": out of time
    seconds: float
    says: str


def matches(detector, asked):
    """Whether --detectors names it, or its kind."""
    return detector in asked or detector.split(":")[0] in asked


def suite_parts(config, suites, rules):
    return [Part(config, suite, "%s_%s" % (config, name), "//tests:" + name, CONFIGS[config])
            for suite, name in ((suite, suite.split(":")[0]) for suite in suites)
            if "no" + config not in rules["//tests:" + name]["tags"]]


def fuzz_part(detector, engine, target):
    binary = "//fuzz:%s_%s" % (target, "afl_bin" if engine == "afl" else "bin")
    return Part(detector, target, "%s_%s" % (engine, target), binary, ENGINES[engine])


def parts_for(patch, asked, rules, tree):
    """Returns {detector: its parts} of those that may see the patch and were asked for."""
    found = {config: suite_parts(config, patch.suites, rules) for config in CONFIGS
             if patch.tier not in IDLE.get(config, ())}
    found["replay"] = [fuzz_part("replay", "fuzz", target) for target in patch.fuzz]
    for engine in ENGINES:
        for target in patch.fuzz:
            name = "%s:%s" % (engine, target)
            found[name] = [fuzz_part(name, engine, target)]
    proved = [os.path.basename(file) for file in patch.files if PROVED.fullmatch(file)]
    if proved and not why_no_proof(tree):
        found["proof"] = [Part("proof", " ".join(proved), "", "", ())]
    return {name: parts for name, parts in found.items() if parts and matches(name, asked)}


def why_no_proof(tree):
    """Why the proof cannot be run, or None."""
    if not os.path.exists(os.path.join(tree, "tests", "proof", "proof.py")):
        return "there is no tests/proof"
    absent = [tool for tool in ("frama-c", "why3", "z3", "cvc4") if not shutil.which(tool)]
    return "no %s here: tools/setup --for proof installs it" % ", ".join(absent) if absent else None


def test_env(tree):
    """What .bazelrc has tests find in their environment."""
    with open(os.path.join(tree, ".bazelrc"), encoding="utf-8") as f:
        return dict(re.findall(r"^build --test_env=(\w+)=(.*)$", f.read(), re.M))


def last_words(outcome, item):
    text = outcome.stderr + "\n" + outcome.stdout
    for pattern in SAID:
        found = re.search(pattern.format(item=re.escape(item)), text, re.M)
        if found:
            return found[0].strip()[:160]
    return "signal %d" % -outcome.code if outcome.code < 0 else "status %d" % outcome.code


class Runner:
    """Runs parts in the scratch tree; `rules` is what scratch.query says of the suites."""

    def __init__(self, tree, tmp, rules):
        self.tree, self.tmp, self.rules = tree, tmp, rules
        self.env = dict({"HOME": tmp, "LANG": "C.UTF-8", "PATH": os.environ["PATH"],
                         "TEST_TMPDIR": os.path.join(tmp, "run")}, **test_env(tree))

    def run(self, part, program, limit, seed):
        """One part for `limit` seconds at most."""
        room = os.path.join(self.tmp, "run")
        shutil.rmtree(room, ignore_errors=True)
        os.makedirs(room)
        how = {"replay": self.replay, "fuzz": self.fuzz, "afl": self.afl, "proof": self.proof}
        return how.get(part.detector.split(":")[0], self.suite)(part, program, limit, seed, room)

    def call(self, part, argv, limit, **env):
        outcome = child.run(argv, limit, dict(self.env, **env), self.tree)
        status = "cut" if outcome.timed_out else "found" if outcome.code else "silent"
        says = last_words(outcome, part.item) if status == "found" else ""
        return Ran(status, outcome.seconds, says)

    def suite(self, part, program, limit, seed, _room):
        rule = self.rules[part.label]
        cases = ["--gtest_filter=" + part.item.split(":", 1)[1]] if ":" in part.item else []
        return self.call(part, [program, "--gtest_brief=1", *rule["args"], *cases,
                                "--gtest_break_on_failure", "--gtest_shuffle",
                                "--gtest_random_seed=%d" % seed], limit, **rule["env"])

    def replay(self, part, program, limit, _seed, room):
        corpus = os.path.join(self.tree, "fuzz", "corpus", part.item)
        inputs = [os.path.join(corpus, name) for name in sorted(os.listdir(corpus))]
        return self.call(part, [program, "-artifact_prefix=%s/" % room, *inputs], limit)

    def words(self, target):
        path = os.path.join(self.tree, "fuzz", target + ".dict")
        return [path] if os.path.exists(path) else []

    def fuzz(self, part, program, limit, seed, room):
        empty = os.path.join(room, "corpus")
        os.makedirs(empty)
        argv = [program, "-seed=%d" % seed, "-max_total_time=%d" % limit,
                "-timeout=%d" % min(10, max(1, limit // 2)), "-artifact_prefix=%s/" % room]
        argv += ["-dict=" + path for path in self.words(part.item)]
        # Names of functions take a second, which is not the fuzzer's.
        ran = self.call(part, argv + [empty], limit + GRACE_SECONDS,
                        ASAN_OPTIONS=self.env.get("ASAN_OPTIONS", "") + ":symbolize=0",
                        UBSAN_OPTIONS=self.env.get("UBSAN_OPTIONS", "") + ":symbolize=0")
        return Ran("found", ran.seconds, "hangs") if ran.status == "cut" else ran

    def afl(self, part, program, limit, seed, room):
        seeds, out = os.path.join(room, "seeds"), os.path.join(room, "afl")
        os.makedirs(seeds)
        with open(os.path.join(seeds, "byte"), "wb") as f:
            f.write(b"0")
        argv = ["afl-fuzz", "-V", "%d" % limit, "-s", "%d" % seed, "-i", seeds, "-o", out]
        argv += ["-t", "5000"] + [word for path in self.words(part.item) for word in ("-x", path)]
        ran = self.call(part, argv + ["--", program], limit + GRACE_SECONDS,
                        ASAN_OPTIONS="use_sigaltstack=0:abort_on_error=1:symbolize=0:"
                        "detect_leaks=0", UBSAN_OPTIONS="abort_on_error=1:symbolize=0",
                        MSAN_OPTIONS="exit_code=86:symbolize=0",  # or afl-fuzz refuses
                        AFL_SKIP_CPUFREQ="1", AFL_NO_UI="1", AFL_NO_AFFINITY="1",
                        AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="1", AFL_BENCH_UNTIL_CRASH="1")
        crashes = os.path.join(out, "default", "crashes")
        if not os.path.isdir(crashes):
            raise BadInput("afl-fuzz does not start: " + (ran.says or "no output"))
        found = any(name.startswith("id:") for name in os.listdir(crashes))
        return Ran("found" if found else "silent", ran.seconds, "a crash" if found else "")

    def proof(self, part, _program, limit, _seed, _room):
        return self.call(part, [sys.executable, "-B", "-c", PROVE, *part.item.split()],
                         max(limit, PROOF_SECONDS), PYTHONPATH=os.path.join("tests", "proof"))


HANG = 3  # times as long as without the bug, and still not at its end


def look(runner, programs, parts, limit, seed, usual):
    """Runs the parts one after the other until one fails; returns {"found", "seconds", "by",
    "says"}.  `usual` is {(detector, item): seconds} of those that end without a bug: one that does
    not come to its end now has found it by hanging."""
    spent = 0.0
    for part in parts:
        left = limit - spent
        ran = runner.run(part, programs.get(part.program), left, seed)
        if ran.status == "cut":
            took = usual.get((part.detector, part.item))
            hangs = took is not None and HANG * took <= left
            ran = Ran("found" if hangs else "cut", ran.seconds, "hangs" if hangs else ran.says)
        spent += ran.seconds
        if ran.status == "found":
            return {"found": True, "seconds": round(spent, 3), "by": part.item, "says": ran.says}
        if ran.status == "cut":
            return {"found": False, "seconds": round(spent, 3), "by": part.item,
                    "says": ran.says or "out of time"}
    return {"found": False, "seconds": round(spent, 3), "by": "", "says": ""}
