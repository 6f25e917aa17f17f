#!/usr/bin/python3
"""tools/peers: what becomes of peers that crash, hang or are not installed, and the work itself."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OURS = os.path.join(ROOT, "bench", "peers", "stacklab")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tools"))

from comparelib import peers  # noqa: E402

# A peer that does what its variant is called, and all is well with a larger stack.
FAKE = """
import json, os, signal, sys, time
what = sys.argv[1:]
larger = what[0] == "--stack"
if larger:
    what = what[2:]
variant, measure, number = what[1], what[2], int(what[3])
if variant == "crashes" and not larger:
    os.kill(os.getpid(), signal.SIGSEGV)
if variant == "hangs":
    time.sleep(600)
if measure in ("parked", "used"):
    for line in "begun", "parked":
        print(line, flush=True)
        sys.stdin.readline()
        kept = bytearray(b"x" * (4 << 20))
    if measure == "used":
        kept = None
        print("shrunk", flush=True)
        sys.stdin.readline()
        print(json.dumps({"first_ns": 70, "again_ns": 30, "shrink_ns": 11.5}))
elif measure == "hot":
    print(json.dumps({"step": 1000, "ns_by_depth": [2.0] * 9 + [20.0]}))
elif measure == "deep":
    print(json.dumps({"first_ns": number, "second_ns": 5}))
else:
    print(json.dumps({"ns": 7.5}))
"""


class Judging(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        program = os.path.join(cls.folder.name, "fake")
        with open(program, "w", encoding="utf-8") as f:
            f.write("#!%s\n%s" % (sys.executable, FAKE))
        os.chmod(program, 0o755)
        cls.found = [peers.Peer(name, [program, "--variant", name]) for name in ("well", "crashes")]
        cls.found.append(peers.Peer("absent", None, "not installed: apt-get install absent"))
        rows = peers.measure(cls.found, 2)
        before = peers.TIMEOUT
        peers.TIMEOUT = 2  # for the one that hangs: Python alone may take that long to start
        try:
            rows += peers.measure([peers.Peer("hangs", [program, "--variant", "hangs"])], 2)
        finally:
            peers.TIMEOUT = before
        cls.rows = {row["name"]: row for row in rows}
        cls.text = "\n".join(peers.render({
            "peers": rows, "rounds": 2, "measures": [m[0] for m in peers.MEASURES]}))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_figures_are_those_that_were_printed(self):
        figures = self.rows["well"]["figures"]
        self.assertEqual((figures["create_ns"], figures["deep1m_first_ns"]), (7.5, 1 << 20))
        self.assertEqual((figures["hot_usual_ns"], figures["hot_worst_ns"]), (2.0, 20.0))
        self.assertEqual(figures["hot_depths"], 0.1)
        self.assertEqual(len(self.rows["well"]["samples"]["create_ns"]), 2)

    def test_memory_is_what_came_between_begun_and_parked(self):
        each = self.rows["well"]["figures"]["parked_total"] * 10000
        self.assertGreater(each, 3 << 20)
        self.assertLess(each, 12 << 20)

    def test_what_is_given_back_is_gone_afterwards(self):
        figures = self.rows["well"]["figures"]
        self.assertGreater((figures["used_total"] - figures["used_shrunk"]) * 5000, 3 << 20)
        self.assertEqual([figures["used_%s_ns" % what] for what in ("first", "again", "shrink")],
                         [70, 30, 11.5])
        self.assertNotIn("parked_shrunk", figures)

    def test_the_hot_split_is_the_worst_of_each_band_of_depths(self):
        # Depths 0 to 9,000; bands end at 4, 8, 16 KiB.
        figures = self.rows["well"]["figures"]
        self.assertEqual([figures.get("hot_below_%d_ns" % b) for b in peers.BANDS[:4]],
                         [2.0, 2.0, 20.0, None])
        self.assertEqual(peers.by_band(100 << 10, [1, 2, 3, 4]),
                         {4 << 10: 1, 128 << 10: 2, 256 << 10: 4})

    def test_the_spread_is_half_the_range_by_the_median(self):
        self.assertEqual(peers.spread([9, 10, 13]), 0.2)
        self.assertEqual(self.rows["well"]["spread"]["create_ns"], 0)
        row = {"notes": {}, "figures": {"create_ns": 40.0}, "spread": {"create_ns": 0.04}}
        self.assertEqual(peers.cell(row, peers.Column("", "create_ns")), "40 ns ±4%")

    def test_a_figure_that_a_peer_cannot_have_is_no_crash(self):
        row = {"notes": {"used": "crashes: SIGSEGV"}, "spread": {}, "figures": {"used_total": 2048}}
        cells = [peers.cell(row, column) for column in peers.TABLES[1].columns]
        self.assertEqual(cells, ["2 KiB*", "-", "-", "-", "-"])
        row["figures"] = {}
        self.assertEqual(peers.cell(row, peers.TABLES[1].columns[0]), "crashes")

    def test_a_crash_is_noted_and_tried_with_a_larger_stack(self):
        row = self.rows["crashes"]
        self.assertEqual(row["notes"]["deep1m"], "crashes: SIGSEGV")
        self.assertEqual(row["figures"]["deep1m_first_ns"], 1 << 20)
        self.assertNotIn("create_ns", row["figures"])  # which no stack size is known to help

    def test_a_hang_is_ended_and_not_repeated(self):
        row = self.rows["hangs"]
        self.assertIn("hangs", row["notes"]["create"])
        self.assertIn("hangs", row["notes"]["parked"])
        self.assertEqual(row["figures"], {})

    def test_the_table_says_all_of_it(self):
        for part in ("apt-get install absent", "hang", "crash", "*", "crashes: SIGSEGV"):
            self.assertIn(part, self.text)

    def test_a_package_that_is_not_there_is_named(self):
        self.assertEqual(peers.installed(("no-such-package",)), ["no-such-package"])
        source = peers.Source("x", "ucontext.c", ("no-such-package",))
        self.assertEqual(peers.compile_peer(ROOT, self.folder.name, source),
                         (None, "not installed: apt-get install no-such-package"))


class Work(unittest.TestCase):
    """The real programs: ours as Bazel built it, and the peers that need no package."""

    SAYS = {"parked": ["begun", "parked"], "used": ["begun", "parked", "shrunk"]}

    def do(self, argv, measure, number, *options):
        return subprocess.run([argv[0], *options, *argv[1:], measure, str(number)], check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)

    def check(self, argv):
        for measure, number, key in (("create", 50, "ns"), ("switch", 50, "ns"),
                                     ("deep", 40000, "second_ns"), ("hot", 3, "ns_by_depth"),
                                     ("parked", 20, None), ("used", 20, "again_ns")):
            with self.subTest(argv=argv, measure=measure):
                done = self.do(argv, measure, number, "--stack", "524288")
                self.assertEqual(done.returncode, 0, done.stderr.decode())
                said = done.stdout.decode().splitlines()
                self.assertEqual(said[:-1] if key else said, self.SAYS.get(measure, []))
                if key:
                    self.assertIn(key, json.loads(said[-1]))
        for measure, lines in ("deep", 1), ("used", 1):
            wrong = self.do(argv, measure, 40000 if measure == "deep" else 20,
                            "--stack", "524288", "--canary", "1")
            self.assertEqual((wrong.returncode, wrong.stdout.count(b"\n")), (3, lines))
            self.assertIn(b"a wrong sum", wrong.stderr)

    def test_ours_under_each_strategy(self):
        found = peers.variants("stacklab", OURS)
        self.assertGreater(len(found), 3)
        for peer in found:
            self.check(peer.argv)

    def test_those_that_need_no_package(self):
        if not shutil.which("clang-19"):
            self.skipTest("needs clang-19")
        with tempfile.TemporaryDirectory() as out:
            for source in peers.SOURCES:
                if not source.packages:
                    program, why = peers.compile_peer(ROOT, out, source)
                    self.assertTrue(program, why)
                    self.check([program])

    def test_bad_arguments_are_one_line(self):
        for arguments in ((), ("create",), ("nothing", "1"), ("--nothing", "1", "create", "1")):
            done = subprocess.run([OURS, *arguments], stdin=subprocess.DEVNULL, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 3, arguments)
            self.assertEqual(len(done.stderr.splitlines()), 1, arguments)


if __name__ == "__main__":
    unittest.main()
