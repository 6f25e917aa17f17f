#!/usr/bin/python3
"""tools/compare: reading, judging, merging and reporting, on programs and results made up here."""

import dataclasses
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FAKE = os.path.join(HERE, "fake_program.py")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tools"))

from comparelib import (builder, child, gbench, hazards, headline, machine, measure,  # noqa: E402
                        parked, plan, plots, programs, report, servers, stats, summary, table,
                        verdict)

with open(FAKE, encoding="utf-8") as source:
    fake = {"__name__": "fake_program"}
    exec(compile(source.read(), FAKE, "exec"), fake)
LISTING = fake["LISTING"]
EFFORT = plan.Effort(rounds=2, link_orders=1, env_sizes=0, repeat=4, step_repeat=4,
                     first_step_repeat=4, parked=10, timeout=4, bench_seconds=1, retry_hung=False,
                     thin_out=True, large=False)


def run_fake(workload, growth="newest", timeout=20.0):
    trial = plan.Trial(workload, growth, "library", 0, 4)
    return child.run([sys.executable] + trial.argv(FAKE), timeout)


def judge_fake(workload, **options):
    return verdict.judge(run_fake(workload, **options))


class Verdicts(unittest.TestCase):
    def test_a_right_result_is_ok(self):
        self.assertEqual(judge_fake("right").kind, verdict.OK)

    def test_a_wrong_result_names_both_checksums_and_the_stack_left(self):
        v = judge_fake("wrong")
        self.assertEqual(v.kind, verdict.WRONG)
        for part in ("2 of 4", "bb", "expected aa", "500 to 600"):
            self.assertIn(part, v.detail)

    def test_a_crash_names_the_signal_the_repetition_and_the_last_words(self):
        v = judge_fake("crashes")
        self.assertEqual(v.kind, verdict.CRASHED)
        for part in ("SIGSEGV", "repetition 1", "500 bytes", "about to fall"):
            self.assertIn(part, v.detail)

    def test_a_hang_is_ended_and_named(self):
        v = judge_fake("hangs", timeout=0.5)
        self.assertEqual(v.kind, verdict.HUNG)

    def test_a_refusal_keeps_its_reason(self):
        v = judge_fake("refuses")
        self.assertEqual(v.kind, verdict.REFUSED)
        self.assertIn("no growth strategy", v.detail)

    def test_output_that_breaks_the_protocol_is_never_ok(self):
        for workload in ("babbles", "quits"):
            self.assertEqual(judge_fake(workload).kind, verdict.FAILED, workload)

    def test_exit_code_and_result_must_agree(self):
        outcome = run_fake("wrong")
        outcome.code = 0
        self.assertEqual(verdict.judge(outcome).kind, verdict.FAILED)

    def test_the_worst_run_is_the_verdict_and_is_counted(self):
        runs = [judge_fake("right"), judge_fake("wrong"), judge_fake("crashes")]
        kind, detail = verdict.merge(runs)
        self.assertEqual(kind, verdict.CRASHED)
        self.assertIn("1 of 3 runs", detail)


def is_running(pid):
    """A zombie that init has yet to reap does not run."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return [int(word) for word in f.read().split()]


class Children(unittest.TestCase):
    def test_a_hung_child_takes_its_own_children_along(self):
        code = ("import os, time\n"
                "pid = os.fork()\n"
                "if pid: print(pid, flush=True)\n"
                "time.sleep(600)")
        outcome = child.run([sys.executable, "-c", code], 1)
        self.assertTrue(outcome.timed_out)
        while is_running(int(outcome.stdout)):  # killed, and dead as soon as it is scheduled
            os.sched_yield()

    def test_a_child_that_closes_its_pipes_is_still_limited(self):
        code = "import os, time; os.close(1); os.close(2); time.sleep(600)"
        begin = time.monotonic()
        self.assertTrue(child.run([sys.executable, "-c", code], 0.5).timed_out)
        self.assertLess(time.monotonic() - begin, 60)

    def test_much_output_on_both_pipes_does_not_block(self):
        code = "import sys; sys.stderr.write('e' * 500000); sys.stdout.write('o' * 500000)"
        outcome = child.run([sys.executable, "-c", code], 60)
        self.assertEqual((len(outcome.stdout), len(outcome.stderr)), (500000, 500000))


class Plans(unittest.TestCase):
    def test_every_listed_strategy_is_run_beside_the_baseline(self):
        trials = plan.make_trials(LISTING, plan.QUICK, plan.compile_filter("^right$"))
        self.assertEqual([t.growth for t in trials], ["thread", "newest", "still"])

    def test_a_sweep_runs_every_size(self):
        trials = plan.make_trials(LISTING, plan.QUICK, plan.compile_filter("step"))
        self.assertEqual({t.size for t in trials}, {8192, 16384})
        self.assertIn("--initial", trials[0].argv("p"))

    def test_a_program_runs_fewer_sizes_in_the_quick_mode_and_says_where_threads_make_sense(self):
        def planned(name, effort):
            trials = plan.make_trials(LISTING, effort, plan.compile_filter(name))
            return sorted({t.size for t in trials}), trials[0].growth
        self.assertEqual(planned("hot", plan.QUICK), ([4096], "thread"))
        self.assertEqual(planned("hot", plan.FULL), ([4096, 8192], "thread"))
        self.assertEqual(planned("tree", plan.FULL), ([100, 1000], "newest"))

    def test_a_program_runs_in_some_of_the_rounds(self):
        trial = plan.make_trials(LISTING, plan.QUICK, plan.compile_filter("tree"))[0]
        effort = plan.QUICK
        run = measure.run_all([trial], [], measure.Programs([FAKE], {}, []), [], effort, 1, [],
                              io.StringIO())
        self.assertEqual(len(run.verdicts[trial]), trial.runs)
        self.assertLess(trial.runs, effort.rounds)

    def test_bad_input_is_refused_in_one_line(self):
        bad = [lambda: plan.compile_filter("("), lambda: plan.check_list({}),
               lambda: plan.check_list({"strategies": [{"name": "x"}], "workloads": [{}]})]
        for call in bad:
            with self.assertRaises(plan.BadInput) as caught:
                call()
            self.assertNotIn("\n", str(caught.exception))


def bench_json(rows):
    return json.dumps({"context": {}, "benchmarks": rows})


class Benchmarks(unittest.TestCase):
    def test_repetitions_are_merged_and_aggregates_skipped(self):
        rows = [{"name": "BM_A/8", "run_type": "iteration", "real_time": t, "time_unit": "us",
                 "pages": 7} for t in (1, 2)]
        rows.append({"name": "BM_A/8_mean", "run_name": "BM_A/8", "run_type": "aggregate",
                     "real_time": 1.5, "time_unit": "us"})
        _, read = gbench.read_run(bench_json(rows))
        self.assertEqual(read["BM_A/8"]["samples_ns"], [1000, 2000])
        self.assertEqual(read["BM_A/8"]["counters"], {"pages": 7})

    def test_an_error_is_kept(self):
        _, read = gbench.read_run(bench_json([
            {"name": "BM_B", "error_occurred": True, "error_message": "no kernel support"}]))
        self.assertEqual(read["BM_B"]["error"], "no kernel support")

    def test_anything_else_is_bad_output(self):
        for text in ("", "[]", "{}", bench_json([{"run_type": "iteration"}]),
                     bench_json([{"name": "BM_C", "real_time": 1, "time_unit": "weeks"}])):
            with self.assertRaises(gbench.BadOutput, msg=text):
                gbench.read_run(text)

    def test_a_round_that_lacks_a_benchmark_stays_a_round(self):
        row = {"samples_ns": [1.0], "counters": {}, "label": "", "error": ""}
        merged = gbench.merge_rounds([{"BM_A": row}, {}])
        self.assertEqual(merged["BM_A"]["rounds"], [[1.0], []])

    def test_the_quick_mode_keeps_the_ends_of_each_family(self):
        names = ["BM_A/%d" % (8192 << i) for i in range(10)] + ["BM_B/x/8", "BM_B/y/8", "BM_C"]
        kept = gbench.thin_out(names)
        self.assertEqual(kept[0], "BM_A/8192")
        self.assertEqual(kept[3:], ["BM_A/1048576", "BM_B/x/8", "BM_B/y/8", "BM_C"])

    def test_the_quick_mode_keeps_what_a_map_is_drawn_from(self):
        for family in plan.CLIMBS:
            names = ["%s/s/%d/%d/manual_time" % (family, 8192 << i, f)
                     for i in range(6) for f in (128, 1024)]
            self.assertEqual(gbench.thin_out(names), names)
            self.assertEqual(gbench.thin_out([family + "/s/2097152/128"]), [])

    def test_parts_hold_every_name_once(self):
        names = [str(i) for i in range(50)]
        parts = gbench.split(names)
        self.assertEqual(sorted(sum(parts, [])), sorted(names))
        self.assertLessEqual(max(map(len, parts)), 16)

    def test_names_give_family_and_size(self):
        self.assertEqual(gbench.size_of("BM_Memcpy/8192/manual_time"), 8192)
        self.assertEqual(gbench.family_of("BM_Memcpy/8192/manual_time"), "BM_Memcpy")
        self.assertEqual(gbench.family_of("BM_Step/signal/8192"), "BM_Step/signal")
        self.assertIsNone(gbench.size_of("BM_ClockRead"))

    def test_build_events_give_the_programs_that_were_built(self):
        events = [json.dumps(e) for e in (
            {"id": {"targetCompleted": {"label": "//bench:a"}},
             "completed": {"success": True, "importantOutput": [
                 {"name": "a", "uri": "file://" + sys.executable}]}},
            {"id": {"targetCompleted": {"label": "//bench:b"}}, "completed": {}})]
        self.assertEqual(builder.read_events(events), {"//bench:a": sys.executable})


# Builds what it is asked for as a file that says how, and tells of it as Bazel would.
FAKE_BAZEL = """#!/usr/bin/python3
import json, os, sys
out, events = %(out)r, next(a for a in sys.argv if a.startswith("--build_event_json_file="))
with open(events.split("=", 1)[1], "w") as f:
    for label in [a for a in sys.argv if a.startswith("//")]:
        path = os.path.join(out, label.split(":")[1])
        with open(path, "w") as program:
            program.write(" ".join(a for a in sys.argv if "linkopt" in a))
        os.chmod(path, 0o755)
        if label.endswith("once") and "--linkopt" in " ".join(sys.argv):
            continue
        f.write(json.dumps({"id": {"targetCompleted": {"label": label}}, "completed": {
            "success": True, "importantOutput": [{"uri": "file://" + path}]}}) + "\\n")
"""


class Hazards(unittest.TestCase):
    DOCUMENT = {"unexpected": ["CHANGED one"], "cases": [
        {"name": "hidden", "group": "scan", "cause": "because", "cells": {
            "still": {"a": {"verdict": "holds", "detail": "x"},
                      "b": {"verdict": "holds", "detail": "y"}},
            "moving": {"a": {"verdict": "wrong", "detail": "3 of 4"},
                       "b": {"verdict": "crashes", "detail": "SIGSEGV"}}}}]}

    def collect(self, program):
        """The document and the problems, of a tree whose program is this shell script."""
        problems = []
        with tempfile.TemporaryDirectory() as root:
            folder = os.path.join(root, "bazel-bin", "bench", "hazards")
            os.makedirs(folder)
            path = os.path.join(folder, "hazards")
            if program:
                with open(path, "w", encoding="utf-8") as f:
                    f.write("#!/bin/sh\n" + program)
                os.chmod(path, 0o755)
            document = hazards.collect(root, os.path.join(root, "log"), problems, bazel="true")
        return document, problems

    def test_what_the_matrix_prints_is_the_document_and_surprises_are_problems(self):
        document, problems = self.collect(
            "cat <<'END'\n%s\nEND\nexit 1\n" % json.dumps(self.DOCUMENT))
        self.assertEqual(document, self.DOCUMENT)
        self.assertEqual(problems, ["hazards: CHANGED one"])

    def test_a_matrix_that_does_not_build_or_prints_nothing_is_a_problem(self):
        for program, said in (("", "does not build"), ("echo no room >&2; exit 3", "no room")):
            document, problems = self.collect(program)
            self.assertIsNone(document)
            self.assertEqual(len(problems), 1)
            self.assertIn(said, problems[0])

    def test_a_row_has_the_worst_of_its_builds_and_who_differs(self):
        row, = hazards.rows(self.DOCUMENT)
        self.assertEqual(row["verdicts"], {"still": "holds", "moving": "crashes"})
        self.assertEqual(row["details"]["moving"], "SIGSEGV")
        self.assertEqual(row["differs"], {"moving": {"a": "wrong"}})


class HazardRows(unittest.TestCase):
    def test_rows_become_cells_and_the_worst_build_counts(self):
        matrix = {"builds": ["x", "y"], "cases": [
            {"name": "xored", "group": "scan", "cause": "why", "cells": {
                "newest": {"x": {"verdict": "holds", "detail": ""},
                           "y": {"verdict": "crashes", "detail": "SIGSEGV at 3"}},
                "still": {"x": {"verdict": "holds", "detail": ""},
                          "y": {"verdict": "holds", "detail": ""}}}}]}
        document = {"hazards": summary.make_hazards(matrix)}
        cell = document["hazards"]["rows"][0]["cells"]["newest"]
        self.assertEqual((cell["verdict"], cell["detail"]), ("crashes", "SIGSEGV at 3"))
        self.assertEqual(summary.broken_hazards(document, "newest"), ["xored"])
        self.assertEqual(summary.broken_hazards(document, "still"), [])
        self.assertIsNone(summary.broken_hazards(document, "other"))
        self.assertIsNone(summary.make_hazards(None))


class Machine(unittest.TestCase):
    def test_what_a_child_of_ours_does_is_not_others_work(self):
        others = machine.Others()
        child.run([sys.executable, "-c", "sum(range(10**7))"], 60)
        ours = sum(b - a for a, b in zip(others.begin[2:], others._used()[2:]))
        self.assertGreater(ours, 1)
        # Somebody else, who was never a child that we waited for.
        before = others.share()
        others.begin = (others.begin[0], others.begin[1], others.begin[2] + ours)
        self.assertGreater(others.share(), before)
        self.assertLessEqual(others.share(), 1)


class Links(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        bazel = os.path.join(cls.folder, "bazel")
        with open(bazel, "w", encoding="utf-8") as f:
            f.write(FAKE_BAZEL % {"out": cls.folder})
        os.chmod(bazel, 0o755)
        cls.links = builder.build_links(cls.folder, ["//b:x", "//b:once"], [5, 6],
                                        os.path.join(cls.folder, "links"),
                                        os.path.join(cls.folder, "log"), bazel)

    def test_each_link_is_kept_apart_and_shuffled_by_its_seed(self):
        texts = []
        for path in self.links["//b:x"]:
            with open(path, encoding="utf-8") as f:
                texts.append(f.read())
        self.assertEqual(texts[0], "")
        for text, seed in zip(texts[1:], (5, 6)):
            self.assertIn("--shuffle-sections=rt_text=%d" % seed, text)
            self.assertIn("--shuffle-sections=.text*=%d" % seed, text)
            self.assertNotIn("init_array", text)
            self.assertNotIn("sections=*", text)

    def test_what_does_not_link_in_every_order_takes_no_part(self):
        self.assertEqual(list(self.links), ["//b:x"])


class Layouts(unittest.TestCase):
    """Which link of a program and which environment a process gets."""

    def deal(self, **options):
        effort = dataclasses.replace(EFFORT, **options)
        layouts = measure.Layouts(effort, random.Random(1))
        return [[layouts.deal(job, n) for n in range(effort.rounds)] for job in "abc"]

    def test_where_they_are_crossed_each_job_gets_every_pair_once(self):
        dealt = self.deal(rounds=12, link_orders=3, env_sizes=4)
        for layouts in dealt:
            pairs = {(at["link"], at["padding"]) for at in layouts}
            self.assertEqual(len(pairs), 12)
            self.assertEqual({link for link, _ in pairs}, {0, 1, 2})
        self.assertNotEqual(dealt[0], dealt[1])

    def test_else_each_process_gets_a_size_of_its_own(self):
        sizes = {at["padding"] for layouts in self.deal(rounds=20) for at in layouts}
        self.assertGreater(len(sizes), 40)

    def test_the_size_reaches_the_process_and_settings_of_ours_do_not(self):
        os.environ["GO_GROWTH"] = "something"
        try:
            env = measure.environment({"link": 0, "padding": 77})
        finally:
            del os.environ["GO_GROWTH"]
        self.assertEqual((len(env["COMPARE_PADDING"]), "GO_GROWTH" in env), (77, False))

    def test_a_trial_runs_the_program_of_its_layout_and_keeps_it_with_the_samples(self):
        effort = dataclasses.replace(EFFORT, rounds=4, link_orders=2, env_sizes=2)
        trial = plan.Trial("right", "newest", "library", 0, 4)
        with tempfile.TemporaryDirectory() as folder:
            # The second link says so by its exit code.
            other = os.path.join(folder, "other")
            with open(other, "w", encoding="utf-8") as f:
                f.write("#!/bin/sh\necho the second link >&2; exit 3\n")
            os.chmod(other, 0o755)
            run = measure.run_all([trial], [], measure.Programs([FAKE, other], {}, []), [], effort,
                                  1, [], io.StringIO())
        kinds = {(v.layout["link"], v.kind) for v in run.verdicts[trial]}
        self.assertEqual(kinds, {(0, verdict.OK), (1, verdict.REFUSED)})
        cell = summary.make_cell(run.verdicts[trial])
        self.assertEqual([at["link"] for at in cell["layouts"]], [0, 0])
        self.assertEqual(len(cell["rounds_ns"]), 2)


class Parked(unittest.TestCase):
    def run_program(self, script, seconds=None):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "program")
            with open(program, "w", encoding="utf-8") as f:
                f.write("#!/usr/bin/python3\nimport os, sys, time\n" + script)
            os.chmod(program, 0o755)
            return parked.park(program, parked.Lot("newest", 100), dict(os.environ), seconds)

    def test_what_is_more_after_than_before_is_divided(self):
        row = self.run_program("print('begun', flush=True); input()\n"
                               "kept = b'x' * (8 << 20)\n"
                               "assert os.environ['GO_GROWTH'] == 'newest'\n"
                               "print('parked 100 1', flush=True); input()")
        self.assertGreater(row["resident"], (7 << 20) / 100)
        self.assertLess(row["resident"], (10 << 20) / 100)
        self.assertEqual(row["total"], sum(row[part] for part in parked.PARTS))

    def test_one_that_says_nothing_or_ends_is_a_failure_in_one_line(self):
        for script, said in (("time.sleep(600)", "said nothing for 0.5 s"),
                             ("sys.exit(3)", "ended early, with 3"), ("print('what')", "begun"),
                             ("print('begun', flush=True); input()\n"
                              "print('parked 99 1 full', flush=True); input()", "99 .* full")):
            with self.assertRaisesRegex(parked.Failed, said):
                self.run_program(script, 0.5 if "sleep" in script else None)

    def test_each_strategy_is_parked(self):
        lots = plan.make_lots(LISTING, EFFORT, plan.compile_filter(None))
        self.assertEqual([lot.growth for lot in lots], ["newest", "still"])
        self.assertEqual(plan.make_lots(LISTING, EFFORT, plan.compile_filter("^step$")), [])


class Documents(unittest.TestCase):
    """The whole way from the fake program to text, HTML and JSON."""

    @classmethod
    def setUpClass(cls):
        cls.table, cls.report = table, report
        trials = plan.make_trials(LISTING, EFFORT, plan.compile_filter(None))
        cls.progress = io.StringIO()
        cls.run_ = measure.run_all(trials, [], measure.Programs([FAKE], {}, []), [], EFFORT, 1,
                                   ["bench x: gone"], cls.progress)
        about = {"cpu": "c", "cpus": 2, "kernel": "k", "system": "s", "page_bytes": 4096,
                 "compiler": "cc", "flags": "-O2", "commit": "0", "date": "d", "load": "3.00 0 0",
                 "others_cpu": 0.5,
                 "libraries": {"fake": "1"}}
        how = {"mode": "quick", "seed": 1, "rounds": 2, "build": "b", "only": None,
               "env_sizes": [], "link_orders": 1}
        cls.hung_runs = sum(len(vs) for t, vs in cls.run_.verdicts.items()
                            if t.workload == "hangs" and t.growth == "newest")
        cls.document = summary.make_document(LISTING, cls.run_, [], about, how)
        cls.document["answers"] = headline.answers(cls.document)

    def cell(self, workload, growth="newest"):
        rows = {row["name"]: row for row in self.document["workloads"]}
        return rows[workload]["cells"][growth]

    def test_each_fate_is_in_its_cell(self):
        fates = {"right": "ok", "wrong": "wrong result", "crashes": "crashed", "hangs": "hung",
                 "refuses": "refused", "babbles": "failed", "quits": "failed"}
        self.assertEqual({w: self.cell(w)["verdict"] for w in fates}, fates)

    def test_only_right_results_have_a_time(self):
        self.assertEqual(self.cell("right")["time_ns"]["median"], 107.5)
        self.assertAlmostEqual(self.cell("right")["ratio"]["value"], 1.0)
        for workload in ("wrong", "crashes", "hangs"):
            self.assertIsNone(self.cell(workload)["time_ns"])

    def test_a_hung_trial_is_not_repeated_in_the_quick_mode(self):
        self.assertEqual(self.hung_runs, 1)

    def test_cells_keep_the_order_of_the_strategies(self):
        self.assertEqual(list(self.document["workloads"][0]["cells"]),
                         ["thread", "newest", "still"])

    def program(self, name):
        row = next(r for r in self.document["programs"] if r["name"] == name)
        return row["cells_by_size"][str(row["sizes"][0])]["newest"]

    def test_a_program_has_its_single_calls_its_growths_and_all_of_its_memory(self):
        cell = self.program("hot")
        self.assertEqual((cell["calls_ns"]["p50"], cell["calls_ns"]["max"]), (25, 1000))
        self.assertEqual(cell["growths_per_iteration"], 4 / 4 / 16)
        # The high water, the page tables and the mappings of the worst moment, less the start.
        self.assertEqual(cell["memory"]["peak"], (9500 - 1000) + 800 + 10 * servers.VMA_BYTES)
        self.assertEqual(cell["memory"]["settled"], 2000 + 800 + 5 * servers.VMA_BYTES)

    def test_a_quantile_has_two_calls_beyond_it(self):
        row = next(r for r in self.document["programs"] if r["name"] == "hot")
        cell = self.program("hot")
        few = programs.columns("newest", cell, row)
        cell["calls_ns"]["n"] = 2000
        self.assertEqual([c != "" for c in programs.columns("newest", cell, row)[3:6]],
                         [True, True, True])
        self.assertEqual([c != "" for c in few[3:6]], [True, False, False])

    def test_what_is_given_back_is_told_for_each_goroutine(self):
        memory = {"start": [1000, 0, 0], "gathered": [101000, 0, 0], "shrunk": [11000, 0, 0],
                  "shrinks": 50, "shrink_cpu_ns": 5000}
        result = {"shrinks": 300, "repetitions": 2, "memory": memory}
        self.assertEqual(programs.shrinking([result], 100),
                         {"waiting": 1000, "left": 100, "ns": 100, "shrinks": 1.5})
        never = dict(result, shrinks=0, memory=dict(memory, shrinks=0))
        self.assertIsNone(programs.shrinking([never], 100)["ns"])
        self.assertIsNone(programs.shrinking([{"memory": {"start": [1000, 0, 0]}}], 100))

    def test_programs_are_not_libraries(self):
        names = [row["name"] for row in self.document["workloads"] + self.document["micro"]]
        self.assertNotIn("hot", names)
        self.assertNotIn("tree", names)

    def test_nothing_is_left_out_of_the_text(self):
        text = self.table.render(self.document)
        for part in ("CRASHED", "HUNG", "WRONG RESULT", "REFUSED", "about to fall",
                     "bench x: gone", "commit 0", "newest", "busy", "hot, 4 KiB",
                     "tree, 100 goroutines", "/iteration"):
            self.assertIn(part, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 130)

    def test_the_page_stands_alone_and_escapes_what_programs_said(self):
        self.document["problems"].append("<b>bold</b>")
        page = self.report.render(self.document, {})
        self.assertNotIn("<b>bold</b>", page)
        self.assertNotIn("http://", page)
        self.assertIn("prefers-color-scheme", page)
        self.assertIn("crashed", page)
        self.assertIn("tree, 100 goroutines", page)

    def test_the_document_is_json(self):
        self.assertEqual(json.loads(json.dumps(self.document))["schema"], summary.SCHEMA)

    def test_the_headline_is_computed(self):
        text = " ".join(a["text"] for a in self.document["answers"])
        self.assertIn("wrong or crashed: wrong, crashes, hangs", text)

    def test_progress_reaches_the_end(self):
        self.assertIn("100%", self.progress.getvalue())

    def test_plots_are_drawn_and_old_ones_removed(self):
        with tempfile.TemporaryDirectory() as out:
            stale = os.path.join(out, "climb.png")
            open(stale, "w", encoding="utf-8").close()
            figures = plots.draw_all(self.document, out)
            self.assertFalse(os.path.exists(stale))
            self.assertIn("growth_step", figures)
            self.assertTrue(os.path.exists(os.path.join(out, "growth_step.png")))


class Statistics(unittest.TestCase):
    def test_an_interval_holds_its_median_and_widens_with_the_rounds(self):
        near = stats.describe([[10, 11, 12]] * 4)
        apart = stats.describe([[10, 11, 12], [20, 21, 22], [30, 31, 32], [40, 41, 42]])
        for d in (near, apart):
            self.assertLessEqual(d["ci"][0], d["median"])
            self.assertGreaterEqual(d["ci"][1], d["median"])
        self.assertGreater(apart["ci"][1] - apart["ci"][0], near["ci"][1] - near["ci"][0])

    def test_nothing_gives_nothing(self):
        self.assertIsNone(stats.describe([]))
        self.assertIsNone(stats.describe([[], []]))
        self.assertIsNone(stats.ratio([[1]], [[]]))
        self.assertIsNone(stats.ratio([[1]], [[0]]))

    def test_a_ratio_is_median_over_median(self):
        self.assertAlmostEqual(stats.ratio([[4, 4], [4, 4]], [[2, 2], [2, 2]])["value"], 2)

    def test_a_tail_begins_at_all_and_ends_at_the_slowest(self):
        points = stats.tail([list(range(1, 1001))])
        self.assertEqual(points[0], (1.0, 1.0))
        self.assertEqual(points[-1], (1000.0, 0.001))


class CommandLine(unittest.TestCase):
    def run_compare(self, *arguments):
        return subprocess.run([os.path.join(ROOT, "tools", "compare"), *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              stdin=subprocess.DEVNULL)

    def test_help_is_on_stdout(self):
        done = self.run_compare("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"--quick", done.stdout)

    def test_bad_arguments_exit_with_2_and_leave_stdout_empty(self):
        for arguments in (["--nonsense"], ["--only", "("], ["extra"], ["--quick", "--full"]):
            done = self.run_compare(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertLessEqual(len(done.stderr.splitlines()[-1]), 200)

    def test_an_interrupt_kills_the_child_group(self):
        code = ("import sys; sys.path.insert(0, %r)\n"
                "from comparelib import child\n"
                "child.run([sys.executable, '-c', 'import time; time.sleep(600)'], 600)\n"
                % os.path.join(ROOT, "tools"))
        process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
        while not children_of(process.pid):
            self.assertIsNone(process.poll())
        kid = children_of(process.pid)[0]
        process.send_signal(signal.SIGINT)
        process.wait()
        self.assertFalse(is_running(kid))


if __name__ == "__main__":
    unittest.main(verbosity=1)
