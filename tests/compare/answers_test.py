#!/usr/bin/python3
"""The answers, the map, what changed and what layouts do, from figures chosen by hand."""

import copy
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOOL = os.path.join(ROOT, "tools", "compare")
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tools"), HERE]

import fixed  # noqa: E402
from comparelib import (by_ms, changes, crossover, headline, plan, programs,  # noqa: E402
                        results, stats, summary)


def answers(**parts):
    return {a["use"]: a for a in headline.answers(fixed.make(**parts))}


UNREAD = "C code that nobody has checked"
BREAKS = "what breaks when stacks move"
WAITING = "very many goroutines that mostly wait"
ONCE = "deep recursion once, on memory that is new"
AGAIN = "deep recursion again and again"
GROWING = "stacks that start small and often grow"
SLOW = "latency: the rare slow step"
LARGE = "code whose stack is large enough from the start"


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.answers = answers()

    def check(self, use, take, *parts):
        answer = self.answers[use]
        self.assertEqual(answer["take"], take)
        for part in parts:
            self.assertIn(part, answer["text"])
        self.assertTrue(answer["rule"])

    def test_every_use_has_an_answer(self):
        self.assertEqual(list(self.answers),
                         [UNREAD, BREAKS, WAITING, ONCE, AGAIN, GROWING, SLOW, LARGE])

    def test_unread_code_gets_the_fastest_that_stays_and_was_right(self):
        # The geometric mean of 1, 1.02, 1 and 1.
        self.check(UNREAD, ["stayer"], "All of 4 library workloads right", "1.00 times",
                   "idler 1.40", "every hazard withstood", "15,000 bytes")

    def test_where_the_fastest_are_alike_memory_decides(self):
        row = fixed.library("plain")
        row["cells"]["idler"] = fixed.cell(1.01e5)
        fixed.with_ratios(row["cells"])
        self.assertEqual(answers(workloads=[row])[UNREAD]["take"], ["idler"])

    def test_one_that_breaks_a_library_or_a_hazard_is_not_for_unread_code(self):
        row = fixed.library("plain")
        row["cells"]["stayer"] = fixed.cell(1e5, kind="wrong result")
        fixed.with_ratios(row["cells"])
        self.assertEqual(answers(workloads=[row])[UNREAD]["take"], ["idler"])
        hazards = fixed.hazards()
        hazards["rows"][0]["cells"]["stayer"]["verdict"] = "wrong"
        self.assertEqual(answers(hazards=hazards)[UNREAD]["take"], ["idler"])

    def test_what_breaks_is_named_by_strategy(self):
        self.check(BREAKS, [], "longjmp and stream under mover; nothing under asker",
                   "Under asker nothing moved inside a library")

    def test_many_goroutines_get_the_least_memory_and_the_least_that_stays(self):
        self.check(WAITING, ["asker"], "5,000 bytes in all", "6,000 bytes under idler",
                   "15,000 bytes under stayer", "do not move: idler", "not withstand 1 hazard")

    def test_where_memory_is_alike_one_that_stays_comes_first(self):
        rows = fixed.memory()
        total = {row["growth"]: row["bytes"]["total"] for row in rows}
        total["idler"]["median"] = total["asker"]["median"] + 1
        answer = answers(memory=rows)[WAITING]
        self.assertEqual(answer["take"], ["idler"])
        self.assertIn("5,001 bytes in all; 5,000 bytes under asker", answer["text"])
        self.assertNotIn("moves", answer["text"])

    def test_recursion_gets_who_leads_at_most_points(self):
        self.check(ONCE, ["stayer"], "at 4 of 4", "10.5 us under stayer", "52.5 us under idler")
        self.check(AGAIN, ["asker"], "at 4 of 4", "stayer at 2", "do not move: stayer")

    def test_growth_is_compared_among_those_that_grew(self):
        self.check(GROWING, ["asker"], "130 ns under asker and 3.00 us under mover",
                   "mover takes 23 times as long as asker", "13.0 us under asker and 300 us",
                   "nothing has to grow: 20 ns under stayer")

    def test_the_slow_step_is_the_999th_of_1000(self):
        self.check(SLOW, ["asker"], "131 ns under asker and 90.0 us under mover",
                   "one in a hundred, than 131 ns under asker and 3.00 us under mover")

    def test_the_slow_step_is_not_decided_by_the_usual_one(self):
        row = fixed.step()
        cell = row["cells_by_size"]["8192"]["asker"]
        cell["rounds_ns"][0][:4] = [200000.0] * 4
        cell["time_ns"] = stats.describe(cell["rounds_ns"])
        self.assertEqual(answers(micro=[row])[SLOW]["take"], ["mover"])

    def test_those_not_told_apart_share_the_place(self):
        self.check(LARGE, ["mover", "asker", "stayer"], "50 ns under idler")

    def test_what_was_not_run_is_left_out(self):
        self.assertNotIn(WAITING, answers(memory=[]))
        without = answers(workloads=[], memory=[], hazards=None, micro=[])
        self.assertEqual(list(without), [ONCE, AGAIN, LARGE])
        nothing = answers(workloads=[], memory=[], hazards=None, micro=[], benchmarks=[])
        self.assertIn("Too little", nothing["any use"]["text"])

    def test_no_strategy_is_named_by_the_code(self):
        folder = os.path.join(ROOT, "tools", "comparelib")
        known = ("signal+checkpoint", '"reserve', "'reserve", '"signal"', '"segment', '"inplace',
                 '"hybrid', '"prologue"', '"checkpoint"')
        for name in ("headline", "crossover", "plots", "report", "sections", "seen", "table"):
            with open(os.path.join(folder, name + ".py"), encoding="utf-8") as f:
                text = f.read()
            self.assertEqual([k for k in known if k in text], [], name)


class Maps(unittest.TestCase):
    def test_a_field_is_shared_where_the_interval_reaches_one(self):
        cells = crossover.read(fixed.make(), "BM_ClimbWarm")
        self.assertEqual(crossover.cheapest(cells[128, 65536]), ["asker", "stayer"])
        self.assertEqual(crossover.cheapest(cells[128, 1 << 20]), ["asker"])
        self.assertEqual(crossover.axes(cells), ([128, 16384], [65536, 1 << 20]))
        self.assertEqual(crossover.counts(cells, ["stayer", "idler"]), [("stayer", 4)])


def slower(document, name, factor, sizes=None):
    """Multiplies the samples of a benchmark."""
    for row in document["benchmarks"]:
        if row["name"] == name:
            row["rounds_ns"] = [[x * factor for x in r] for r in row["rounds_ns"]]
    return document


class ByMs(unittest.TestCase):
    def test_a_climb_is_the_time_of_all_by_their_climbs(self):
        found = by_ms.read(fixed.make())["warm"]
        self.assertEqual(list(found), ["asker", "stayer"])
        self.assertAlmostEqual(found["asker"][4].climb_ns(), 300, delta=2)
        self.assertEqual((found["asker"][4].growths, found["stayer"][1].growths), (5, 0))
        self.assertAlmostEqual(by_ms.most_over_one(found["asker"])["value"], 0.25, 3)

    def test_the_page_says_who_gains_and_who_loses(self):
        text = by_ms.section(fixed.make(), {})
        self.assertIn("a climb on 4 Ms costs from 0.25 (asker) to 2.00 (stayer) times", text)
        self.assertIn(">60 ns<", text)  # 300 ns by five growths

    def test_without_the_program_there_is_nothing(self):
        self.assertEqual(by_ms.section(fixed.make(benchmarks=[]), {}), "")


class Changes(unittest.TestCase):
    def find(self, change):
        before, after = fixed.make(), fixed.make()
        change(after)
        return changes.find(before, after)

    def test_nothing_changed_between_equal_runs(self):
        found = self.find(lambda d: None)
        self.assertEqual((found["changed"], found["verdicts"], found["worse"]), ([], [], False))
        self.assertGreater(found["tested"], 40)

    def test_one_change_among_many_is_found_and_sized(self):
        found = self.find(lambda d: slower(d, "BM_NoGrowth/mover", 1.1))
        self.assertEqual([row["name"] for row in found["changed"]], ["BM_NoGrowth/mover"])
        row = found["changed"][0]
        self.assertAlmostEqual(row["ratio"], 1.1, 3)
        self.assertLess(row["ci"][0], 1.1)
        self.assertGreater(row["ci"][1], 1.1)
        self.assertTrue(found["worse"])
        self.assertIn("slower", changes.render(found))

    def test_a_program_that_takes_more_memory_is_worse(self):
        def grow(document):
            cell = document["programs"][0]["cells_by_size"]["100"]["asker"]
            cell["rounds"]["peak"] = [[1.5 * b for b in r] for r in cell["rounds"]["peak"]]
        found = self.find(grow)
        self.assertEqual([row["name"] for row in found["changed"]], ["ring/100, peak under asker"])
        self.assertTrue(found["worse"])
        self.assertIn("larger", changes.render(found))

    def test_what_got_faster_is_not_worse(self):
        found = self.find(lambda d: slower(d, "BM_NoGrowth/mover", 0.8))
        self.assertEqual((len(found["changed"]), found["worse"]), (1, False))

    def test_the_largest_change_comes_first(self):
        found = self.find(lambda d: slower(slower(d, "BM_NoGrowth/mover", 1.1),
                                           "BM_NoGrowth/idler", 0.5))
        self.assertEqual([row["name"] for row in found["changed"]],
                         ["BM_NoGrowth/idler", "BM_NoGrowth/mover"])

    def test_a_change_below_the_floor_is_none(self):
        self.assertEqual(self.find(lambda d: slower(d, "BM_NoGrowth/mover", 1.015))["changed"], [])

    def test_a_control_that_moved_raises_the_floor(self):
        found = self.find(lambda d: slower(slower(d, "BM_NoGrowth/mover", 1.1),
                                           "BM_Memcpy/8192", 1.2))
        self.assertEqual(found["changed"], [])
        self.assertAlmostEqual(found["floor"], 0.2, 3)
        self.assertIn("controls changed", found["warnings"][0])

    def test_other_programs_are_told(self):
        def busy(document):
            document["machine"]["others_cpu"] = 0.25
        self.assertIn("25% of the CPUs during the run after", self.find(busy)["warnings"][0])

    def test_a_trial_that_was_ok_and_is_not_is_worse(self):
        def crash(document):
            document["workloads"][0]["cells"]["stayer"] = fixed.cell(1, kind="crashed")
        found = self.find(crash)
        self.assertEqual([(v["name"], v["after"]) for v in found["verdicts"]],
                         [("plain under stayer", "crashed")])
        self.assertTrue(found["worse"])

    def test_a_hazard_that_held_and_does_not_is_worse(self):
        def crash(document):
            document["hazards"]["rows"][0]["cells"]["mover"]["verdict"] = "crashes"
        self.assertTrue(self.find(crash)["worse"])

        def heal(document):
            document["hazards"]["rows"][1]["cells"]["mover"]["verdict"] = "holds"
        found = self.find(heal)
        self.assertEqual((len(found["verdicts"]), found["worse"]), (1, False))

    def test_few_processes_are_not_tested_at_all(self):
        def cut(document):
            for row in slower(document, "BM_NoGrowth/mover", 3)["benchmarks"]:
                row["rounds_ns"] = row["rounds_ns"][:3]
        found = self.find(cut)
        self.assertIn("BM_NoGrowth/mover", found["untested"])
        self.assertEqual(found["changed"], [])

    def test_a_processes_own_luck_is_no_change(self):
        # Seven processes of twelve are slow throughout: 700 repetitions, and yet seven figures.
        def luck(document):
            samples = document["micro"][0]["cells_by_size"]["8192"]["stayer"]["rounds_ns"]
            for i in range(7):
                samples[i] = [1.5 * x for x in samples[i]]
        found = self.find(luck)
        row = next(r for r in found["results"] if r["name"] == "step/8192 under stayer")
        self.assertGreater(row["ratio"], 1.4)
        self.assertEqual(found["changed"], [])


class CommandLine(unittest.TestCase):
    def run_compare(self, *documents, options=()):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for i, text in enumerate(documents):
                paths.append(os.path.join(folder, "%d.json" % i))
                with open(paths[-1], "w", encoding="utf-8") as f:
                    f.write(text if isinstance(text, str) else json.dumps(text))
            done = subprocess.run([TOOL, *options, "--compare", *paths], check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_exit_codes_tell_worse_from_not_worse(self):
        document = fixed.make()
        code, text, _ = self.run_compare(document, document)
        self.assertEqual(code, 0, text)
        self.assertEqual(text.splitlines()[-1], "not worse")
        code, text, _ = self.run_compare(document, slower(copy.deepcopy(document),
                                                          "BM_NoGrowth/mover", 1.5))
        self.assertEqual(code, 1)
        self.assertEqual(text.splitlines()[-1], "WORSE")

    def test_json_is_all_of_stdout(self):
        document = fixed.make()
        code, text, _ = self.run_compare(document, document, options=["--json"])
        self.assertEqual((code, json.loads(text)["kind"]), (0, "stacklab changes"))

    def test_other_files_are_refused_in_one_line(self):
        good = fixed.make()
        for bad in ("", "[]", "{}", dict(good, schema=summary.SCHEMA + 1),
                    dict(good, kind="something"), {"schema": 1, "workloads": []}):
            code, text, said = self.run_compare(good, bad)
            self.assertEqual((code, text, len(said.splitlines())), (2, "", 1), said)

    def test_it_takes_two_files(self):
        self.assertEqual(self.run_compare(fixed.make())[0], 2)


class Statistics(unittest.TestCase):
    def test_holm_multiplies_by_what_is_left_and_never_falls(self):
        self.assertEqual(stats.holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
        self.assertEqual(stats.holm([0.9, 0.9]), [1.0, 1.0])
        self.assertEqual(stats.holm([]), [])

    def test_ten_processes_a_side_can_show_one_change_among_a_thousand(self):
        self.assertLess(stats.least_p(plan.QUICK.rounds) * 1000, 0.05)
        self.assertAlmostEqual(stats.least_p(5), 2 / 252)

    def test_what_a_factor_does_is_told_from_what_another_does(self):
        link, env = [1.0, 1.1, 0.9, 1.05, 0.95], [1.0, 1.001, 0.999, 1.0]
        noise = [1.0, 1.0005, 0.9995]
        found = stats.two_way({(i, k): 100 * a * b * noise[(i + 2 * k) % 3]
                               for i, a in enumerate(link) for k, b in enumerate(env)})
        self.assertAlmostEqual(found["a"], 0.08, 2)
        self.assertLess(found["b"], 0.002)
        self.assertLess(found["rest"], 0.001)
        self.assertLess(found["p_a"], 1e-6)

    def test_a_table_with_a_hole_gives_no_components(self):
        self.assertIsNone(stats.two_way({(0, 0): 1.0, (0, 1): 1.0, (1, 0): 1.0}))
        self.assertIsNone(stats.two_way({(0, 0): 1.0, (0, 1): 1.0}))


class Layouts(unittest.TestCase):
    def test_a_result_that_follows_the_link_order_is_the_most_moved(self):
        document = fixed.make()
        for row in document["benchmarks"]:
            if row["name"] == "BM_SwitchPair":
                row["rounds_ns"] = [[6.0 * (1 + 0.2 * at["link"])] for at in row["layouts"]]
        first, spread = results.spreads(document)[0]
        self.assertEqual(first.name, "BM_SwitchPair")
        self.assertGreater(spread["a"], 0.1)
        self.assertLess(spread["b"], 0.001)

    def test_one_link_order_says_nothing_about_link_orders(self):
        document = fixed.make()
        for result in results.read(document).values():
            for at in result.layouts:
                at["link"] = 0
        self.assertEqual(results.spreads(document), [])


class Programs(unittest.TestCase):
    def test_the_least_of_the_strategies_is_marked_and_never_the_thread(self):
        document = fixed.make()
        cells = document["programs"][0]["cells_by_size"]["100"]
        cells[plan.THREAD]["time_ns"] = cells["asker"]["time_ns"]
        times = dict(programs.matrices(document))["time"]
        self.assertEqual(times.count("best n"), 1)


if __name__ == "__main__":
    unittest.main(verbosity=1)
