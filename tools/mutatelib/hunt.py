"""Running tests against mutants: which cases of which programs reach a mutant, and which kill it.

The unit is a case of GoogleTest, in a process of its own; a program that is none is one case.  A
mutant is run against the cases that reach it, those first that are likely to kill it soon, until
one does: by failing, by crashing, or by taking ten times as long as without.
"""

import collections
from concurrent import futures
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field

from comparelib import child
from comparelib.plan import BadInput

SLOWER, GRACE = 10, 3  # a case may take so many times its time, and so many seconds
BUSY = 3  # a machine is where a case takes so many times its time without a mutant
SAYS_EVERY = 10  # seconds


@dataclass
class Case:
    program: str
    name: str
    argv: list
    env: dict
    seconds: float = 0
    reached: frozenset = frozenset()  # the first mutants of sites

    def title(self):
        return self.program + (" " + self.name if self.name else "")


@dataclass
class Verdict:
    killed: bool
    by: str = ""       # the case
    how: str = ""      # "failed", "signal N" or "slow"
    stage: str = ""    # the configuration, where it was killed
    reached_by: int = 0  # cases
    ran: int = 0

    def ran_all(self):
        return self.ran == self.reached_by


@dataclass
class Range:
    """Where tests run: everything that a worker must know."""
    cwd: str
    scratch: str
    nmutants: int
    env: dict = field(default_factory=dict)


# ---- In a worker -----------------------------------------------------------------------------

def _begin_worker():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's; who started us sends SIGTERM
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # takes along the child that runs
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:  # a mutant may take all memory there is: it, then, and nobody else
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as f:
            f.write("1000")
    except OSError:
        pass


def _run(where, argv, env, timeout, **more):
    with tempfile.TemporaryDirectory(dir=where.scratch) as folder:
        env = {**os.environ, **where.env, **env, **more, "TEST_TMPDIR": folder}
        try:
            return child.run(argv, timeout, env, where.cwd)
        except SystemExit:  # which is all the same to the loop that asks us
            os._exit(1)


def _list(where, program):
    """The cases of a program."""
    if not program.googletest:
        return [Case(program.name, "", program.argv, program.env)]
    done = _run(where, program.argv + ["--gtest_list_tests"], program.env, 60)
    cases, suite = [], ""
    for line in done.stdout.split("\n"):
        name = line.split("#")[0].rstrip()
        if name.startswith("  ") and "DISABLED_" not in suite + name:
            cases.append(Case(program.name, suite + name.strip(), program.argv + [
                "--gtest_filter=" + suite + name.strip(), "--gtest_brief=1"], program.env))
        elif name.endswith(".") and not name.startswith(" "):
            suite = name
    return cases


def _measure(where, case):
    """Runs a case without a mutant; returns (seconds, reached), or (None, what went wrong)."""
    with tempfile.NamedTemporaryFile(dir=where.scratch) as f:
        f.truncate(where.nmutants + 1)
        done = _run(where, case.argv, case.env, 120, RT_MUTANT_MAP=f.name)
        reached = f.read()
    if done.code != 0 or done.timed_out:
        return None, "timed out" if done.timed_out else "ended with %d" % done.code
    return done.seconds, frozenset(n for n, byte in enumerate(reached) if byte)


def _kill(where, number, cases):
    """Runs cases against a mutant; returns (index of the one that kills it or None, how)."""
    for i, case in enumerate(cases):
        limit = SLOWER * case.seconds + GRACE
        done = _run(where, case.argv, case.env, limit, RT_MUTANT=str(number))
        if done.timed_out:
            # Or is it the machine, which others keep busy?
            control = _run(where, case.argv, case.env, limit)
            if control.timed_out:
                continue
            if control.seconds > BUSY * case.seconds + GRACE / 10:
                limit = SLOWER * control.seconds + GRACE
                done = _run(where, case.argv, case.env, limit, RT_MUTANT=str(number))
        if done.timed_out:
            return i, "slow"
        # Once more: a test that fails now and then by itself proves nothing.
        if done.code != 0:
            done = _run(where, case.argv, case.env, limit, RT_MUTANT=str(number))
            if done.code != 0 or done.timed_out:
                return i, "signal %d" % -done.code if done.code < 0 else "failed"
    return None, ""


# ---- In the one that asks --------------------------------------------------------------------

class Hunt:
    """A number of workers; use it in a with statement."""

    def __init__(self, where, jobs, say):
        self.where, self.jobs, self.say = where, jobs, say

    def __enter__(self):
        os.makedirs(self.where.scratch, exist_ok=True)
        self.pool = futures.ProcessPoolExecutor(self.jobs, initializer=_begin_worker)
        return self

    def __exit__(self, failed, *_):
        workers = multiprocessing.active_children() if failed else []
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join(5)
            worker.kill()
        self.pool.shutdown(wait=not failed, cancel_futures=True)

    def _each(self, function, items):
        """function(where, *item) for each of the items, which are asked for as workers come free.
        Yields (index, result)."""
        pending, items, n = {}, iter(items), 0
        while True:
            while len(pending) < self.jobs + 1:
                item = next(items, None)
                if item is None:
                    break
                pending[n] = self.pool.submit(function, self.where, *item)
                n += 1
            if not pending:
                return
            ready = [i for i, result in pending.items() if result.done()]
            for i in ready:
                yield i, pending.pop(i).result()
            if not ready:
                futures.wait(pending.values(), 1, futures.FIRST_COMPLETED)

    def measure(self, programs, left_out):
        """The cases of the programs that pass, with their times and what they reach.  Appends to
        left_out a line for each that does not."""
        cases = []
        for i, found in self._each(_list, [(program,) for program in programs]):
            if not found:
                raise BadInput("%s lists no tests" % programs[i].name)
            cases += found
        cases.sort(key=lambda case: (case.program, case.name))
        good, said = [], time.monotonic()
        for n, (i, (seconds, reached)) in enumerate(self._each(_measure, [(c,) for c in cases])):
            if seconds is None:
                left_out.append("%s %s without a mutant" % (cases[i].title(), reached))
            else:
                cases[i].seconds, cases[i].reached = seconds, reached
                good.append(cases[i])
            if time.monotonic() - said > SAYS_EVERY:
                said = time.monotonic()
                self.say("%d of %d test cases run" % (n + 1, len(cases)))
        return sorted(good, key=lambda case: (case.program, case.name))

    def kill(self, mutants, cases, seconds, stage, keep=lambda verdicts: None):
        """{number: Verdict} of the mutants; a mutant is run against cases that take no longer than
        `seconds` altogether by themselves, and survives where those do not kill it.
        What is known is given to `keep` now and then: it may be all there will ever be."""
        order = Order(cases, seconds)
        chosen, verdicts, said = [], {}, time.monotonic()

        def items():
            for mutant in mutants:
                chosen.append(order.choose(mutant))
                yield mutant.number, chosen[-1]

        for i, (at, how) in self._each(_kill, items()):
            mutant, tried = mutants[i], chosen[i]
            chosen[i] = None
            verdict = Verdict(at is not None, reached_by=order.reached_by(mutant), ran=len(tried))
            if at is not None:
                verdict.by, verdict.how, verdict.stage = tried[at].title(), how, stage
                order.learn(mutant, tried[at])
            verdicts[mutant.number] = verdict
            if time.monotonic() - said > SAYS_EVERY:
                said = time.monotonic()
                self.say("%d of %d mutants run, %d survive" % (
                    len(verdicts), len(mutants), sum(not v.killed for v in verdicts.values())))
                keep(verdicts)
        return verdicts


class Order:
    """Which cases to run first: those that have killed in the same function or file, and those of
    the test of that file, for the time that they take."""

    def __init__(self, cases, seconds):
        self.cases, self.seconds = cases, seconds
        self.kills = collections.Counter()
        self.reaching = collections.defaultdict(list)
        for case in cases:
            for site in case.reached:
                self.reaching[site].append(case)

    def reached_by(self, mutant):
        return len(self.reaching[mutant.site])

    def choose(self, mutant):
        folder, name = os.path.split(mutant.file)
        stem, folder = name.split(".")[0], os.path.basename(folder)

        def worth(case):
            likely = 0.05 + 0.5 * case.program.startswith((stem, folder))
            likely += self.kills[mutant.file, case.title()]
            likely += 4 * self.kills[mutant.file, mutant.function, case.title()]
            return likely / (0.02 + case.seconds)

        chosen, spent = [], 0
        for case in sorted(self.reaching[mutant.site], key=worth, reverse=True):
            if chosen and spent + case.seconds > self.seconds:
                continue
            chosen.append(case)
            spent += case.seconds
        return chosen

    def learn(self, mutant, case):
        self.kills[mutant.file, case.title()] += 1
        self.kills[mutant.file, mutant.function, case.title()] += 1


# ---- What is kept from one run to the next ---------------------------------------------------

def save(path, mutants, verdicts):
    nobody = Verdict(False)
    rows = [{**vars(mutant), **vars(verdicts.get(mutant.number, nobody))} for mutant in mutants]
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump(rows, f, indent=1)
    os.replace(path + ".new", path)


def load(path):
    """{(file, function, shown, which of these): Verdict} of an earlier run."""
    try:
        with open(path, encoding="utf-8") as f:
            rows = json.load(f)
        seen, found = collections.Counter(), {}
        for row in rows:
            key = row["file"], row["function"], row["shown"]
            seen[key] += 1
            found[key + (seen[key],)] = Verdict(**{
                name: row[name] for name in Verdict.__dataclass_fields__})
        return found
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInput("%s holds no earlier run" % path) from None
