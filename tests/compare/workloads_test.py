#!/usr/bin/python3
"""Every workload gives the right checksum on a plain thread, and on a stack that does not move."""

import json
import os
import subprocess
import sys
import unittest

PROGRAM = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""),
                       "bench/workloads/workloads")


# Small ones, for sanitizers and emulators.
SIZES = {"skynet": 1000, "ring": 100, "c10m": 500, "json_parsers": 200, "sqlite_requests": 50,
         "zlib_requests": 50, "deep": 256 * 1024,
         "shrink_never": 50, "shrink_asked": 50, "shrink_idle": 50}
WITHOUT_CALLS = {"fib", "tak", "skynet"}  # whose goroutines stay on the stack they begin with


def checksum(*words):
    total = 0xcbf29ce484222325
    for word in words:
        total = (total ^ word) * 0x100000001b3 % 2**64
    return "%016x" % total


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)


class Workloads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.listing = json.loads(run("--list").stdout)

    def start(self, workload, growth, *more):
        # Of a program the smallest: its sizes are thousands of goroutines.
        sizes = workload["sizes"][:1] if workload["kind"] == "program" else workload["sizes"]
        size = str(SIZES.get(workload["name"], max(sizes, default=0)))
        option = {"library": [], "initial": ["--initial", size]}
        return run("--workload", workload["name"], "--growth", growth, "--repeat", "3",
                   *option.get(workload["kind"], ["--size", size]), *more)

    def check(self, workload, growth):
        done = self.start(workload, growth)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertTrue(result["ok"])
        self.assertEqual((result["repetitions"], len(result["ns"])), (4, 3))
        return result

    def test_each_is_right_on_a_plain_thread(self):
        for workload in self.listing["workloads"]:
            with self.subTest(workload["name"]):
                if workload["thread"]:
                    self.check(workload, "thread")
                else:
                    self.assertEqual(self.start(workload, "thread").returncode, 2)

    def test_each_is_right_where_the_stack_does_not_move(self):
        still = [s["name"] for s in self.listing["strategies"] if not s["moves"]]
        self.assertTrue(still)
        for workload in self.listing["workloads"]:
            for growth in still:
                with self.subTest(workload["name"], growth=growth):
                    self.check(workload, growth)

    def test_the_programs_know_their_growing_calls_and_their_memory(self):
        for workload in self.listing["workloads"]:
            if workload["kind"] != "program":
                continue
            with self.subTest(workload["name"]):
                result = self.check(workload, "reserve")
                memory = result["memory"]
                self.assertEqual(len(result["calls_ns"]), min(result["calls"], 16384))
                self.assertEqual(workload["name"] in WITHOUT_CALLS, result["calls"] == 0)
                for moment in ("start", "settled"):
                    self.assertTrue(all(memory[moment]), memory)
                self.assertGreaterEqual(memory["high_water"], memory["settled"][0] // 2)

    def test_all_give_memory_back_and_those_that_come_and_go_now_and_then(self):
        workloads = {w["name"]: w for w in self.listing["workloads"]}
        for growth in [s["name"] for s in self.listing["strategies"] if not s["moves"]]:
            with self.subTest(growth):
                never, asked, idle = (self.check(workloads["shrink_" + how], growth)
                                      for how in ("never", "asked", "idle"))
                self.assertEqual(never["shrinks"], 0)
                # Four runs of 50; in the second wait of each nobody is asked.
                self.assertEqual((asked["shrinks"], asked["memory"]["shrinks"]), (4 * 50, 50))
                self.assertGreaterEqual(idle["shrinks"], 4 * 50)
                self.assertLess(asked["memory"]["shrunk"][0], asked["memory"]["gathered"][0])
                # Four of 16 descents each; whoever waits for them may be shrunk once in each.
                self.assertGreaterEqual(self.check(workloads["thrash_asked"], growth)["shrinks"],
                                        4 * 16)

    def test_results_are_what_the_functions_are_known_for(self):
        known = {"fib": [75025], "tak": [7], "ack": [253], "skynet": [1000 * 999 // 2]}
        for workload in self.listing["workloads"]:
            if workload["name"] in known:
                with self.subTest(workload["name"]):
                    expected = checksum(*known[workload["name"]])
                    self.assertEqual(self.check(workload, "reserve")["expected"], expected)

    def test_a_wrong_result_is_seen(self):
        for workload in self.listing["workloads"]:
            with self.subTest(workload["name"]):
                done = self.start(workload, "reserve", "--canary", "3")
                self.assertEqual(done.returncode, 1)
                result = json.loads(done.stdout.splitlines()[-1])
                self.assertEqual((result["ok"], result["wrong"]), (False, 1))
                self.assertEqual(result["right"], [1, 0, 1])

    def test_each_uses_no_more_stack_than_its_checkpoint_asks_for(self):
        for workload in self.listing["workloads"]:
            # The others ask again as they go down.
            if workload["kind"] == "library" and workload["checkpoint_bytes"] >= 8192:
                with self.subTest(workload["name"]):
                    used = self.check(workload, "thread")["stack_used"]
                    self.assertLess(used, workload["checkpoint_bytes"])

    def test_bad_arguments_are_refused_in_one_line(self):
        for arguments in ([], ["--workload", "none"], ["--workload", "climb"], ["extra"],
                          ["--workload", "climb", "--growth", "none"],
                          ["--workload", "climb", "--growth", "thread", "--repeat", "0"],
                          ["--workload", "climb", "--growth", "thread", "--repeat", "-1"],
                          ["--workload", "climb", "--growth", "thread", "--initial", "9000"]):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertEqual(len(done.stderr.splitlines()), 1, arguments)


if __name__ == "__main__":
    sys.exit(unittest.main())
