#!/usr/bin/python3
"""Proves that the checks can fail: each case plants what a check is there to find."""

import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tidiness  # noqa: E402  found by the line above

GOOD = "// a.c: adds.\nint add(int a, int b) {\n  return a + b;\n}\n"


def check(files, source_tree=None):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as f:
                f.write(text)
        return tidiness.check_tree(root, root if source_tree else None)


def problems(files, source_tree=None):
    return check(files, source_tree)[0]


class Tidiness(unittest.TestCase):
    def finds(self, what, path, text, **more):
        self.assertEqual(problems({path: GOOD, **more}), [])
        found = problems({path: text, **more})
        self.assertEqual(len(found), 1, found)
        self.assertIn(what, found[0])

    def test_what_is_good_passes(self):
        files = "runtime/a.c", "tests/a_test.c", "bench/a_of_some_kind_bench.cc"
        self.assertEqual(problems(dict.fromkeys(files, GOOD)), [])

    def test_long_line(self):
        self.finds("101 columns", "runtime/a.c", GOOD + "//" + "x" * 99 + "\n")

    def test_long_lines_of_tables_and_links_pass(self):
        self.assertEqual(problems({"a.md": "| %s |\nhttps://%s\n" % ("x" * 99, "x" * 99)}), [])
        self.assertEqual(problems({tidiness.TABLE: "x" * 101 + "\n"}), [])
        self.finds("101 columns", "bench/a.txt", "x" * 101 + "\n")

    def test_what_a_tool_left_behind(self):
        for name in "a.c.orig", "a.c.rej", "a.c~", "a.c.bak":
            found = problems({"runtime/a.c": GOOD, "runtime/" + name: GOOD})
            self.assertEqual(found, ["runtime/%s: left behind by a tool" % name])

    def test_long_file(self):
        self.finds("601 lines", "runtime/a.c", GOOD + "\n" * 597)

    def test_long_function(self):
        body = "static int\nlong_one(void) {\n" + "  x++;\n" * 68 + "}\n"
        self.finds("function of 71 lines", "runtime/a.c", GOOD + body)
        self.finds("function of 71 lines", "runtime/a.c", GOOD + 'extern "C" {\n' + body + "}\n")

    def test_long_table_is_no_function(self):
        table = "static const int t[] = {\n" + "  1,\n" * 90 + "};\n"
        self.assertEqual(problems({"runtime/a.c": GOOD + table}), [])

    def test_system_and_processor_outside_their_folders(self):
        text = GOOD + "#if defined(__linux__)\n#endif\n"
        self.finds("condition on a system", "runtime/a.c", text)
        self.finds("condition on a system", "tests/add_test.cc", text.replace("linux", "x86_64"),
                   **{"runtime/add.h": GOOD})
        self.assertEqual(problems({"runtime/os/linux/a.c": text}), [])
        self.assertEqual(problems({"runtime/arch/x86_64/a.c": text}), [])
        for n, path in (0, "runtime/os/linux/a.c"), (1, "runtime/a.c"), (2, "runtime/b.c"):
            summary = check({path: text + "#ifdef _WIN32\n#endif\n" * (n - 1)})[1]
            self.assertIn("\n%d conditionals on a system" % n, summary)

    def test_many_conditionals(self):
        self.finds("5 preprocessor conditionals", "runtime/a.c", GOOD + "#ifdef A\n#endif\n" * 5)

    def test_guards_are_no_conditionals(self):
        guard = "// a.h: adds.\n#ifndef STACKLAB_RUNTIME_A_H_\n#ifdef __cplusplus\n#endif\n#endif\n"
        files = {"runtime/%s/a.h" % name: guard.replace("A_H", name.upper() + "_A_H")
                 for name in "abcdefgh"}
        self.assertEqual(problems(files), [])

    def test_path_of_one_machine(self):
        self.finds("path of one machine", "runtime/a.c", GOOD + '// see "/' + 'home/me/x"\n')

    def test_no_opening_comment(self):
        self.finds("does not open with a comment", "runtime/a.c", "int x;\n")

    def test_sleep(self):
        for call in "sleep(1)", "usleep(1)", "nanosleep(&t, 0)", "std::this_thread::sleep_for(t)":
            self.finds("sleeps", "tests/a_test.c", GOOD + "void f(void) { %s; }\n" % call,
                       **{"runtime/a.c": GOOD})

    def test_sleep_of_a_goroutine_passes(self):
        text = GOOD + "void f(void) { go_sleep(1); }\n"
        self.assertEqual(problems({"tests/a_test.c": text, "runtime/a.c": GOOD}), [])

    def test_stem_without_subject(self):
        found = problems({"bench/b_bench.cc": GOOD, "fuzz/b_fuzz.c": GOOD, "runtime/a.c": GOOD})
        self.assertEqual(len(found), 2, found)
        self.assertIn("has a b", found[0])
        listed = {"tests/tidiness/stems.txt": "# why\nb: the whole\n", "fuzz/b_fuzz.c": GOOD}
        self.assertEqual(problems(listed), [])

    def test_blank_tab_and_missing_newline(self):
        self.finds("blank at the end", "runtime/a.c", GOOD + "int x; \n")
        self.finds("tab", "runtime/a.c", GOOD + "\tint x;\n")
        self.finds("no newline", "runtime/a.c", GOOD + "int x;")

    def test_scripts_are_checked_by_their_first_line(self):
        self.assertEqual(len(problems({"tools/x": "#!/bin/sh\n" + "y" * 101 + "\n"})), 1)
        self.assertEqual(problems({"corpus/x": "y" * 101}), [])

    def test_package_that_is_not_declared(self):
        with tempfile.TemporaryDirectory() as tree:
            for package in "declared", "forgotten", "elsewhere":
                os.mkdir(os.path.join(tree, package))
                open(os.path.join(tree, package, "BUILD"), "w").close()
            open(os.path.join(tree, "elsewhere", "WORKSPACE"), "w").close()
            found = list(tidiness.undeclared_packages(tree, {"declared/BUILD"}))
        self.assertEqual(found, ["forgotten"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
