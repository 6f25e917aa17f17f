#!/usr/bin/python3
"""Every workload gives the right checksum on a plain thread, and on a stack that does not move."""

import json
import os
import subprocess
import sys
import unittest

PROGRAM = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""),
                       "bench/workloads/workloads")


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)


class Workloads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.listing = json.loads(run("--list").stdout)

    def check(self, workload, growth):
        size = str(max(workload["sizes"], default=0))
        option = {"library": [], "initial": ["--initial", size], "size": ["--size", size]}
        done = run("--workload", workload["name"], "--growth", growth, "--repeat", "3",
                   *option[workload["kind"]])
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertTrue(result["ok"])
        self.assertEqual((result["repetitions"], len(result["ns"])), (4, 3))
        return result

    def test_each_is_right_on_a_plain_thread(self):
        for workload in self.listing["workloads"]:
            with self.subTest(workload["name"]):
                self.check(workload, "thread")

    def test_each_is_right_where_the_stack_does_not_move(self):
        still = [s["name"] for s in self.listing["strategies"] if not s["moves"]]
        self.assertTrue(still)
        for workload in self.listing["workloads"]:
            for growth in still:
                with self.subTest(workload["name"], growth=growth):
                    self.check(workload, growth)

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
