#!/usr/bin/python3
"""What a trace says holds together, and agrees with the counters of go_stats."""

import collections
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""),
                       "tests/trace_program")
PS, MS = 1, 2
REASONS = {"chan send", "chan receive", "select", "select (no cases)", "sleep", "waitgroup wait",
           "mutex lock", "IO wait"}


def nanoseconds(micros):
    return round(micros * 1000)


class Trace:
    """The events of a file, by what they are."""

    def __init__(self, text):
        self.events = json.loads(text)
        self.slices = [e for e in self.events if e["ph"] == "X"]
        for e in self.slices:
            e["from"], e["to"] = nanoseconds(e["ts"]), nanoseconds(e["ts"]) + nanoseconds(e["dur"])
        self.runs = [e for e in self.slices if e["cat"] == "run"]
        self.instants = collections.defaultdict(list)
        for e in self.events:
            if e["ph"] == "i":
                self.instants[e["name"]].append(e)

    def named(self, name):
        return [e for e in self.slices if e["name"] == name]

    def then(self, what):
        return [e for e in self.runs if e["args"]["then"] == what]


def track(event):
    return event["pid"], event["tid"]


class TraceTest(unittest.TestCase):
    maxDiff = None

    def run_program(self, *arguments, **options):
        """Returns (the process, the text of its trace)."""
        self.path = os.path.join(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR")), "trace.json")
        environment = dict(os.environ, GO_TRACE=self.path, GO_STACKINITIAL="8K", GOMAXPROCS="4")
        environment.update(options)
        done = subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, timeout=100,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
                              check=False)
        if not os.path.exists(self.path):
            return done, None
        with open(self.path, encoding="utf-8") as f:
            return done, f.read()

    def trace(self, *arguments, **options):
        """Returns (the trace, the counters) of a program that ends well, both checked."""
        done, text = self.run_program(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        trace, stats = Trace(text), json.loads(done.stdout)
        end = trace.instants["end of trace"]
        self.assertEqual(len(end), 1)
        if end[0]["args"]["dropped"] == 0:
            self.check_counts(trace, stats)
        self.check_tracks(trace)
        self.check_goroutines(trace)
        self.check_arrows(trace)
        self.check_growths(trace)
        return trace, stats

    def check_counts(self, trace, stats):
        growths = trace.named("grow stack")
        moves = growths + trace.named("move stack")
        polls = trace.named("netpoll")
        # Back from a call, on its P, a goroutine goes on without having been scheduled.
        back = sum(e["args"]["kept_p"] for e in trace.named("system call"))
        told = {
            "goroutines_created": len(trace.instants["create"]),
            "goroutines_ended": len(trace.then("end")),
            "growths": len(growths),
            "growths_by_fault": sum(e["args"]["by"] in ("fault", "preempt") for e in growths),
            "moves_forced": len(trace.named("move stack")),
            "bytes_copied": sum(e["args"]["copied"] for e in moves),
            "words_adjusted": sum(e["args"]["adjusted"] for e in moves),
            "switches": sum(e["pid"] == PS for e in trace.runs) - back,
            "steals": len(trace.instants["steal"]),
            "preemptions": len(trace.then("preempt")),
            "handoffs": len(trace.instants["handoff"]),
            "netpoll_events": sum(e["args"]["events"] for e in polls),
            "netpoll_readied": sum(e["args"]["ready"] for e in polls),
        }
        self.assertEqual(told, {name: stats[name] for name in told})

    def check_tracks(self, trace):
        """Slices of one track lie within each other, or apart."""
        tracks = collections.defaultdict(list)
        for e in trace.slices:
            self.assertGreaterEqual(e["to"], e["from"])
            tracks[track(e)].append(e)
        for events in tracks.values():
            around = []
            for e in sorted(events, key=lambda e: (e["from"], -e["to"])):
                while around and around[-1]["to"] <= e["from"]:
                    around.pop()
                if around:
                    self.assertLessEqual(e["to"], around[-1]["to"], (around[-1], e))
                    self.assertFalse(e["cat"] == around[-1]["cat"] == "run", (around[-1], e))
                around.append(e)
        names = {track(e) for e in trace.events if e["name"] == "thread_name"}
        self.assertLessEqual(set(tracks), names)

    def check_goroutines(self, trace):
        created = {e["args"]["goroutine"]: e for e in trace.instants["create"]}
        lives = collections.defaultdict(list)
        for e in trace.runs:
            lives[e["args"]["goroutine"]].append(e)
            if e["args"]["then"] == "park":
                self.assertIn(e["args"]["reason"], REASONS)
            else:
                self.assertNotIn("reason", e["args"])
        complete = trace.instants["end of trace"][0]["args"]["dropped"] == 0
        for goid, runs in lives.items():
            runs.sort(key=lambda e: (e["from"], e["to"]))
            for e, after in zip(runs, runs[1:]):
                self.assertLessEqual(e["to"], after["from"], "in two places at once")
                self.assertNotEqual(e["args"]["then"], "end")
            if complete:
                self.assertEqual({e["name"] for e in runs}, {created[goid]["args"]["entry"]})
                self.assertLessEqual(nanoseconds(created[goid]["ts"]), runs[0]["from"])

    def check_arrows(self, trace):
        """An arrow leads from where a goroutine was readied or made to its next run."""
        begun, ended = {}, {}
        for e in trace.events:
            if e["ph"] in "sf":
                ids = begun if e["ph"] == "s" else ended
                self.assertNotIn(e["id"], ids)
                ids[e["id"]] = e
        starts = collections.defaultdict(set)  # of goroutines
        for e in trace.runs:
            starts[track(e), e["from"]].add(e["args"]["goroutine"])
        readied = collections.defaultdict(set)
        for e in trace.instants["ready"] + trace.instants["create"]:
            readied[track(e), e["ts"]].add(e["args"]["goroutine"])
        for number, e in ended.items():
            self.assertEqual(e["bp"], "e")
            at = (track(e), nanoseconds(e["ts"]))
            self.assertIn(at, starts)
            if number in begun:
                self.assertLessEqual(begun[number]["ts"], e["ts"])
                origin = (track(begun[number]), begun[number]["ts"])
                self.assertTrue(readied[origin] & starts[at], (begun[number], e))
        if trace.instants["end of trace"][0]["args"]["dropped"] == 0:
            self.assertLessEqual(set(ended), set(begun))

    def check_growths(self, trace):
        for e in trace.named("grow stack"):
            times = e["args"]["to"] / e["args"]["from"]
            self.assertIn(times, [2 ** n for n in range(1, 18)], e)
            self.assertLess(e["args"]["copied"], e["args"]["from"] + 4096)
        for e in trace.named("move stack"):
            self.assertEqual(e["args"]["to"], e["args"]["from"])

    # ---- Programs -------------------------------------------------------------------------------

    def test_every_strategy(self):
        for growth in "reserve", "signal", "checkpoint", "signal+checkpoint", "inplace", "hybrid", \
                "segment", "prologue":
            with self.subTest(growth):
                trace, _ = self.trace("mix", GO_GROWTH=growth)
                by = {e["args"]["by"] for e in trace.named("grow stack")}
                wanted = {"reserve": set(), "signal": {"fault"}, "checkpoint": {"checkpoint"},
                          "inplace": {"checkpoint"}, "segment": set()}
                if growth in wanted:
                    self.assertEqual(by - {"preempt"}, wanted[growth])
                reasons = {e["args"].get("reason") for e in trace.then("park")}
                self.assertLessEqual({"chan receive", "sleep", "waitgroup wait", "IO wait"},
                                     reasons)

    def test_forced_moves(self):
        for growth in "signal", "checkpoint":
            trace, _ = self.trace("growth", GO_GROWTH=growth, GO_STACKDEBUG="forcemove")
            self.assertGreater(len(trace.named("move stack")), 100)

    def test_goroutine_on_several_ps(self):
        trace, _ = self.trace("moves", GOMAXPROCS="2")
        places = collections.defaultdict(set)
        for e in trace.runs:
            places[e["args"]["goroutine"]].add(track(e))
        self.assertEqual(max(len(ps) for ps in places.values()), 2)

    def test_small_buffers_are_written_as_they_fill(self):
        for records in "16", "40":
            trace, _ = self.trace("yields", records, GOMAXPROCS="2")
            self.assertEqual(trace.instants["end of trace"][0]["args"]["dropped"], 0)
            self.assertGreater(len(trace.named("write trace")), 50)
            self.trace("mix", records, GO_GROWTH="signal")

    def test_system_calls_and_handoffs(self):
        trace, _ = self.trace("calls", GOMAXPROCS="1")
        self.assertEqual(len(trace.named("system call")), 4 * 40 + 2)
        by = collections.Counter(e["args"]["by"] for e in trace.instants["handoff"])
        self.assertGreaterEqual(by["sysmon"], 1)

    def test_preemption(self):
        with open(PROGRAM, "rb") as f:
            program = f.read()
        sanitized = b"__asan_init" in program or b"__tsan_init" in program  # then there is none
        trace, stats = self.trace("spins", GOMAXPROCS="2" if sanitized else "1")
        self.assertTrue(sanitized or stats["preemptions"])
        spins = [e for e in trace.runs if e["name"] == "trace_spinner"]
        if stats["preemptions"]:
            self.assertEqual(spins[0]["args"]["then"], "preempt")

    def test_descriptors(self):
        trace, stats = self.trace("net")
        self.assertGreaterEqual(stats["netpoll_readied"], 1)
        self.assertIn("IO wait", {e["args"].get("reason") for e in trace.runs})

    def test_does_not_change_what_a_seed_does(self):
        for seed, procs in ("7", "1"), ("8", "1"), ("7", "3"), ("8", "3"):
            trace, traced = self.trace("waits", "40", GO_SEED=seed, GOMAXPROCS=procs)
            self.assertGreater(len(trace.runs), 100)
            done, _ = self.run_program("waits", GO_SEED=seed, GOMAXPROCS=procs, GO_TRACE="")
            self.assertEqual(json.loads(done.stdout)["digest"], traced["digest"])

    def test_process_that_dies(self):
        for level in "all", "single", "none":
            done, text = self.run_program("panic", GO_TRACEBACK=level)
            self.assertLess(done.returncode, 0)
            self.assertIn(b"panic: on purpose", done.stderr)
            trace = Trace(text)
            self.assertIn(1, {e["args"]["goroutine"] for e in trace.then("die")})
            self.check_tracks(trace)
            self.assertGreater(len(trace.then("end")), 0)
        done, text = self.run_program("deadlock")
        self.assertIn(b"deadlock", done.stderr)
        self.assertIn("select (no cases)", {e["args"].get("reason") for e in Trace(text).runs})

    def test_file_that_cannot_be_written(self):
        missing = os.path.join(tempfile.gettempdir(), "no", "such", "folder", "t.json")
        done, _ = self.run_program("yields", GO_TRACE=missing)
        self.assertEqual(json.loads(done.stdout)["error"], -1)
        self.assertEqual(done.stderr.decode(), "stacklab: GO_TRACE=%s: cannot be written: "
                         "No such file or directory\n" % missing)

    def test_full_disk_is_said(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        done, _ = self.run_program("yields", GO_TRACE="/dev/full")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr.decode(), "stacklab: GO_TRACE: the trace is cut short: "
                         "No space left on device\n")


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
