#!/usr/bin/python3
"""Tests how verdicts are kept, compared and told (bench/hazards/matrix), and that the page about
hazards says what expected.txt says."""

import copy
import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.abspath("bench/hazards"))

from matrix import expected, render  # noqa: E402


def cell(*verdicts):
    return {build: {"verdict": verdict, "detail": "seen"}
            for build, verdict in zip(("gcc-O0", "gcc-O2"), verdicts)}


def row(name, group, **cells):
    return {"name": name, "group": group, "cause": "because", "cells": cells}


DOCUMENT = {
    "builds": ["gcc-O0", "gcc-O2"], "seconds": 1.0,
    "strategies": [{"name": "still"}, {"name": "moving"}],
    "cases": [row("plain", "handler", still=cell("holds", "holds"), moving=cell("holds", "holds")),
              row("hidden", "scan", still=cell("holds", "holds"), moving=cell("wrong", "crashes"))]}


def changed(case, strategy, *verdicts):
    document = copy.deepcopy(DOCUMENT)
    document["cases"][case]["cells"][strategy] = cell(*verdicts)
    return document


class Expected(unittest.TestCase):
    def setUp(self):
        self.wanted = expected.read(expected.write(DOCUMENT))

    def test_what_is_written_is_what_is_expected(self):
        self.assertEqual(expected.compare(self.wanted, DOCUMENT, True), [])

    def test_the_worst_build_is_the_row_and_others_are_below_it(self):
        self.assertEqual(self.wanted["cases"]["hidden"]["moving"], ("crashes", {"gcc-O0": "wrong"}))

    def test_any_other_verdict_is_told_with_case_strategy_and_builds(self):
        lines = expected.compare(self.wanted, changed(0, "still", "holds", "wrong"), True)
        self.assertEqual(lines, ["CHANGED plain under still: holds -> wrong (gcc-O2): seen"])

    def test_a_better_verdict_is_told_too(self):
        lines = expected.compare(self.wanted, changed(1, "moving", "holds", "holds"), True)
        self.assertEqual(len(lines), 2)
        self.assertIn("CHANGED hidden under moving: crashes -> holds (gcc-O2): seen", lines)

    def test_a_new_strategy_has_to_be_accepted(self):
        document = copy.deepcopy(DOCUMENT)
        document["strategies"].append({"name": "new"})
        for case in document["cases"]:
            case["cells"]["new"] = cell("holds", "holds")
        lines = expected.compare(self.wanted, document, True)
        self.assertEqual(len(lines), 2)
        self.assertIn("not in the file -> holds", lines[0])

    def test_a_case_or_a_strategy_that_is_gone_is_told_when_all_was_run(self):
        document = copy.deepcopy(DOCUMENT)
        del document["cases"][1]
        document["strategies"].pop()
        self.assertEqual(len(expected.compare(self.wanted, document, True)), 2)
        self.assertEqual(expected.compare(self.wanted, document, False), [])

    def test_a_file_that_is_not_one_is_refused(self):
        for text in ("case a b\nx holds\n", "case a\nx perhaps\n", "case a\n  gcc-O0 holds\n"):
            with self.assertRaises(ValueError):
                expected.read(text)


class Tables(unittest.TestCase):
    def test_the_terminal_shows_the_worst_and_who_differs(self):
        text = render.text(DOCUMENT)
        self.assertRegex(text, r"hidden +holds +crashes\n")
        self.assertIn("hidden: under moving, with gcc-O0: wrong", text)

    def test_the_page_keeps_what_is_around_its_tables(self):
        page = "before\n%s\nold\n%s\nafter\n" % (render.BEGIN, render.END)
        page = render.replace_tables(page, render.markdown(DOCUMENT))
        self.assertRegex(page, r"(?s)^before\n.*\| `hidden` .* \*\*crashes\*\* \|.*\nafter\n$")
        self.assertNotIn("\nold\n", page)


class ThePage(unittest.TestCase):
    """docs/hazards.md, whose tables are written together with expected.txt."""

    def setUp(self):
        with open("bench/hazards/expected.txt") as f:
            self.wanted = expected.read(f.read())
        with open("docs/hazards.md") as f:
            page = f.read()
        tables = page[page.index(render.BEGIN):page.index(render.END)]
        self.rows = re.findall(r"^\| `(\w+)` \| (.*) \|[^|]*\|$", tables, re.M)
        self.heads = re.findall(r"^\| case \| (.*) \| what", tables, re.M)

    def test_has_the_rows_of_expected_txt_in_its_order(self):
        self.assertEqual([name for name, _ in self.rows], list(self.wanted["cases"]))

    def test_has_the_columns_of_expected_txt(self):
        for head in self.heads:
            self.assertEqual(re.findall(r"`([^`]*)`", head), self.wanted["strategies"])

    def test_has_the_verdicts_of_expected_txt(self):
        for name, cells in self.rows:
            words = [word.strip(" *") for word in cells.split("|")]
            entry = self.wanted["cases"][name]
            self.assertEqual(words, [entry[s][0] for s in self.wanted["strategies"]], name)

    def test_no_case_is_expected_to_prove_nothing(self):
        for name, entry in self.wanted["cases"].items():
            for strategy, (verdict, builds) in entry.items():
                self.assertNotIn("unproved", [verdict, *builds.values()], (name, strategy))


if __name__ == "__main__":
    unittest.main()
