#!/usr/bin/python3
"""tools/servers in small: what it reads, what it judges, and its three measurements for a moment.
The arguments name the classes that are run; the soak has a target of its own, because it is skipped
where wrk is not installed, and so have the goroutines by the thousand and by the million."""

import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOOL = os.path.join(ROOT, "tools", "servers")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tools"))

from comparelib import servers  # noqa: E402

# It has no .py in its name.
loader = importlib.machinery.SourceFileLoader("tool", TOOL)
tool = importlib.util.module_from_spec(importlib.util.spec_from_loader("tool", loader))
loader.exec_module(tool)

PROGRAMS = {name: os.path.join(ROOT, folder, name) for folder, name in (
    ("examples", "http_hello"), ("examples", "echo_server"), ("bench", "parked"),
    ("bench", "echo_client"), ("bench", "strategies"))}
STRATEGIES = subprocess.run([PROGRAMS["strategies"]], stdout=subprocess.PIPE, text=True,
                            check=True).stdout.split()
# A server in place of Go's.
PROGRAMS["go_echo"] = [PROGRAMS["echo_server"]]

WRK = """Running 2s test @ http://127.0.0.1:1/
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.00ms    1.00ms  11.00ms   50.00%
  Latency Distribution
     50%  812.00us
     75%    1.20ms
     90%    2.00ms
     99%    1.05s
  1234 requests in 2.00s, 1.00MB read
"""
RATES = "Requests/sec:    617.00\nTransfer/sec:      0.50MB\n"


MILLION_GIB = 6  # of memory, with some to spare


def options(**fields):
    given = dict(connections=50, seconds=1, maxprocs=2, close=False, growth=None, goroutines=1000,
                 files=1064, rounds=2, bytes=128)
    return argparse.Namespace(**dict(given, **fields))


def has_marks():
    """Whether the kernel has MADV_GUARD_INSTALL."""
    done = subprocess.run([PROGRAMS["parked"], "chan", "1"], stdin=subprocess.DEVNULL, check=False,
                          env=dict(os.environ, GO_GUARDKIND="madvise"), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    return done.returncode == 0


def sample(threads, resident):
    return {"threads": threads, "resident": resident, "page_tables": 0, "mappings": 0}


def judge(samples, close=False, **row):
    return tool.judge_soak(dict({"requests": 1, "errors": {}}, **row), samples, close)


class Parts(unittest.TestCase):
    def test_what_wrk_prints_is_read_in_its_units(self):
        row = servers.parse_wrk(WRK + RATES)
        self.assertEqual(row, {"requests": 1234, "per_second": 617.0, "p50_ms": 0.812,
                               "p99_ms": 1050.0, "errors": {}})

    def test_errors_of_sockets_and_answers_are_counted(self):
        row = servers.parse_wrk(
            WRK + "  Socket errors: connect 0, read 3, write 0, timeout 2\n"
            "  Non-2xx or 3xx responses: 7\n" + RATES)
        self.assertEqual(row["errors"], {"read": 3, "timeout": 2, "answers": 7})
        with self.assertRaises(servers.Failed):
            servers.parse_wrk("unable to connect")

    def test_a_flat_run_passes(self):
        row = judge([sample(2, 1 << 20)] + [sample(4, 20 << 20)] * 12)
        self.assertEqual(row["wrong"], [])
        self.assertEqual(row["threads"], {"start": 2, "peak": 4, "end": 4})

    def test_each_fault_is_named(self):
        flat = [sample(2, 1 << 20)] + [sample(4, 20 << 20)] * 12
        leak = flat + [sample(4, 23 << 20)]
        self.assertEqual(judge(leak)["wrong"], ["memory grows"])
        self.assertEqual(judge(leak, close=True)["wrong"], [])
        self.assertEqual(judge(flat + [sample(7, 20 << 20)])["wrong"], ["threads grow"])
        self.assertEqual(judge(flat, errors={"read": 2})["wrong"], ["2 errors (read)"])
        self.assertEqual(judge(flat, requests=0)["wrong"], ["no requests"])

    def test_what_a_million_must_do_is_judged(self):
        good = {"goroutines": 1000000, "total": 4700, "refused": None, "looked": 1000,
                "touched": 3000, "caught": 3000, "readable": 1000}

        def wrong(must=True, wanted=1000000, **row):
            return tool.judge_million(dict(good, **row), wanted, must)["wrong"]
        self.assertEqual(wrong(), [])
        self.assertEqual(wrong(caught=2999), ["1 of 3000 touches of guards did not fault"])
        self.assertEqual(wrong(readable=998), ["2 guards reach into their stacks"])
        self.assertEqual(wrong(total=4711), ["more than 4.6 KiB each"])
        self.assertEqual(wrong(goroutines=5), ["stops too early", "more than 4.6 KiB each"])
        self.assertEqual(wrong(must=False, goroutines=5, total=9999), [])
        self.assertEqual(wrong(wanted=1000, goroutines=1000, total=9999), [])

    def test_a_ratio_is_taken_within_its_round(self):
        def one(messages, p99):
            return {"messages": messages, "seconds": 1, "p50_us": 1, "p99_us": p99, "cpu_us": 1}
        rows = {r["what"]: r for r in tool.judge_echo(
            [(one(10, 2), one(20, 1)), (one(30, 4), one(10, 1)), (one(20, 6), one(10, 1))], 1)}
        self.assertEqual((rows["messages per s"]["median"], rows["messages per s"]["met"]),
                         (2, True))
        self.assertEqual((rows["p99"]["median"], rows["p99"]["met"]), (4, False))
        self.assertIn("MISSED", "\n".join(tool.echo_table(rows.values(), options())))

    def test_arguments_that_make_no_sense_are_one_line(self):
        for arguments in ([], ["sink"], ["soak", "--seconds", "0"], ["echo", "--bytes", "7"],
                          ["parked", "--goroutines", "x"], ["million", "--goroutines", "1000001"],
                          ["echo", "--connections", "100000000"]):
            done = subprocess.run([TOOL, *arguments], stdin=subprocess.DEVNULL, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual((done.returncode, done.stdout), (1, b""), arguments)
            self.assertEqual(len(done.stderr.splitlines()), 1, arguments)


class Small(unittest.TestCase):
    """The programs that are built, for a moment.  No time is asserted."""

    def test_a_parked_goroutine_has_memory_and_no_thread(self):
        with contextlib.redirect_stderr(io.StringIO()):
            rows = tool.parked(PROGRAMS, options())
        self.assertEqual(len(rows), (len(STRATEGIES) + len(tool.PARKED_TOO)) * len(tool.WAITS))
        for row in rows:
            self.assertEqual(row["goroutines"], 1000)
            self.assertGreater(row["resident"], 1000, row)
            self.assertLess(row["threads"], 30, row)
        self.assertEqual(len(list(tool.parked_table(rows, options()))), 2 + len(rows))

    def test_an_unknown_strategy_is_named_beside_those_there_are(self):
        for measure in (tool.soak, tool.million):
            with self.assertRaisesRegex(servers.Failed, "no strategy up here; .* reserve"):
                measure(PROGRAMS, options(growth=["reserve", "up"]))

    def test_every_echo_comes_back(self):
        rounds = tool.echo_rounds(PROGRAMS, 2, options())
        for ours, other in rounds:
            self.assertGreater(min(ours["messages"], other["messages"]), 0)
        self.assertEqual(len(list(tool.echo_table(tool.judge_echo(rounds, 2), options()))), 6)

    def test_a_program_that_cannot_begin_is_named(self):
        with self.assertRaisesRegex(servers.Failed, "http_hello ended early"):
            with servers.Program([PROGRAMS["http_hello"], "--address", "nowhere"]) as program:
                program.line()

    def test_programs_refuse_bad_arguments_in_one_line(self):
        for name, *arguments in (["parked"], ["parked", "sleep"], ["parked", "dance", "1"],
                                 ["parked", "sleep", "0"], ["echo_client", "1"],
                                 ["echo_client", "0", "1", "8", "1"],
                                 ["echo_client", "1", "1", "7", "1"]):
            done = subprocess.run([PROGRAMS[name], *arguments], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertEqual(len(done.stderr.splitlines()), 1, arguments)


class Thousands(unittest.TestCase):
    """What tools/servers million does, at 20,000: every strategy has room for those."""
    N = 20000

    @classmethod
    def setUpClass(cls):
        with contextlib.redirect_stderr(io.StringIO()):
            cls.rows = tool.million(PROGRAMS, options(goroutines=cls.N))
        cls.marks = has_marks()

    def test_every_touch_of_a_guard_faults_and_none_of_a_stack(self):
        self.assertLessEqual(set(STRATEGIES), {row["growth"] for row in self.rows})
        for row in self.rows:
            self.assertEqual((row["looked"], row["touched"], row["caught"], row["readable"]),
                             (1000, 3000, 3000, 1000), row)
            self.assertEqual((row["wrong"], row["goroutines"], row["refused"]),
                             ([], self.N, None), row)

    def test_mappings_are_those_of_arenas_and_two_of_each_stack_with_mprotect(self):
        for row in self.rows:
            each = row["maps"] / self.N
            if "mprotect" in row["growth"] or not self.marks:
                self.assertGreater(each, 1.5, row)
                self.assertLess(each, 2.5, row)
            elif row["total"] < 5000:  # stacks that share page tables
                self.assertLess(row["maps"], 300, row)
            else:
                self.assertLess(each, 0.3, row)

    def test_a_stack_that_shares_page_tables_is_a_page_and_600_bytes(self):
        must = {name for name, _, _, must in tool.MILLION if must}
        self.assertLessEqual(must, {row["growth"] for row in self.rows})
        for row in self.rows:
            if row["growth"] in must and self.marks:
                self.assertLess(row["total"], 4096 + 650, row)

    def test_a_line_for_each(self):
        lines = list(tool.million_table(self.rows, options(goroutines=self.N)))
        self.assertEqual(len(lines), 3 + len(self.rows))
        self.assertNotIn("FAIL", "\n".join(lines))


class Million(unittest.TestCase):
    """The claim itself: stock sysctls, 1,000,000 goroutines, 4.6 KiB each, guards that hold."""

    def test_a_million_goroutines_on_guarded_stacks(self):
        with contextlib.redirect_stderr(io.StringIO()):
            rows = tool.million(PROGRAMS, options(goroutines=1000000,
                                                  growth=["checkpoint", "segment"]))
        self.assertEqual([row["growth"] for row in rows],
                         ["checkpoint", "segment", "checkpoint, mprotect"])
        for row in rows[:2]:
            self.assertEqual((row["wrong"], row["within"], row["caught"]), ([], True, 3000), row)
            self.assertLess(row["maps"], 2000, row)
        # Two mappings each.
        room = tool.max_map_count() > 2 * 1000000
        self.assertEqual(rows[2]["refused"], None if room else
                         "the process has as many mappings as vm.max_map_count allows")
        self.assertEqual((rows[2]["wrong"], rows[2]["caught"]), ([], rows[2]["touched"]))


class Soak(unittest.TestCase):
    def test_a_server_under_load_makes_no_errors(self):
        for close in (False, True):
            given = options(seconds=2, close=close, growth=["reserve", "checkpoint"])
            with contextlib.redirect_stderr(io.StringIO()):
                rows = tool.soak(PROGRAMS, given)
            for row in rows:
                self.assertGreater(row["requests"], 0, row)
                self.assertEqual(row["errors"], {}, row)
                self.assertNotIn("threads grow", row["wrong"])
            self.assertEqual(len(list(tool.soak_table(rows, given))), 3 + len(rows))


def short_of():
    """What the machine lacks for the classes that are asked for; None: nothing."""
    if "Soak" in sys.argv[1:] and not shutil.which("wrk"):
        return "wrk is not installed (tools/setup --for servers)"
    if "Million" in sys.argv[1:]:
        with open("/proc/meminfo", encoding="ascii") as f:
            free = int(f.read().split("MemAvailable:")[1].split()[0]) >> 20
        if free < MILLION_GIB:
            return "a million take %d GiB of memory, and %d are free" % (MILLION_GIB, free)
        if not has_marks():
            return "this kernel has no MADV_GUARD_INSTALL"
    return None


if __name__ == "__main__":
    if short_of():
        print("SKIPPED: " + short_of())
        sys.exit(0)
    unittest.main(verbosity=1)
