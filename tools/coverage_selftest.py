#!/usr/bin/python3
"""Proves that tools/coverage reads what llvm-cov prints, on figures that were made up."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
PATH = os.path.join(os.path.dirname(os.path.realpath(__file__)), "coverage")
LOADER = importlib.machinery.SourceFileLoader("coverage_tool", PATH)
tool = importlib.util.module_from_spec(importlib.util.spec_from_loader("coverage_tool", LOADER))
LOADER.exec_module(tool)
llvmcov = tool.llvmcov

CORE, REST = "runtime/stack/fault.c", "runtime/stack/a.c"
# Of a function in lines 1 to 7, called 5 times: `if (a && b)` in line 2 never true, its body in
# line 3; `return` in line 5, after a comment.
SEGMENTS = [[1, 12, 5, True, True, False], [2, 7, 5, True, True, False],
            [2, 13, 5, True, False, False], [2, 14, 0, True, False, True],
            [3, 5, 0, True, True, False], [3, 11, 5, True, False, False],
            [7, 2, 0, False, False, False]]
TEXT = """int f(int a) {
  if (a && b)
    g(a);
  // why
  return a;

}

static int
h(void) {
  g(1);
}
"""
PAGE = """# Coverage

- `f`: not in a list of reasons

### `runtime/stack/a.c`

- `f`: `g(a);`: nobody calls
  it so.
- `h`: all of it.

## Next

- `g`: neither
"""


def document(path, branches=(), records=(), segments=SEGMENTS):
    return {"data": [{"files": [{
        "filename": "/proc/self/cwd/" + path, "segments": segments,
        "branches": list(branches), "mcdc_records": list(records)}]}]}


class Reading(unittest.TestCase):
    def test_lines(self):
        lines = llvmcov.read(document(REST))[REST].lines
        self.assertEqual(lines, {1: 5, 2: 5, 3: 0, 4: 5, 5: 5, 6: 5, 7: 5})

    def test_lines_that_the_preprocessor_skips_are_none(self):
        segments = [[1, 1, 5, True, True, False], [2, 1, 0, False, True, False],
                    [4, 1, 5, True, False, False], [6, 2, 0, False, False, False]]
        lines = llvmcov.read(document(REST, segments=segments))[REST].lines
        self.assertEqual(sorted(lines), [1, 5, 6])
        self.assertEqual(llvmcov.count_lines([]), {})

    def test_line_counts_as_its_most_executed_part(self):
        segments = [[1, 1, 0, True, True, False], [1, 9, 3, True, True, False],
                    [1, 12, 0, True, False, False], [2, 1, 0, False, False, False]]
        self.assertEqual(llvmcov.count_lines(segments), {1: 3, 2: 0})

    def test_functions_of_headers_add_up(self):
        here, there = [2, 7, 2, 8], [2, 12, 2, 13]
        branches = [here + [1, 0, 0, 0, 6], there + [0, 2, 0, 0, 6], here + [0, 4, 0, 0, 6]]
        whole = [2, 7, 2, 13, 0, 5]
        records = [whole + [[True, False, False]], whole + [[False, True, False]]]
        source = llvmcov.read(document(REST, branches, records))[REST]
        self.assertEqual(source.branches, {tuple(here): [1, 4], tuple(there): [0, 2]})
        self.assertEqual(source.decisions, {(2, 7, 2, 13): [True, True, False]})
        self.assertEqual(source.totals(), {"lines": (6, 7), "branches": (3, 4), "mcdc": (2, 3)})


class Judging(unittest.TestCase):
    def problems(self, rest=(95, 100), branches=(4, 4), mcdc=(3, 3), left=(), gone=()):
        core = {"lines": (1, 1), "branches": branches, "mcdc": mcdc}
        return list(tool.misses(core, {"lines": rest, "branches": (0, 9), "mcdc": (0, 0)},
                                list(left), list(gone)))

    def test_goals(self):
        self.assertEqual(self.problems(), [])
        self.assertEqual(self.problems(rest=(949, 1000)),
                         ["the rest: 94.9% of the lines, and the goal is 95%"])
        self.assertIn("75.0% branches", self.problems(branches=(3, 4))[0])
        self.assertIn("66.7% mcdc", self.problems(mcdc=(2, 3))[0])

    def test_what_was_not_measured_does_not_pass(self):
        self.assertEqual(len(self.problems(branches=(0, 0), mcdc=(0, 0))), 2)

    def test_lines_without_a_reason_do_not_pass(self):
        row = (REST, 3, "f", "g(a);")
        self.assertEqual(self.problems(left=[row + (True,)]), [])
        self.assertEqual(len(self.problems(left=[row + (False,)])), 1)
        self.assertEqual(len(self.problems(gone=["x"])), 1)

    def test_core(self):
        self.assertTrue(tool.is_core(CORE))
        self.assertTrue(tool.is_core("runtime/stack/adjustwords.h"))
        self.assertFalse(tool.is_core("runtime/stack/growth/growth.c"))

    def test_table(self):
        lines = list(tool.table([("all", {"lines": (1, 3), "branches": (0, 0), "mcdc": (2, 2)})]))
        self.assertEqual(lines[1].split(), ["all", "33.3%", "1/3", "100.0%", "2/2"])

    def test_totals_add_up(self):
        branches, records = [[2, 7, 2, 8, 5, 0, 0, 0, 6]], [[2, 7, 2, 13, 0, 5, [True, False]]]
        sources = {**llvmcov.read(document(CORE, branches, records)),
                   **llvmcov.read(document("runtime/stack/fault.h", branches)),
                   **llvmcov.read(document(REST))}
        self.assertEqual(tool.add(sources, tool.is_core),
                         {"lines": (12, 14), "branches": (2, 4), "mcdc": (1, 2)})
        self.assertEqual(tool.add(sources, tool.is_rest),
                         {"lines": (6, 7), "branches": (0, 0), "mcdc": (0, 0)})

    def test_missing_ways_and_conditions_are_named(self):
        branch, record = [2, 7, 2, 8, 5, 0, 0, 0, 6], [2, 7, 2, 13, 0, 5, [True, False]]
        shown = list(tool.show_core(llvmcov.read(document(CORE, [branch], [record]))))
        self.assertEqual(shown, [CORE + ":2:7: never false",
                                 CORE + ":2:7: conditions that never decided alone: 2"])


class Reasons(unittest.TestCase):
    def left(self, page):
        sources = llvmcov.read(document(REST))
        return tool.find_left(sources, list(tool.read_reasons(page)),
                              lambda path: TEXT if path == REST else None)

    def test_functions_of_lines(self):
        names = tool.function_names(TEXT)
        self.assertEqual((names[0], names[2], names[6], names[7], names[10]),
                         ("f", "f", "f", None, "h"))

    def test_items(self):
        self.assertEqual(list(tool.read_reasons(PAGE)), [(REST, "f", ["g(a);"]), (REST, "h", [])])

    def test_line_with_a_reason(self):
        self.assertEqual(self.left(PAGE), ([(REST, 3, "f", "g(a);", True)], []))

    def test_line_without_a_reason(self):
        left, gone = self.left(PAGE.replace("g(a);", "return a;"))
        self.assertEqual((left, gone), ([(REST, 3, "f", "g(a);", False)], []))
        self.assertFalse(self.left(PAGE.replace("`f`", "`h`"))[0][0][4])

    def test_reasons_for_what_is_gone(self):
        self.assertEqual(self.left(PAGE.replace("g(a);", "k(a);"))[1], [REST + ": f: no `k(a);`"])
        self.assertEqual(self.left(PAGE.replace("`h`", "`k`"))[1], [REST + ": no function k"])
        self.assertEqual(len(self.left(PAGE.replace("/a.c", "/b.c"))[1]), 3)


class Arguments(unittest.TestCase):
    def test_bad_ones(self):
        for bad in ["--no-such"], ["stack_test"], ["--out"], ["--out", PATH]:
            run = subprocess.run([sys.executable, PATH] + bad, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
            self.assertEqual((run.returncode, run.stdout, run.stderr.count("\n")), (2, "", 1), bad)
            self.assertTrue(run.stderr.startswith("tools/coverage: "))


if __name__ == "__main__":
    unittest.main(verbosity=2)
