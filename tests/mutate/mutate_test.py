#!/usr/bin/python3
"""Proves that tools/mutate makes the mutants that it says, and that it sees which ones survive."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
from comparelib.plan import BadInput  # noqa: E402  found by the line above
from mutatelib import hunt, programs, schemata, score, sites, survivors  # noqa: E402

CLANG = ["/usr/bin/clang-19", "-std=c17", "-w", "-O1"]

# Each operator once at least, and what must not be touched.
SOURCE = r"""
#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define TWICE(x) (2 * (x))
enum { LIMIT = 5 + 1 };  // neither 5 nor 1
static _Atomic int total;
static int calls;
static struct { unsigned odd : 1; } flags = {.odd = 1};
static int *next(int *p) { return calls++, p + 1; }
static int find(const int *from, size_t n, int what) {
  static const int step = 1;
  for (size_t i = 0; i < n; i += step)
    if (from[i] == what) return (int)i;
  return -1;
}
int clamp(int x, int hi) {
  assert(x != 12345);
  if (x > hi /* > */) return hi;
  else if (!flags.odd) return TWICE(x + 1);
  return x << 1 & ~4;
}
bool both(int a, unsigned b) { return a >= 3 && b > 0; }
static const char *name_of(int x) {
  switch (x) {
    case 1 + 1: return "two";
    default: break;
  }
  return NULL;
}
static uint64_t mix(uint64_t w) {
  w ^= w >> 7;
  int tries = 0;
  do {
    if (tries == 2) continue;
    w = w * 5 - (uint64_t)tries;
  } while (++tries < 4);
  atomic_store_explicit(&total, tries, memory_order_relaxed);
  flags.odd = w % 2;
  return w | sizeof(int[2 + 1]);
}
long all(int x, int y) {
  int words[12] = {x, y, x - y, 7, 8, 9};  // room for pointers that go astray
  int *p = &words[4];
  if (x < y) p = next(p);
  if (both(x, (unsigned)y) || y == 9) p = next(next(p)) - 1;
  long sum = *p + find(words, 4, y) * 1000 + clamp(x, y) * 7;
  sum += (long)(mix((uint64_t)sum) % 100003);
  sum += __builtin_frame_address(0) == NULL;  // the argument must be constant
  const char *name = name_of(x);
  return sum * 10 + calls + atomic_load(&total) + (name ? 3 : 8) + flags.odd;
}
"""
SHOWS = r"""
#include <stdio.h>
long all(int x, int y);
int main(void) {
  for (int x = -3; x < 12; x++)
    for (int y = -3; y < 12; y++) printf("%ld\n", all(x, y));
}
"""


class Sources(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="latin-1") as f:
            f.write(text)
        return path

    def find(self, text):
        path = self.write("source.c", text)
        found = sites.find(path, text, sites.parse(path, CLANG, "."))
        return found, sites.number({path: found})

    def shown(self, text):
        return [mutant.shown for mutant in self.find(text)[1]]

    def compile(self, name, *texts):
        paths = [self.write("%s%d.c" % (name, i), text) for i, text in enumerate(texts)]
        program = os.path.join(self.folder.name, name)
        subprocess.run(CLANG + paths + ["-o", program], check=True)
        return program

    def compile_with_mutants(self, name, found, mutants, text, main):
        return self.compile(name, schemata.HEADER + schemata.rewrite(text, found),
                            schemata.chooser(len(mutants)), main)


class Finding(Sources):
    def test_the_mutants_of_each_operator(self):
        self.assertEqual(self.shown("int f(int a, int b) { return a < b; }"), [
            "return a {< -> <=} b", "return a {< -> !=} b", "return {a < b -> 0}"])
        self.assertEqual(self.shown("unsigned f(unsigned a) { return a != 0; }"), [
            "return {a != 0 -> 0}", "return {a != 0 -> 1}", "return a != {0 -> 1}"])
        self.assertEqual(self.shown("int f(int a, int b) { return a - b; }"), [
            "return a {- -> +} b", "return a{- b -> nothing}"])
        self.assertEqual(self.shown("int f(int a, int b) { return a && b; }"), [
            "return a {&& -> ||} b", "return a{&& b -> nothing}", "return {a && -> nothing}b",
            "return {a && b -> 0}"])
        self.assertEqual(self.shown("int f(void); int g(void) { if (f()) return 3; return f(); }"),
                         ["{f() -> 0}", "{f() -> 1}", "return {3 -> 0}", "return {3 -> 4}",
                          "return {3 -> 2}", "return {f() -> !(f())}"])
        self.assertEqual(self.shown("int n; void f(void); void g(void) { f(); n++; n = -n; }"), [
            "{f() -> nothing}", "{n++ -> nothing}", "n{++ -> --}", "{n = -n -> nothing}",
            "n = {- -> nothing}n"])
        self.assertEqual(self.shown("void f(int n) { for (int i = 0; i < n; i++) if (i) break; }"),
                         ["int i = {0 -> 1};", "i {< -> <=} n", "{i < n -> 0}", "i{++ -> --}",
                          "{i -> 0}", "{i -> 1}", "{break -> nothing}"])

    def test_pointers_stay_pointers(self):
        self.assertEqual(self.shown("char *f(char *p, char *q) { return q - p ? p + 2 : 0; }"), [
            "return {q - p -> 0} ? p + 2 : 0", "return {q - p -> 1} ? p + 2 : 0",
            "return q - p ? p {+ -> -} 2 : 0", "return q - p ? p + {2 -> 0} : 0",
            "return q - p ? p + {2 -> 3} : 0", "return q - p ? p + {2 -> 1} : 0"])

    def test_nothing_in_macros_assertions_and_constants(self):
        for text in ("#include <assert.h>\nvoid f(int a) { assert(a < 3); }",
                     "enum { A = 1 + 2 }; static int n = 3 + 4;",
                     "#define LESS(a, b) ((a) < (b))\nvoid f(int a, int b) { (void)LESS(a, b); }",
                     "void f(void) { static int n = 3; _Static_assert(1 + 1 == 2, \"\"); }",
                     "void f(int a) { switch (a) { case 1 + 1: default: ; } }",
                     "void f(int a) { int b[2 + 3]; (void)sizeof(a + 1); (void)b; }"):
            self.assertEqual(self.shown(text), [], text)

    def test_long_statements_are_shortened(self):
        long = " + ".join("a%d" % i for i in range(40))
        arguments = ", ".join("int a%d" % i for i in range(40))
        for shown in self.shown("int f(%s) { return %s; }" % (arguments, long)):
            self.assertLessEqual(len(shown), 150)

    def test_what_does_not_compile_is_said_in_a_line(self):
        with self.assertRaisesRegex(sites.Unreadable, "^[^\n]*error: [^\n]*$"):
            self.find("int f(void) { return nobody; }")


class Rewriting(Sources):
    def output(self, program, mutant=0):
        return subprocess.run([program], env={"RT_MUTANT": str(mutant)}, timeout=None,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def test_each_mutant_does_what_the_source_changed_by_hand_does(self):
        found, mutants = self.find(SOURCE)
        self.assertGreater(len(mutants), 100)
        program = self.compile_with_mutants("all", found, mutants, SOURCE, SHOWS)
        original = self.output(self.compile("original", SOURCE, SHOWS))
        self.assertEqual(original.returncode, 0)
        self.assertEqual(self.output(program).stdout, original.stdout)
        differ = 0
        for site in found:
            for mutant in site.mutants:
                if mutant.number % 3 or "++ -> --" in mutant.shown:
                    continue  # of three one, for the time; and of the last some do not end
                new = "" if site.form == "jump" else "(%s)" % schemata.convert(site, mutant.text)
                by_hand = SOURCE[:site.start] + new + SOURCE[site.end:]
                want = self.output(self.compile("by_hand", by_hand, SHOWS))
                got = self.output(program, mutant.number)
                self.assertEqual((got.returncode, got.stdout), (want.returncode, want.stdout),
                                 mutant.shown)
                differ += got.stdout != original.stdout
        self.assertGreater(differ, len(mutants) / 6)


TESTED = """
int is_small(int n) { return n < 10; }
int unused(void) { return 7; }
void count(int n) { while (n > 0) n--; }
int *deref(int *p) { if (!p) return 0; return p; }
"""
TESTS = r"""
#include <stdlib.h>
#include <string.h>
int is_small(int n);
void count(int n);
int *deref(int *p);
int main(int argc, char **argv) {
  int here = 5;
  if (strcmp(argv[1], "weak") == 0) return !(is_small(9) && !is_small(11));
  if (strcmp(argv[1], "strong") == 0) return !(is_small(9) && !is_small(10));
  if (strcmp(argv[1], "counts") == 0) count(3);
  if (strcmp(argv[1], "crashes") == 0) return *deref(&here) != 5;
  return 0;
}
"""


class Hunting(Sources):
    def hunt(self, names, seconds=100, main=TESTS):
        found, mutants = self.find(TESTED)
        program = self.compile_with_mutants("tests", found, mutants, TESTED, main)
        where = hunt.Range(self.folder.name, self.folder.name, len(mutants))
        made = [programs.Program(name, [program, name], False) for name in names]
        left_out = []
        with hunt.Hunt(where, 2, lambda text: None) as hunters:
            cases = hunters.measure(made, left_out)
            verdicts = hunters.kill(mutants, cases, seconds, "plain")
        return {m.shown: verdicts[m.number] for m in mutants}, left_out

    def test_a_weak_test_leaves_a_survivor_that_a_strong_one_kills(self):
        weak, _ = self.hunt(["weak"])
        self.assertTrue(weak["return {n < 10 -> 0}"].killed)
        self.assertEqual(weak["return {n < 10 -> 0}"].by, "weak")
        self.assertFalse(weak["return n {< -> <=} 10"].killed)
        self.assertEqual(weak["return n {< -> <=} 10"].ran, 1)
        both, _ = self.hunt(["weak", "strong"])
        self.assertEqual(both["return n {< -> <=} 10"].by, "strong")

    def test_what_no_test_reaches_survives(self):
        verdicts, _ = self.hunt(["weak"])
        self.assertEqual(verdicts["return {7 -> 8}"], hunt.Verdict(False))

    def test_endless_loops_and_crashes_kill(self):
        before, hunt.GRACE = hunt.GRACE, 0.5
        self.addCleanup(setattr, hunt, "GRACE", before)
        verdicts, _ = self.hunt(["counts", "crashes"])
        self.assertEqual(verdicts["{n-- -> nothing}"].how, "slow")
        self.assertEqual(verdicts["{!p -> 1}"].how, "signal 11")

    def test_a_machine_that_has_become_slow_kills_nothing(self):
        before, hunt.GRACE = hunt.GRACE, 0.3
        self.addCleanup(setattr, hunt, "GRACE", before)
        slow_later = TESTS.replace("int here = 5;", r"""int here = 5;
          if (getenv("RT_MUTANT_MAP")) fclose(fopen("busy", "w"));
          else if (access("busy", F_OK) == 0) sleep(1);""").replace(
              "#include <string.h>", "#include <stdio.h>\n#include <string.h>\n#include <unistd.h>")
        verdicts, _ = self.hunt(["strong"], main=slow_later)
        self.assertFalse(any(verdict.killed for verdict in verdicts.values()))

    def test_a_failure_that_does_not_come_again_kills_nothing(self):
        now_and_then = TESTS.replace("int here = 5;", r"""int here = 5;
          const char *mutant = getenv("RT_MUTANT");
          if (mutant && access(mutant, F_OK) != 0) {
            fclose(fopen(mutant, "w"));
            return 1;
          }
          if (mutant) unlink(mutant);""").replace(
              "#include <string.h>", "#include <stdio.h>\n#include <string.h>\n#include <unistd.h>")
        verdicts, _ = self.hunt(["weak"], main=now_and_then)
        self.assertFalse(verdicts["return n {< -> <=} 10"].killed)
        self.assertTrue(verdicts["return {n < 10 -> 0}"].killed)

    def test_a_test_that_fails_by_itself_is_left_out_and_said(self):
        verdicts, left_out = self.hunt(["weak", "strong"], main=TESTS.replace("int here", r"""
            if (strcmp(argv[1], "strong") == 0) return 3;
            int here"""))
        self.assertEqual(left_out, ["strong ended with 3 without a mutant"])
        self.assertFalse(verdicts["return n {< -> <=} 10"].killed)


    def test_nobody_is_left_behind_by_who_is_interrupted(self):
        endless = TESTS.replace("int here = 5;", r"""int here = 5;
            if (getenv("RT_MUTANT")) {
              FILE *f = fopen("pid", "w");
              fprintf(f, "%d", (int)getpid());
              fclose(f);
              for (;;) pause();
            }""").replace("#include <string.h>",
                          "#include <stdio.h>\n#include <string.h>\n#include <unistd.h>")
        pid = os.path.join(self.folder.name, "pid")

        class Interrupted(Exception):
            pass

        def look(*_):
            if os.path.exists(pid) and os.path.getsize(pid):
                raise Interrupted

        before = signal.signal(signal.SIGALRM, look)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        with self.assertRaises(Interrupted):
            self.hunt(["weak"], main=endless)
        signal.setitimer(signal.ITIMER_REAL, 0)
        with open(pid) as f:
            left = int(f.read())
        # Killed is not gone: who inherits it has to look after it first.
        with self.assertRaises(ProcessLookupError):
            for _ in range(200):
                os.kill(left, 0)
                time.sleep(0.05)


class Explaining(Sources):
    MUTANTS = [sites.Mutant("a.c", "f", 1, "a {< -> <=} b", "", 1),
               sites.Mutant("a.c", "f", 2, "a{++ -> --}", "", 2)]
    LIST = "# why\na.c f\n  a {< -> <=} b\n    both\n    are the same\n"

    def read(self, text):
        return survivors.read(self.write("survivors.txt", text))

    def check(self, text, *killed):
        verdicts = {n: hunt.Verdict(n in killed, "t") for n in (1, 2)}
        explained = self.read(text)
        problems = survivors.check(explained, self.MUTANTS, verdicts, lambda key: True)
        return problems, score.count(self.MUTANTS, verdicts, explained)[""]

    def test_the_explained_do_not_count_and_are_counted(self):
        problems, figures = self.check(self.LIST, 2)
        self.assertEqual(problems, [])
        self.assertEqual((figures["score"], figures["raw"]), (100, 50))
        self.assertEqual((figures["killed"], figures["explained"], figures["survived"]), (1, 1, 0))
        self.assertEqual(self.read(self.LIST)["a.c", "f", "a {< -> <=} b"].reason,
                         "both are the same")

    def test_a_survivor_counts(self):
        _, figures = self.check("", 2)
        self.assertEqual((figures["score"], figures["raw"], figures["survived"]), (50, 50, 1))

    def test_a_line_that_a_test_kills_or_that_names_nothing_is_an_error(self):
        self.assertIn("is killed by t", self.check(self.LIST, 1, 2)[0][0])
        self.assertIn("names no mutant", self.check(self.LIST.replace("a.c f", "a.c g"), 2)[0][0])

    def test_a_list_that_cannot_be_read(self):
        for text in ("a.c\n", "a.c f\n  x\n", "  x\n", self.LIST + "  a {< -> <=} b\n    twice\n"):
            with self.assertRaises(BadInput):
                self.read(text)

    def test_the_list_of_the_tree_is_in_order(self):
        self.assertIsInstance(survivors.read(), dict)


class Arguments(unittest.TestCase):
    def test_bad_ones_give_one_line(self):
        for arguments in (["--frobnicate"], ["--only"], ["--only", "("], ["-t", "0"], ["-j", "x"],
                          ["-j", "0"], ["surplus"]):
            done = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "mutate")] +
                                  arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertEqual(done.stdout, "")
            self.assertRegex(done.stderr, "^tools/mutate: [^\n]+\n$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
