#!/usr/bin/python3
"""tools/gdb/goroutines.py on gdb_program, as a process and as a core."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""))
SCRIPT = os.path.join(ROOT, "tools/gdb/goroutines.py")
PROGRAM = os.path.join(ROOT, "tests/gdb_program")
TMP = os.environ.get("TEST_TMPDIR") or tempfile.gettempdir()
OUTPUT = os.path.join(TMP, "gdb_program.out")
PATIENCE_S = 120
SETTINGS = ["set confirm off", "set pagination off", "set width 0", "set style enabled off",
            "set debuginfod enabled off", "handle SIGSEGV nostop noprint pass"]
# What the goroutines of gdb_program have in their frames, and what they are sent.
SUM = sum(range(1000, 1002)) + sum(range(1000, 1501)) + 1 + 2 + 40 + 1 + 50 + 1 + 60 + 70

ROW = re.compile(r"^(\*?) +(\d+)  +(\S.*?)  +(\d*) +(\w+)  +(\w+)  +(\d+[KMG]?)  +(\d+)  +"
                 r"0x([0-9a-f]+)-0x([0-9a-f]+)$", re.M)


class Gdb:
    """A gdb that is told one command after the other."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            ["gdb", "-nx", "-q", "-iex", "set prompt", *arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=TMP)
        self.watchdog = threading.Timer(PATIENCE_S, self.process.kill)
        self.watchdog.start()
        for setting in SETTINGS + ["source " + SCRIPT]:
            answer = self.do(setting)
            if "rror" in answer:
                raise AssertionError("%s: %s" % (setting, answer))

    def do(self, command):
        """What gdb, and perhaps the program, say to it."""
        self.process.stdin.write(command + "\necho \\n=done=\\n\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line == "=done=":
                return "\n".join(lines).strip("\n")
            lines.append(line)
        raise AssertionError("gdb has ended at %r: %s" % (command, "\n".join(lines)))

    def run(self):
        """Starts the program, up to where all goroutines are set."""
        self.do("tbreak everything_is_set")
        # Not among what gdb says, where it could be in the middle of a line.
        answer = self.do("run >" + OUTPUT)
        if "hit Temporary breakpoint 1" not in answer:
            raise AssertionError(answer)

    def end(self):
        self.watchdog.cancel()
        self.process.kill()
        self.process.communicate()


class Row:
    def __init__(self, match):
        self.current = match.group(1) == "*"
        self.number, self.state, self.thread, self.function = match.group(2, 3, 4, 5)
        self.strategy = match.group(6)
        self.size, self.growths = match.group(7), int(match.group(8))
        self.lo, self.hi = int(match.group(9), 16), int(match.group(10), 16)


class Looking:
    """What holds for a process and a core alike; `self.gdb` is at everything_is_set."""

    def rows(self):
        text = self.gdb.do("info goroutines")
        rows = [Row(match) for match in ROW.finditer(text)]
        self.assertEqual(len(rows), len(text.split("\n")) - 1, text)  # but for the headline
        return rows

    def row(self, function, strategy=None):
        found = [r for r in self.rows() if r.function == function
                 and r.strategy == (strategy or r.strategy)]
        self.assertEqual(len(found), 1, function)
        return found[0]

    def functions(self, command):
        """The names in a backtrace, the innermost first."""
        text = self.gdb.do(command)
        names = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\w+) ?\(", text, re.M)
        self.assertEqual(len(names), len(re.findall("^#", text, re.M)), text)
        return names

    def say(self, command, regex):
        answer = self.gdb.do(command)
        self.assertRegex(answer, regex, command)
        return answer

    def value(self, expression):
        return self.say("output " + expression, "^-?[0-9]+$")

    def test_each_is_listed_with_its_state_and_stack(self):
        waited = r", \d+\.\d s" + ("" if self.live else " or more")
        for function, strategy, state, on_thread in (
                ("first", "reserve", "running", True),
                ("receiver", "checkpoint", "chan receive" + waited, False),
                ("receiver", "signal", "chan receive" + waited, False),
                ("locker", "reserve", "mutex lock" + waited, False),
                ("diver", "segment", "mutex lock" + waited, False),
                ("sleeper", "reserve", "sleep" + waited, False),
                ("reader", "reserve", "syscall", True),
                ("spinner", "reserve", "running", True),
                ("late", "reserve", "runnable", False)):
            with self.subTest(function, strategy=strategy):
                row = self.row(function, strategy)
                self.assertRegex(row.state, "^%s$" % state)
                self.assertEqual(row.thread != "", on_thread)
                self.assertEqual("%dK" % ((row.hi - row.lo) >> 10),
                                 row.size.replace("256M", "262144K"))
                if strategy == "signal":
                    self.assertGreater(row.growths, 0)
                    self.assertGreater(row.hi - row.lo, 8192)
                else:
                    self.assertEqual(row.growths, 0)
        self.assertEqual(len(self.rows()), 9)
        self.assertEqual(len(ROW.findall(self.gdb.do("goroutines"))), 9)

    def test_the_current_one_is_marked(self):
        first, locker = self.row("first"), self.row("locker")
        self.assertTrue(first.current)
        self.assertFalse(locker.current)
        self.say("goroutine", r"^\[Current goroutine is %s \(running\)\]$" % first.number)
        self.say("goroutine " + locker.number, r"^\[Switching to goroutine %s \(mutex lock, "
                 r".*\)\]\n#\d+ .* in locker \(" % locker.number)
        self.assertTrue(self.row("locker").current)
        self.assertFalse(self.row("first").current)
        self.say("goroutine", r"^\[Current goroutine is %s \(mutex" % locker.number)
        self.gdb.do("goroutine off")
        self.assertTrue(self.row("first").current)
        self.assertEqual(self.functions("bt")[:2], ["everything_is_set", "first"])

    def test_a_backtrace_is_the_goroutines_and_nothing_else(self):
        for strategy, depth in ("checkpoint", 1), ("signal", 500):
            self.gdb.do("goroutine " + self.row("receiver", strategy).number)
            names = self.functions("bt")
            self.assertNotIn("everything_is_set", names)
            self.assertEqual(names[-depth - 4:], ["receive_deep"] * (depth + 1) +
                             ["receiver", "rt_gomain", "rt_gostart"])
            self.assertTrue({"recv", "go_chan_recv"} & set(names), names)
            self.gdb.do("frame 1")  # resumed, it has popped its pc last
            self.assertEqual(self.value("*((void **)$sp - 1) == $pc"), "1")

    def test_a_backtrace_goes_from_a_segment_to_the_stack_below(self):
        self.gdb.do("goroutine " + self.row("diver").number)
        names = [n for n in self.functions("bt") if n.startswith("diver") or n == "rt_gostart"]
        self.assertEqual(names, ["diver_below"] * 4 + ["diver", "rt_gostart"])

    def test_locals_of_a_goroutine_that_waits_have_their_values(self):
        for strategy in "checkpoint", "signal":
            self.gdb.do("goroutine " + self.row("receiver", strategy).number)
            self.say("info locals", "^mine = 1000\ngot = 0$")
            self.assertEqual(self.value("depth"), "0")
            self.say("up", r"^#\d+ .* receive_deep \(depth=1\)")
            self.assertEqual(self.value("mine"), "1001")
        self.say("frame function receiver", r"receiver \(")
        self.assertEqual(self.value("*(int *)depth"), "500")
        self.say("goroutine %s print wanted" % self.row("locker").number, "^.[0-9]+ = 40$")

    def test_one_that_runs_is_shown_on_its_thread(self):
        for function, mine, names in (("spinner", "60", ["spinner", "rt_gomain", "rt_gostart"]),
                                      ("reader", "50", ["reader", "rt_gomain", "rt_gostart"])):
            row = self.row(function)
            self.gdb.do("goroutine " + row.number)
            self.assertEqual(self.functions("bt")[-3:], names)
            self.say("thread", r"^\[Current thread is %s " % row.thread)
            self.gdb.do("frame function " + function)
            self.assertEqual(self.value("mine"), mine)

    def test_one_that_has_yet_to_begin_says_so(self):
        number = self.row("late").number
        self.say("goroutine " + number,
                 "^Goroutine %s has yet to begin: it will call late.$" % number)

    def test_a_single_command_leaves_everything_where_it_was(self):
        self.gdb.do("frame function first")
        for function in "locker", "spinner", "late":
            self.functions("goroutine %s bt" % self.row(function).number)
            self.say("frame", r"^#1 .*first \(")
        self.gdb.do("goroutine " + self.row("locker").number)
        self.assertIn("spinner", self.functions("goroutine %s bt" % self.row("spinner").number))
        self.say("frame", " in locker ")

    def test_a_command_for_all_is_about_each(self):
        text = self.gdb.do("goroutine all bt -3")
        self.assertEqual(re.findall(r"^Goroutine \d+ \(.*\) of (\w+):$", text, re.M),
                         [r.function for r in self.rows()])
        for function in "first", "receiver", "locker", "sleeper", "reader", "spinner":
            self.assertRegex(text, r"#\d+ .*\b%s \(.*\n#\d+ .* rt_gomain \(" % function)
        self.say("frame", "^#0 .*everything_is_set")

    def test_errors_are_one_line_and_change_nothing(self):
        self.gdb.do("goroutine " + self.row("locker").number)
        for command, regex in (("goroutine 4711", "No goroutine 4711."),
                               ("goroutine 4711 bt", "No goroutine 4711."),
                               ("goroutine all", "Usage: goroutine .*"),
                               ("goroutine x", "Usage: goroutine .*"),
                               ("goroutine -1", "Usage: goroutine .*"),
                               ("goroutine 1 nonsense", 'Undefined command: "nonsense".*'),
                               ("info goroutines 3", "It takes no argument: 3")):
            self.say(command, "^%s$" % regex)
            self.say("frame", " in locker ")


class Process(Looking, unittest.TestCase):
    live = True

    def setUp(self):
        self.gdb = Gdb(PROGRAM)
        self.addCleanup(self.gdb.end)
        self.gdb.run()

    def check_that_it_ends_right(self, command="continue"):
        self.say(command, "exited normally")
        with open(OUTPUT, encoding="utf-8") as output:
            self.assertEqual(output.read(), "sum %d\n" % SUM)

    def test_it_goes_on_as_if_nobody_had_looked(self):
        for row in self.rows():
            self.gdb.do("goroutine " + row.number)
            self.gdb.do("bt")
        self.gdb.do("goroutine all bt")
        self.gdb.do("goroutine " + self.row("receiver", "signal").number)
        self.check_that_it_ends_right()
        self.say("info goroutines", "^There is no process and no core to look at.$")

    def test_steps_are_the_threads(self):
        for command in "finish", "n", "step", "stepi":
            self.gdb.do("goroutine " + self.row("locker").number)
            self.gdb.do(command)
            self.assertEqual(self.functions("bt"), ["first", "rt_gomain", "rt_gostart"])
        self.gdb.do("goroutine " + self.row("locker").number)
        self.check_that_it_ends_right()

    def test_a_goroutine_that_waits_cannot_be_made_to_return(self):
        self.gdb.do("goroutine " + self.row("locker").number)
        self.say("return", "^A goroutine that waits cannot be made to return.$")
        self.gdb.do("goroutine off")
        self.gdb.do("return")
        self.assertEqual(self.functions("bt"), ["first", "rt_gomain", "rt_gostart"])
        self.check_that_it_ends_right()

    def test_a_goroutine_that_has_gone_on_is_current_no_more(self):
        self.gdb.do("break gdb_program.c:add")
        self.gdb.do("goroutine " + self.row("sleeper").number)
        self.say("continue", "hit Breakpoint 2, add ")
        self.assertEqual(self.functions("bt")[0], "add")
        self.gdb.do("delete")
        self.check_that_it_ends_right()

    def test_at_the_next_stop_the_thread_is_what_it_is(self):
        self.gdb.do("break everything_is_set")  # again, with the same registers
        self.gdb.do("goroutine " + self.row("locker").number)
        self.say("continue", "hit Breakpoint 2, ")
        self.say("goroutine", r"^\[Current goroutine is %s \(running" % self.row("first").number)
        self.assertEqual(self.functions("bt")[0], "everything_is_set")

    def test_functions_can_be_called_on_threads_alone(self):
        self.assertEqual(self.value("twice(21)"), "42")
        refusal = "^Cannot call functions in the program: may-call-functions is off.$"
        for way_back in "goroutine off", "goroutine " + self.row("first").number, "next":
            self.gdb.do("goroutine " + self.row("locker").number)
            self.say("output twice(21)", refusal)
            self.say("frame", " in locker ")
            self.gdb.do(way_back)
            self.assertEqual(self.value("twice(21)"), "42")
        self.gdb.do("set may-call-functions off")
        self.gdb.do("goroutine " + self.row("locker").number)
        self.gdb.do("goroutine off")
        self.say("output twice(21)", refusal)
        self.check_that_it_ends_right()


class Core(Looking, unittest.TestCase):
    live = False

    @classmethod
    def setUpClass(cls):
        cls.core = os.path.join(TMP, "gdb_test.core")
        maker = Gdb(PROGRAM)
        try:
            maker.run()
            answer = maker.do("generate-core-file " + cls.core)
            if "Saved corefile" not in answer:
                raise AssertionError(answer)
        finally:
            maker.end()
        cls.addClassCleanup(os.remove, cls.core)

    def setUp(self):
        self.gdb = Gdb(PROGRAM, self.core)
        self.addCleanup(self.gdb.end)


class Missing(unittest.TestCase):
    """Where there is nothing to be seen, one line says why."""

    def check(self, program, start, line):
        gdb = Gdb(program)
        self.addCleanup(gdb.end)
        for command in start:
            gdb.do(command)
        for command in "info goroutines", "goroutine", "goroutine 1", "goroutine all bt":
            self.assertEqual(gdb.do(command), line, command)

    def test_no_process(self):
        self.check(PROGRAM, [], "There is no process and no core to look at.")

    def test_no_runtime(self):
        self.check("/bin/true", ["starti"], "This program has no stacklab runtime, or no symbols.")

    def test_no_go_run(self):
        self.check(PROGRAM, ["break main", "run"], "No goroutines: no go_run is running.")

    def test_no_debug_information(self):
        bare = os.path.join(TMP, "gdb_program_bare")
        subprocess.run(["llvm-strip-19", "--strip-debug", "-o", bare, PROGRAM], check=True)
        self.addCleanup(os.remove, bare)
        self.check(bare, ["break main", "run"],
                   "The runtime was built without debug information: layout.c needs -g.")


def why_not():
    """Why gdb cannot run programs here; None if it can."""
    probe = subprocess.run(
        ["gdb", "-nx", "--batch", "-ex", "run", "--args", "/bin/true"], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    refusal = re.search(r"^.*(?:\bptrace\b|trace the inferior).*$", probe.stdout, re.M | re.I)
    return refusal.group(0) if refusal and "exited normally" not in probe.stdout else None


def main():
    if not shutil.which("gdb"):
        sys.exit("gdb_test: there is no gdb: tools/setup --for test installs it")
    reason = why_not()
    if reason:
        print("SKIPPED: gdb may not trace programs here: " + reason)
    else:
        unittest.main()


if __name__ == "__main__":
    main()
