#!/usr/bin/python3
"""tools/ratios: judging and refusing, on results made up here."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tools"))


class Ratios(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # It has no .py in its name.
        cls.path = os.path.join(ROOT, "tools", "ratios")
        loader = importlib.machinery.SourceFileLoader("ratios", cls.path)
        cls.ratios = importlib.util.module_from_spec(
            importlib.util.spec_from_loader("ratios", loader))
        loader.exec_module(cls.ratios)

    def run_ratios(self, *arguments, **env):
        done = subprocess.run([self.path, *arguments], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env or None)
        self.assertEqual(done.stdout, b"")
        self.assertEqual(done.returncode, 1)
        return done.stderr.decode()

    def test_go_is_the_measure_of_its_own_rounds(self):
        goals = self.ratios.GO_GOALS[:2]
        times = [(50, 100), (20, 100), (30, 100)]
        rounds = [{key: ns for _, program, name, base, _ in goals[:1]
                   for key, ns in (((program, name), c), (base[0], go))} for c, go in times]
        quick, unknown = self.ratios.judge(rounds, goals)
        self.assertEqual((quick["median"], quick["quartiles"], quick["met"]),
                         (0.3, [0.2, 0.5], True))
        self.assertIn("not measured", unknown["error"])
        slow = self.ratios.judge([{key: 1 for key in rounds[0]}], goals)[0]
        self.assertFalse(slow["met"])

    def test_a_star_is_every_benchmark_of_that_name(self):
        goals = [("one", "p", "BM_A/2", [], 1), ("spawn (*)", "p", "BM_B/*", [("p", "BM_A/2")], 2),
                 ("none (*)", "p", "BM_C/*", [], 3)]
        found = list(self.ratios.each_of(goals, lambda program: ["BM_A/2", "BM_B/x", "BM_B/y+z"]))
        self.assertEqual(found, [goals[0], ("spawn (x)", "p", "BM_B/x", [("p", "BM_A/2")], 2),
                                 ("spawn (y+z)", "p", "BM_B/y+z", [("p", "BM_A/2")], 2), goals[2]])
        row = self.ratios.judge([], found)[-1]
        self.assertIn("not measured", row["error"])

    def test_each_benchmark_has_its_counterpart_next_to_it(self):
        work = self.ratios.jobs("go", self.ratios.GO_GOALS)
        self.assertEqual([program == "go" for program, _ in work],
                         [False, True] * len(self.ratios.GO_GOALS))
        for (_, ours), (_, go) in zip(work[::2], work[1::2]):
            self.assertEqual(ours[0].split("/iter")[0].split("/real")[0][-1], go[0][-1])

    def test_a_missing_go_is_named_in_one_line(self):
        said = self.run_ratios("--against", "go", PATH=os.path.join(HERE, "nowhere"))
        self.assertEqual(len(said.splitlines()), 1)
        self.assertIn("apt-get install golang-go", said)

    def test_bad_arguments_are_one_line(self):
        for arguments in (["--rounds", "0"], ["--against", "c"], ["--nonsense"]):
            self.assertEqual(len(self.run_ratios(*arguments).splitlines()), 1, arguments)


if __name__ == "__main__":
    unittest.main(verbosity=1)
