#!/usr/bin/python3
"""Proves the pure core of copystack with Frama-C, and that the proof can fail.

usage: proof.py proof | smoke | mutants [N ...]

proof     every contract, no run-time error, every end reached
smoke     no contract contradicts itself; a false goal for each function is not proved
mutants   each edit of mutants.txt (or those of these numbers) leaves something unproved
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CORE = ["adjustwords.c", "copybounds.c", "fault.c"]
FOLDER = "runtime/stack"
NOT_OF_THE_CORE = "rt_stack_class"  # inline functions of the headers that no function of it calls
# Limits for one goal and prover, on the wall clock.  No goal takes a second of processor time: the
# proof leaves room for a machine that has much else to do; a mutant costs the limit several times.
PROOF_SECONDS, MUTANT_SECONDS = 60, 10

GOAL = re.compile(r"\[wp\] \[(.*?)\] (?:Goal|Smoke-test) (?:typed_)?(\w+)(?: :.*)?$")


class Frama:
    """Runs Frama-C in a copy of the sources, `root`."""

    def __init__(self, root):
        self.root = root
        # why3 keeps in its configuration where the provers are.  Frama-C believes PWD, not where it
        # is: with another it would prove the sources there, and no mutant of these.
        self.env = dict(os.environ, HOME=root, PWD=root, LC_ALL="C")
        self.run("why3", "config", "detect")

    def run(self, *command):
        done = subprocess.run(command, cwd=self.root, env=self.env, text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            sys.exit("%s\n%s: status %d" % (done.stdout, command[0], done.returncode))
        return done.stdout

    def prove(self, seconds, *options):
        """Returns ({goal: proved}, output)."""
        # Frama-C 25 does not know _Atomic: stack.h has it in types that the core does not use.
        out = self.run("frama-c", "-machdep", "gcc_x86_64", "-cpp-extra-args=-I. -D_Atomic=",
                       *("%s/%s" % (FOLDER, name) for name in CORE),
                       "-wp", "-wp-skip-fct", NOT_OF_THE_CORE, "-wp-rte",
                       "-wp-definitions-terminate", "-wp-prover", "cvc4,z3", "-wp-timeout",
                       str(seconds), "-wp-par", "2", "-wp-cache", "none", *options)
        goals = {}
        for line in out.splitlines():
            found = GOAL.match(line)
            if found:
                goals[found[2]] = found[1] not in ("Failed", "Timeout", "Unknown", "Stepout")
        counts = re.findall(r"^\[wp\] Proved goals: +(\d+) / (\d+)$", out, re.M)
        seen = (str(sum(goals.values())), str(len(goals)))
        if counts != [seen]:
            sys.exit("%s\nread %s of %s goals, Frama-C says %s" % (out, *seen, counts))
        return goals, out


def lay_out(folder):
    """Copies the sources of the core, and what they include, to a folder of their own."""
    shutil.copytree("runtime", os.path.join(folder, "runtime"))  # links become files
    return folder


def edit(path, change):
    """Changes a file; returns what was in it."""
    with open(path) as f:
        text = f.read()
    os.remove(path)  # a copy of what may not be written
    with open(path, "w") as f:
        f.write(change(text))
    return text


def unproved(goals):
    return sorted(name for name, proved in goals.items() if not proved)


def function_of(goal):
    """typed_adjust_loop_assigns_part1 -> adjust: what comes before the kind of the goal."""
    kinds = (r"_(?:wp_smoke|terminates|foreign|ours|complete|disjoint|ensures|assigns|assert|loop|"
             r"call|exits|absurd)(?:_|$)")
    return re.sub(r"_\d+$", "", re.split(kinds, goal, maxsplit=1)[0])


def check_proof(frama):
    goals, out = frama.prove(PROOF_SECONDS)
    print(out)
    missing = unproved(goals)
    functions = {function_of(goal) for goal in goals}
    bare = functions - {function_of(goal) for goal in goals if re.search("_ensures(_|$)", goal)}
    print("%d functions: %s" % (len(functions), " ".join(sorted(functions))))
    print("%d of %d goals proved" % (len(goals) - len(missing), len(goals)))
    for goal in missing:
        print("NOT PROVED " + goal)
    for function in sorted(bare):
        print("NO CONTRACT: %s ensures nothing" % function)
    return bool(goals) and not missing and not bare


def check_smoke(frama):
    """Frama-C's own smoke tests pass, and nothing proves a false goal at the end of a function."""
    goals, out = frama.prove(MUTANT_SECONDS, "-wp-smoke-tests", "-wp-smoke-timeout", "5")
    functions = {function_of(goal) for goal in goals}
    smoke = [goal for goal in goals if "_wp_smoke_" in goal]
    failed = [goal for goal in smoke if not goals[goal]]
    print("%s\n%d smoke tests, %d failed" % (out, len(smoke), len(failed)), flush=True)
    for name in os.listdir(os.path.join(frama.root, FOLDER)):
        # Contracts are indented by 4, what belongs to a loop or a behavior by more.
        if name.endswith((".c", ".h")):
            edit(os.path.join(frama.root, FOLDER, name), lambda text: re.sub(
                r"^    assigns .*;$", r"\g<0> ensures absurd: \\false;", text, flags=re.M))
    goals, out = frama.prove(MUTANT_SECONDS, "-wp-prop", "absurd")
    proved = sorted(set(goals) - set(unproved(goals)))
    without = functions - {function_of(goal) for goal in goals}
    print("%s\n%d false goals, %d of them proved" % (out, len(goals), len(proved)))
    for function in sorted(without):
        print("WITHOUT A FALSE GOAL: " + function)
    return bool(smoke) and not failed and not proved and not without


def read_mutants():
    """Yields (file, function, what, old text, new text)."""
    with open(os.path.join(HERE, "mutants.txt")) as f:
        blocks = re.split(r"\n\n+", re.sub(r"^#.*\n", "", f.read(), flags=re.M).strip())
    for block in blocks:
        head, *lines = block.split("\n")
        file, function, what = re.fullmatch(r"(\S+) (\w+): (.*)", head).groups()
        old, new = ("\n".join(line[2:] for line in lines if line[0] == sign) for sign in "-+")
        yield file, function, what, old, new


def replace_once(text, old, new):
    if text.count(old) != 1:
        sys.exit("mutants.txt: %d times in the file, not once: %s" % (text.count(old), old))
    return text.replace(old, new)


def check_mutants(frama, numbers):
    mutants = list(enumerate(read_mutants(), 1))
    if numbers:
        mutants = [m for m in mutants if m[0] in numbers]
    # Within the same limits everything is proved as it stands: what is not, is the mutant's doing.
    functions = sorted({mutant[1] for _, mutant in mutants})
    left = unproved(frama.prove(MUTANT_SECONDS, "-wp-fct", ",".join(functions))[0])
    if left:
        print("NOT PROVED without a mutant: %s" % left)
        return False
    survived = 0
    for number, (file, function, what, old, new) in mutants:
        path = os.path.join(frama.root, FOLDER, file)
        before = edit(path, lambda text: replace_once(text, old, new))
        goals = frama.prove(MUTANT_SECONDS, "-wp-fct", function)[0]
        edit(path, lambda _: before)
        left = unproved(goals)
        survived += not left
        print("%2d %-8s %s, %s: %s" % (number, "rejected" if left else "SURVIVED", function, what,
                                       left[0] if left else "all goals proved"), flush=True)
    print("%d mutants, %d rejected" % (len(mutants), len(mutants) - survived))
    return survived == 0


def main(argv):
    absent = [tool for tool in ("frama-c", "why3", "z3", "cvc4") if not shutil.which(tool)]
    if absent:
        print("SKIPPED: no %s here: tools/setup --for proof installs it" % ", ".join(absent))
        return 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
        frama = Frama(lay_out(folder))
        if argv == ["proof"]:
            return 0 if check_proof(frama) else 1
        if argv == ["smoke"]:
            return 0 if check_smoke(frama) else 1
        if argv[:1] == ["mutants"]:
            return 0 if check_mutants(frama, [int(n) for n in argv[1:]]) else 1
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
