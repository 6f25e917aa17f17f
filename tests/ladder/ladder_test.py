#!/usr/bin/python3
"""tools/ladder: the planted bugs against the tree as it is, and the arithmetic on made-up runs."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tools"))

from ladderlib import detectors, ladder, patches, scratch, score  # noqa: E402

FOLDER = os.path.join(ROOT, "fuzz", "ladder")
GOOD = """tier: words
what: a mistake
suites: a_test b_test:C.*
fuzz: x
must: test fuzz:x
---
--- a/runtime/y.c
+++ b/runtime/y.c
@@ -1 +1 @@
-a
+b
"""


class Planted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.planted, cls.wrong = patches.read_all(FOLDER)

    def test_headers_are_complete(self):
        self.assertEqual(self.wrong, [])

    def test_there_are_enough_in_each_tier(self):
        self.assertGreaterEqual(len(self.planted), 34)
        for tier in patches.TIERS:
            self.assertGreaterEqual(sum(p.tier == tier for p in self.planted), 8, tier)

    def test_they_are_in_many_places(self):
        self.assertGreaterEqual(len({file for p in self.planted for file in p.files}), 20)

    def test_each_applies_to_the_tree_as_it_is(self):
        for patch in self.planted:
            with tempfile.TemporaryDirectory() as copy:
                for file in patch.files:  # links become files, which patch(1) wants
                    os.makedirs(os.path.dirname(os.path.join(copy, file)), exist_ok=True)
                    shutil.copy(os.path.join(ROOT, file), os.path.join(copy, file))
                self.assertIsNone(patches.apply(patch, copy), patch.name)
                self.assertIsNone(patches.apply(patch, copy, "-R"), patch.name)
                for file in patch.files:
                    with open(os.path.join(copy, file)) as after, \
                            open(os.path.join(ROOT, file)) as before:
                        self.assertEqual(after.read(), before.read(), patch.name)

    def test_suites_and_targets_are_there(self):
        for patch in self.planted:
            for suite in patch.suites:
                source = suite.split(":")[0].replace("_threads", "").replace("_seeds", "") + ".cc"
                self.assertTrue(os.path.exists(os.path.join(ROOT, "tests", source)), suite)
            for target in patch.fuzz:
                self.assertTrue(os.path.exists(os.path.join(ROOT, "fuzz", target + "_fuzz.c")))

    def test_a_patch_that_does_not_fit_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "words-x.patch")
            with open(path, "w") as f:
                f.write(GOOD)
            os.makedirs(os.path.join(folder, "runtime"))
            with open(os.path.join(folder, "runtime", "y.c"), "w") as f:
                f.write("c\n")
            self.assertIn("FAILED", patches.apply(patches.parse(path, GOOD)[0], folder))


class Headers(unittest.TestCase):
    def wrong(self, old, new, path="words-x.patch"):
        return patches.parse(path, GOOD.replace(old, new))[1]

    def test_a_good_one(self):
        patch, wrong = patches.parse("/a/words-x.patch", GOOD)
        self.assertEqual(wrong, [])
        self.assertEqual((patch.name, patch.tier, patch.suites, patch.fuzz),
                         ("words-x", "words", ("a_test", "b_test:C.*"), ("x",)))
        self.assertEqual((patch.must, patch.files), (("test", "fuzz:x"), ("runtime/y.c",)))

    def test_mistakes_are_named(self):
        self.assertEqual(self.wrong("what: a mistake\n", ""), ["no what"])
        self.assertEqual(self.wrong("fuzz: x\n", ""),
                         ["fuzz:x must see it, and is not in its fuzz:"])
        self.assertEqual(self.wrong("must: test", "must: tset"), ["not a detector: tset"])
        self.assertEqual(self.wrong("tier: words", "tier: bounds"),
                         ["its name does not begin with its tier"])
        self.assertEqual(self.wrong("what:", "whta:"),
                         ["not a line of a header: whta: a mistake", "no what"])
        self.assertIn("changes nothing", self.wrong("+++ b/runtime/y.c", "+++ y.c"))
        self.assertIn("no line --- after the header", self.wrong("\n---\n", "\n"))


def runs(*seconds):
    return [{"found": s is not None, "seconds": 10 if s is None else s, "by": "", "says": ""}
            for s in seconds]


def made_up():
    def entry(name, must, **by_detector):
        return {"name": name, "tier": name.split("-")[0], "what": "", "files": [], "key": "",
                "must": must, "build_seconds": 1,
                "detectors": {k.replace("_", ":"): v for k, v in by_detector.items()}}

    return {"limit": 10, "seeds": 3, "patches": [
        entry("words-a", ["test"], test=runs(1, 2, 3), asan=runs(2, 4, 6),
              fuzz_x=runs(None, None, None), fuzz_y=runs(5, None, None)),
        entry("words-b", ["asan"], test=runs(None, None, None), asan=runs(None, None, 7),
              fuzz_x=runs(0.5, 0.25, None)),
        entry("bounds-c", ["test", "fuzz:x"], test=runs(None, None, None), asan=runs(1, 1, 1),
              fuzz_x=runs(None, None, None)),
        entry("lifetime-d", [], test=runs(None, None, None)),
    ]}


class Score(unittest.TestCase):
    def test_a12_is_how_often_the_one_is_quicker(self):
        self.assertEqual(score.a12([1, 2, 3], [4, 5, 6], 10), 1)
        self.assertEqual(score.a12([4, 5, 6], [1, 2, 3], 10), 0)
        self.assertEqual(score.a12([1, 2], [1, 2], 10), 0.5)
        self.assertEqual(score.a12([1, 3], [2, 2], 10), 0.5)
        self.assertAlmostEqual(score.a12([1, 2, 3], [2, 2, 9], 10), 6 / 9)

    def test_what_is_not_found_took_the_whole_limit(self):
        self.assertEqual(score.a12([None], [9.9], 10), 0)
        self.assertEqual(score.a12([None, None], [None, None], 10), 0.5)
        self.assertEqual(score.a12([None], [10.2], 10), 0.5)  # it ends a little late

    def test_the_median_is_of_detectors_that_mostly_find(self):
        self.assertEqual(score.median([1, 5, 2], 10), 2)
        self.assertEqual(score.median([1, 5, None], 10), 5)
        self.assertIsNone(score.median([1, None, None], 10))
        self.assertIsNone(score.median([1, None], 10))

    def test_of_several_targets_the_quickest_counts(self):
        kinds = score.by_kind(made_up()["patches"][0])
        self.assertEqual(kinds["fuzz"], [5, None, None])
        both = score.by_kind({"detectors": {"fuzz:x": runs(3, None), "fuzz:y": runs(2, 9)}})
        self.assertEqual(both["fuzz"], [2, 9])

    def test_the_mean_a12_is_over_bugs_that_both_have_seen(self):
        pairs = score.pairs(made_up())
        # words-a: 7 of 9 and one tie; words-b: three misses against two; bounds-c: never.
        self.assertEqual(pairs["test", "asan"][1], 3)
        self.assertAlmostEqual(pairs["test", "asan"][0], ((7 + 0.5) / 9 + 3 / 9 + 0) / 3)
        self.assertNotIn(("test", "proof"), pairs)

    def test_verdicts(self):
        said = score.verdicts(made_up())
        self.assertEqual(said["undetected"], ["lifetime-d"])
        self.assertEqual(said["missed"], {"bounds-c": ["test", "fuzz:x"]})
        self.assertEqual(said["only"], {"asan": ["bounds-c"]})
        self.assertEqual(said["suites_alone"], ["bounds-c"])
        self.assertEqual(said["fuzz_alone"], [])

    def test_who_must_see_it_and_was_not_run_has_not_missed_it(self):
        self.assertEqual(score.must_missed({"must": ["proof", "test"],
                                            "detectors": {"test": runs(1)}}), [])

    def test_the_matrix_as_text(self):
        text = score.render(made_up())
        lines = {line.split()[0]: line.split() for line in text.split("\n") if line.strip()}
        self.assertEqual(lines["words-a"], ["words-a", "2.0", "4.0", "5.0", "1/3", "x", "-,",
                                            "y", "5.0", "1/3"])
        self.assertEqual(lines["words-b"], ["words-b", "-", "7.0", "1/3", "0.50", "2/3", "x"])
        self.assertEqual(lines["lifetime-d"], ["lifetime-d", "-", ".", "."])
        self.assertIn("NOTHING SEES: lifetime-d", text)
        self.assertIn("MISSED: bounds-c by test fuzz:x", text)
        self.assertIn("Only asan sees: bounds-c", text)
        self.assertTrue(text.endswith("3 of 4 planted bugs found\n"))
        row = [line for line in text.split("\n") if line.startswith("word arithmetic")]
        self.assertEqual(row[0].split()[-4:], ["1/2", "2/2", "2/2", "2/2"])


def part(detector, item="t"):
    return detectors.Part(detector, item, "p_" + item, "//tests:" + item, ())


class Look(unittest.TestCase):
    def look(self, ran, usual=()):
        runner = types.SimpleNamespace(limits=[])

        def run(part_, _program, limit, _seed):
            runner.limits.append(limit)
            return detectors.Ran(*ran[part_.item])

        runner.run = run
        parts = [part("test", item) for item in ran]
        return detectors.look(runner, {}, parts, 10, 1, dict(usual)), runner.limits

    def test_the_time_is_that_of_all_parts_up_to_the_one_that_finds(self):
        seen, limits = self.look({"a": ("silent", 2, ""), "b": ("found", 3, "wrong"),
                                  "c": ("found", 1, "")})
        self.assertEqual(seen, {"found": True, "seconds": 5, "by": "b", "says": "wrong"})
        self.assertEqual(limits, [10, 8])

    def test_who_always_ended_and_does_not_has_found_something(self):
        cut = {"a": ("silent", 1, ""), "b": ("cut", 9, "")}
        self.assertEqual(self.look(cut, {("test", "b"): 3})[0],
                         {"found": True, "seconds": 10, "by": "b", "says": "hangs"})
        for usual in ({("test", "b"): 3.5}, {}, {("asan", "b"): 1}):
            self.assertFalse(self.look(cut, usual)[0]["found"], usual)

    def test_nothing(self):
        self.assertEqual(self.look({"a": ("silent", 1, ""), "b": ("silent", 2, "")})[0],
                         {"found": False, "seconds": 3, "by": "", "says": ""})


class Runner(unittest.TestCase):
    """Programs made up here, run for real."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        os.makedirs(os.path.join(self.folder, "fuzz", "corpus", "t"))
        for path, text in ((".bazelrc", "build --test_env=ASAN_OPTIONS=a=1\n"),
                           ("fuzz/t.dict", '"w"\n'), ("fuzz/corpus/t/one", "the one input")):
            with open(os.path.join(self.folder, path), "w") as f:
                f.write(text)
        self.runner = detectors.Runner(self.folder, self.folder, {
            "//tests:t": {"args": ["--of=build"], "env": {"KEY": "value"}, "tags": []}})

    def run_script(self, detector, script, limit=20, of=None):
        program = os.path.join(self.folder, "program")
        with open(program, "w") as f:
            f.write("#!/bin/sh\n" + script)
        os.chmod(program, stat.S_IRWXU)
        return self.runner.run(of or part(detector), program, limit, 7)

    def test_a_suite_gets_its_arguments_its_seed_and_its_environment(self):
        ran = self.run_script("test", 'echo "stacklab: $* $KEY $ASAN_OPTIONS"; exit 1')
        self.assertEqual(ran.status, "found")
        self.assertEqual(ran.says, "stacklab: --gtest_brief=1 --of=build "
                         "--gtest_break_on_failure --gtest_shuffle --gtest_random_seed=7 value a=1")

    def test_some_cases_of_a_suite(self):
        part_ = detectors.Part("test", "t:C.*:D.*", "", "//tests:t", ())
        ran = self.run_script("test", 'echo "stacklab: $3"; exit 1', of=part_)
        self.assertEqual(ran.says, "stacklab: --gtest_filter=C.*:D.*")

    def test_a_fuzzer_begins_with_nothing(self):
        ran = self.run_script("fuzz:t", 'for last; do :; done; echo "t: $1 $2 $(ls $last | wc -l)"'
                              '; echo "$*" | grep -q -- -dict=.*/t.dict; exit $((1 - $?))')
        self.assertEqual((ran.status, ran.says), ("found", "t: -seed=7 -max_total_time=20 0"))

    def test_a_replay_gets_the_corpus(self):
        ran = self.run_script("replay", 'for last; do :; done; echo "t: $(cat $last)"; exit 1')
        self.assertEqual(ran.says, "t: the one input")

    def test_ends(self):
        self.assertEqual(self.run_script("test", "exit 0").status, "silent")
        self.assertEqual(self.run_script("test", "sleep 60", 1).status, "cut")
        self.assertEqual(self.run_script("test", "kill -11 $$").says, "signal 11")
        self.assertEqual(self.run_script("test", "exit 3").says, "status 3")

    def test_the_most_telling_line_is_kept(self):
        says = self.run_script("fuzz:t", "echo 'SUMMARY: libFuzzer: deadly signal' >&2; "
                               "echo 't: two stacks overlap' >&2; exit 77").says
        self.assertEqual(says, "t: two stacks overlap")


class Climb(unittest.TestCase):
    """The whole way, but for Bazel and the programs."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.planted = []
        for name in ("words-a", "words-b"):
            path = os.path.join(self.folder, name + ".patch")
            with open(path, "w") as f:
                f.write(GOOD)
            self.planted.append(patches.parse(path, GOOD)[0])
        self.options = types.SimpleNamespace(out=self.folder, seconds=5, seeds=2, resume=False,
                                             detectors=["test", "tsan", "fuzz"])
        self.here = self.refused = None
        self.copy = types.SimpleNamespace(
            tree=ROOT, tmp=self.folder, build=lambda names: {}, declare=self.declare,
            plant=self.plant, take_out=self.take_out,
            query=lambda labels: {label: {"args": [], "env": {}, "tags": ["notsan"]}
                                  for label in labels})
        self.ran = []

    def declare(self, programs):
        self.declared = programs

    def plant(self, patch):
        if patch.name == self.refused:
            raise scratch.NotBuilt("does not apply: x")
        self.here = patch.name

    def take_out(self, patch):
        self.assertEqual(self.here in (patch.name, None), True)
        self.here = None

    def climb(self, sees):
        def run(_self, part_, _program, _limit, seed):
            self.ran.append((self.here, part_.detector, part_.item, seed))
            return detectors.Ran("found" if sees(self.here, part_) else "silent", 1, "wrong")

        with mock.patch.object(detectors.Runner, "run", run):
            return ladder.run(self.copy, self.planted, self.options, {}, lambda text: None)

    def test_each_detector_looks_at_each_bug_with_each_seed(self):
        document, errors = self.climb(lambda here, p: here == "words-a" and p.item == "b_test:C.*")
        self.assertEqual(errors, [])
        first, second = document["patches"]
        self.assertEqual(sorted(first["detectors"]), ["fuzz:x", "test"])  # both are notsan
        self.assertEqual(first["detectors"]["test"],
                         [{"found": True, "seconds": 2, "by": "b_test:C.*", "says": "wrong"}] * 2)
        self.assertFalse(second["detectors"]["test"][0]["found"])
        self.assertEqual(self.declared["fuzz_x"], ("//fuzz:x_bin", ("asan", "fuzzer", "ubsan")))
        self.assertEqual([r for r in self.ran if r[0] == "words-b"],
                         [("words-b", "test", "a_test", 1), ("words-b", "test", "b_test:C.*", 1),
                          ("words-b", "test", "a_test", 2), ("words-b", "test", "b_test:C.*", 2),
                          ("words-b", "fuzz:x", "x", 1), ("words-b", "fuzz:x", "x", 2)])

    def test_what_knows_no_seed_looks_once(self):
        self.options.detectors = ["replay", "fuzz"]
        document, _ = self.climb(lambda here, p: here)
        self.assertEqual([(name, len(seen)) for name, seen in
                          document["patches"][0]["detectors"].items()],
                         [("replay", 1), ("fuzz:x", 2)])

    def test_who_sees_a_bug_where_none_is_ends_it(self):
        document, errors = self.climb(lambda here, p: p.item == "x")
        self.assertEqual(errors, ["without a bug, fuzz:x x with seed %d: wrong" % seed
                                  for seed in (1, 2)])
        self.assertEqual((document["patches"], {r[0] for r in self.ran}), ([], {None}))

    def test_a_patch_that_does_not_apply_is_an_error_and_the_others_go_on(self):
        self.refused = "words-a"
        document, errors = self.climb(lambda here, p: here)
        self.assertEqual(errors, ["words-a: does not apply: x"])
        self.assertEqual([entry["name"] for entry in document["patches"]], ["words-b"])

    def test_resuming_measures_what_is_missing(self):
        self.refused = "words-b"
        self.climb(lambda here, p: here)
        self.refused, self.options.resume, self.ran = None, True, []
        document, _ = self.climb(lambda here, p: here)
        self.assertEqual({r[0] for r in self.ran}, {None, "words-b"})
        self.assertEqual([entry["name"] for entry in document["patches"]], ["words-a", "words-b"])
        with open(os.path.join(self.folder, "results.json")) as f:
            self.assertEqual(json.load(f), document)
        self.options.seconds, self.ran = 6, []
        self.climb(lambda here, p: here)
        self.assertEqual({r[0] for r in self.ran}, {None, "words-a", "words-b"})

    def test_copying_leaves_alone_what_is_the_same(self):
        source, to = os.path.join(self.folder, "s"), os.path.join(self.folder, "t")
        for name in ("a/x", "out/y", "bazel-made/z"):
            os.makedirs(os.path.join(source, os.path.dirname(name)), exist_ok=True)
            with open(os.path.join(source, name), "w") as f:
                f.write(name)
        os.symlink("a", os.path.join(source, "bazel-out"))
        os.makedirs(to)
        scratch.copy(source, to)
        self.assertEqual(set(scratch.sources(to)), {"a/x", "bazel-made/z"})
        os.utime(os.path.join(to, "a/x"), (1, 1))
        os.remove(os.path.join(source, "bazel-made/z"))
        scratch.copy(source, to)
        self.assertEqual(set(scratch.sources(to)), {"a/x"})
        self.assertEqual(os.stat(os.path.join(to, "a/x")).st_mtime, 1)


class Command(unittest.TestCase):
    def run_tool(self, *arguments):
        return subprocess.run([os.path.join(ROOT, "tools", "ladder"), *arguments], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)

    def test_bad_arguments_are_one_line_and_status_2(self):
        tree = os.path.dirname(os.path.dirname(os.path.realpath(
            os.path.join(ROOT, "tools", "ladder"))))
        for arguments in (["--seeds", "0"], ["-t", "x"], ["--detectors", "tset"], ["--nonsense"],
                          ["--only", "("], ["--scratch", os.path.join(tree, "x")]):
            done = self.run_tool(*arguments)
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())),
                             (2, "", 1), (arguments, done.stderr))

    def test_no_bug_of_that_name(self):
        done = self.run_tool("--only", "nothing-like-it")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "tools/ladder: no bug's name matches nothing-like-it\n"))

    def test_the_list(self):
        done = self.run_tool("--list", "--only", "^words-")
        names = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
        self.assertEqual(done.returncode, 0)
        self.assertGreaterEqual(len(names), 8)
        self.assertTrue(all(name.startswith("words-") for name in names))


if __name__ == "__main__":
    unittest.main(verbosity=1)
