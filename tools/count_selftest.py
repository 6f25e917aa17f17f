#!/usr/bin/python3
"""Proves that tools/test counts right, on results that were made up."""

import importlib.machinery
import importlib.util
import json
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.dont_write_bytecode = True
PATH = os.path.join(os.path.dirname(os.path.realpath(__file__)), "test")
LOADER = importlib.machinery.SourceFileLoader("counter", PATH)
counter = importlib.util.module_from_spec(importlib.util.spec_from_loader("counter", LOADER))
LOADER.exec_module(counter)

GTEST = """<testsuites><testsuite name="S">
<testcase name="Good" status="run" result="completed" classname="S"/>
<testcase name="Bad" status="run" result="completed" classname="S"><failure message="x"/></testcase>
<testcase name="Cannot" status="run" result="skipped" classname="S">
  <skipped message="a.cc:4&#x0A;no &lt;such&gt; CPU"/></testcase>
<testcase name="DISABLED_Off" status="notrun" result="suppressed" classname="S"/>
</testsuite></testsuites>"""
ALL_GOOD = """<testsuites><testsuite name="S">
<testcase name="Good" status="run" result="completed" classname="S"/></testsuite></testsuites>"""
# What Bazel writes for a test that wrote none.
GENERATED = """<testsuites><testsuite name="t" tests="1" failures="0" errors="%d">
<testcase name="t" status="run" duration="0" time="0">%s</testcase></testsuite></testsuites>"""


# What `bazel query --output=xml` says, as far as it matters.
QUERIED = """<query>%s</query>"""
RULE = """<rule class="%s" name="%s"><list name="tags">%s</list>%s</rule>"""


def suites(platform, *rules):
    """Of (class, label, tags, inputs)."""
    text = QUERIED % "".join(RULE % (
        kind, label, "".join('<string value="%s"/>' % tag for tag in tags),
        "".join('<rule-input name="%s"/>' % i for i in inputs))
        for kind, label, tags, inputs in rules)
    return counter.Suites(xml.etree.ElementTree.fromstring(text), platform)


class Counting(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.events = []

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def ran(self, label, status, xml, log=""):
        outputs = [{"name": name, "uri": "file://" + self.write(label.strip("/:") + name, text)}
                   for name, text in (("test.xml", xml), ("test.log", log))]
        self.events.append({"id": {"testResult": {"label": label}},
                            "testResult": {"status": status, "testActionOutput": outputs}})

    def incompatible(self, label):
        self.events.append({"id": {"targetConfigured": {"label": label}},
                            "aborted": {"reason": "SKIPPED"}})

    def results(self, known=None):
        lines = "".join(json.dumps(event) + "\n" for event in self.events)
        return counter.collect(self.write("events", lines + '{"id": {"cut sho'), known)

    def test_cases_of_googletest(self):
        self.ran("//:a", "FAILED", GTEST)
        results = self.results()
        self.assertEqual(results.passed, 1)
        self.assertEqual(results.failed, ["//:a S.Bad"])
        self.assertEqual(results.skipped, [("//:a S.Cannot", "no <such> CPU"),
                                           ("//:a S.DISABLED_Off", "disabled")])

    def test_others_count_as_one(self):
        self.ran("//:a", "PASSED", GENERATED % (0, ""), "all is well")
        self.ran("//:b", "FAILED", GENERATED % (1, '<error message="exited with 3"/>'))
        self.ran("//:c", "PASSED", GENERATED % (0, ""), "so\nSKIPPED: no madvise\n")
        self.ran("//:d", "TIMEOUT", "cut <sho")
        results = self.results()
        self.assertEqual((results.passed, results.failed), (1, ["//:b", "//:d"]))
        self.assertEqual(results.skipped, [("//:c", "no madvise")])

    def test_death_after_the_last_case_is_a_failure(self):
        self.ran("//:a", "FAILED", ALL_GOOD)
        results = self.results()
        self.assertEqual((results.passed, len(results.failed)), (1, 1))

    def test_what_does_not_build_is_a_failure(self):
        self.events.append({"id": {"targetCompleted": {"label": "//:a"}}, "completed": {}})
        self.events.append({"id": {"testResult": {"label": "//:a"}},
                            "testResult": {"status": "NO_STATUS"}})
        self.assertEqual(self.results().failed, ["//:a (does not build)"])

    def test_results_of_other_runs_do_not_count(self):
        self.write("test.xml", GTEST)
        self.assertEqual(self.results().passed, 0)

    def test_a_table_says_what_became_of_each_suite(self):
        self.ran("//:a", "FAILED", GTEST)
        results = self.results()
        self.assertEqual(results.suites, {"//:a": [1, 1, 2]})
        self.assertEqual(counter.cell(results.suites["//:a"]), "1 1! (2)")
        self.assertEqual([counter.cell([0, 0, 1]), counter.cell([0, 0, 2]), counter.cell([3, 0, 0]),
                          counter.cell(None)], ["-", "(2)", "3", ""])

    def test_platforms_add_up(self):
        self.ran("//:a", "FAILED", GTEST)
        both = counter.Results()
        for name in ("x ", "y "):
            both.add_all(self.results(), name)
        self.assertEqual((both.passed, both.failed), (2, ["x //:a S.Bad", "y //:a S.Bad"]))
        self.assertEqual(both.skipped[0], ("x //:a S.Cannot", "no <such> CPU"))

    def test_results_that_differ_from_cpu_to_cpu_are_told(self):
        self.ran("//:a", "PASSED", GENERATED % (0, ""), "so\nRESULTS: 12ab\n")
        one, other = self.results(), self.results()
        self.assertEqual(one.computed, {"//:a": "12ab"})
        self.assertEqual(list(counter.differences({"x": one, "y": other})), [])
        other.computed["//:a"] = "12ac"
        self.assertEqual(list(counter.differences({"x": one, "y": other})),
                         [("//:a", "12ab on x, 12ac on y")])
        del other.computed["//:a"]
        self.assertEqual(list(counter.differences({"x": one, "y": other})),
                         [("//:a", "12ab on x, nothing on y")])
        other.suites["//:a"] = [0, 0, 1]
        self.assertEqual(list(counter.differences({"x": one, "y": other})), [])

    def test_a_suite_that_is_left_out_says_why(self):
        rules = (("cc_test", "//:a", ["core", "not gcc aarch64: no &lt;link>"], []),
                 ("cc_test", "//:b", ["only windows: its threads"], ["//:lib"]),
                 ("cc_test", "//:c", [], ["//:c.cc", "//:far"]),
                 ("cc_library", "//:far", [], ["//:lib"]),
                 ("cc_library", "//:lib", ["not windows: it forks", "not musl: C++"], []))
        reasons = {platform: [suites(platform, *rules).reason("//:" + x) for x in "abc"]
                   for platform in ("native", "gcc", "pac", "musl", "windows")}
        self.assertEqual(reasons, {"native": [None, "its threads", None],
                                   "gcc": ["no <link>", "its threads", None],
                                   "pac": ["no <link>", "its threads", None],
                                   "musl": [None, "its threads", "C++"],
                                   "windows": [None, "it forks", "it forks"]})
        for x in "abc":
            self.incompatible("//:" + x)
        results = self.results(suites("musl", *rules))
        self.assertEqual(results.skipped, [("//:b", "its threads"), ("//:c", "C++")])
        self.assertEqual(results.failed, ["//:a (left out without a reason)"])

    def test_what_runs_has_no_reason_not_to(self):
        rules = (("cc_test", "//:a", ["not gcc: no preemption"], []),)
        self.ran("//:a", "PASSED", ALL_GOOD)
        self.assertEqual(self.results(suites("musl", *rules)).failed, [])
        self.assertEqual(self.results(suites("gcc", *rules)).failed,
                         ["//:a (runs, and a tag says that it does not)"])

    def test_a_timeout_is_not_taken_for_a_tag(self):
        text = QUERIED % "".join(
            '<rule class="cc_test" name="//:%s"><string name="%s" value="%s"/><list name="tags">'
            '<string value="%s"/></list></rule>' % rule for rule in (
                ("a", "timeout", "long", ""), ("b", "size", "large", ""),
                ("c", "size", "small", ""),
                ("d", "timeout", "long", "long"), ("e", "timeout", "eternal", "")))
        known = counter.Suites(xml.etree.ElementTree.fromstring(text), "native")
        self.assertEqual([name.split(" ")[0] for name in self.results(known).failed],
                         ["//:a", "//:b"])

    def test_what_tags_leave_out_is_told_but_for_what_was_not_asked_for(self):
        rules = [("cc_test", "//:" + label, tags, []) for label, tags in (
            ("core", ["core"]), ("fuzz", ["fuzz"]), ("long", ["long"]), ("pac", ["pac"]))]

        def filtered(*arguments):
            options = counter.parse_arguments(["--platforms", "pac,gcc,aarch64", *arguments])
            return {name: list(suites(name, *rules).filtered(*counter.tags_of(options, name)))
                    for name in options.platforms}

        self.assertEqual(filtered(), {
            "pac": ["//:core", "//:fuzz"], "gcc": ["//:fuzz"], "aarch64": ["//:fuzz"]})
        self.assertEqual(filtered("--long")["pac"], ["//:core", "//:fuzz", "//:long"])
        self.assertEqual(filtered("--core")["aarch64"], [])

    def test_results_that_are_promised_are_printed(self):
        self.ran("//:a", "PASSED", GENERATED % (0, ""), "RESULTS: 12ab\n")
        self.ran("//:b", "PASSED", GENERATED % (0, ""), "replayed\n")
        self.ran("//:c", "PASSED", GENERATED % (0, ""), "SKIPPED: no such CPU\n")
        known = suites("native", *(("cc_test", "//:" + x, ["results"], []) for x in "abc"))
        self.assertEqual(self.results(known).failed,
                         ["//:b (prints no RESULTS, and is tagged so)"])

    def test_a_platform_without_an_emulator_is_skipped_only_of_the_core(self):
        refused = counter.set_up
        counter.set_up = lambda what: False
        try:
            for core, failed, skipped in (([], 1, 0), (["--core"], 0, 1)):
                options = counter.parse_arguments(["--platforms", "aarch64"] + core)
                results = counter.test_platforms(options)
                self.assertEqual((len(results.failed), len(results.skipped)), (failed, skipped))
        finally:
            counter.set_up = refused

    def test_bad_platforms_are_refused(self):
        for bad in (["--platforms", "vax"], ["--all-platforms", "--config", "asan"], ["--core"],
                    ["--core", "--platforms", "gcc", "//tests:go_c_test"]):
            with self.assertRaises(SystemExit) as refused:
                counter.parse_arguments(bad)
            self.assertIn("tools/test: ", str(refused.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
