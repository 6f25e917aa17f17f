"""The rounds.  Every round runs each trial and each benchmark program once, in fresh processes and
in a new random order, so that no side of a comparison has the machine's better minute.  Each
process also gets an environment of another size, which shifts where its first stack begins.
"""

import os
import random
import sys
import time
from dataclasses import dataclass, field

from comparelib import child, gbench, verdict

LARGEST_PADDING = 4096


class Progress:
    """One live line on a terminal; off one, a line at every tenth part."""

    def __init__(self, total, stream=None):
        self.total, self.done, self.begin = max(1, total), 0, time.monotonic()
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.shown_tenth = 0
        self.width = 0

    def step(self, what):
        self.done += 1
        share = self.done / self.total
        spent = time.monotonic() - self.begin
        text = "%3d%%  %s  (%.0f s, about %.0f s left)" % (
            100 * share, what, spent, spent / share - spent)
        if self.live:
            self.stream.write("\r" + text[:100].ljust(self.width))
            self.width = min(100, len(text))
            self.stream.flush()
        elif int(share * 10) > self.shown_tenth:
            self.shown_tenth = int(share * 10)
            self.stream.write(text + "\n")

    def end(self):
        if self.live:
            self.stream.write("\r" + " " * self.width + "\r")
            self.stream.flush()


@dataclass
class Bench:
    """A benchmark program and the names in it that are wanted."""
    label: str
    program: str
    names: list
    seconds: float
    rounds: list = field(default_factory=list)
    context: dict = field(default_factory=dict)


def environment(rng):
    """Ours, less what would change the runtime's defaults, and a padding of random length."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GO_", "GOMAXPROCS"))}
    env["COMPARE_PADDING"] = "x" * rng.randrange(LARGEST_PADDING)
    return env


def find_benches(programs, wanted, effort, problems):
    """Lists the benchmark programs: {label: path} to [Bench] of those with wanted names."""
    benches = []
    for label, program in sorted(programs.items()):
        try:
            names = gbench.list_names(program)
        except gbench.BadOutput as error:
            problems.append("%s %s" % (label, error))
            continue
        kept = [n for n in names if wanted(n) or wanted(label)]
        if kept:
            benches.append(Bench(label, program, kept, 0))
    total = sum(len(b.names) for b in benches)
    for b in benches:
        b.seconds = gbench.min_seconds(effort.bench_seconds, total, effort.rounds * 3)
    return benches


def _run_trial(trial, program, effort, env, verdicts):
    earlier = verdicts.setdefault(trial, [])
    if not effort.retry_hung and any(v.kind == verdict.HUNG for v in earlier):
        return
    earlier.append(verdict.judge(child.run(trial.argv(program), effort.timeout, env=env)))


def _run_bench(bench, env, problems):
    timeout = 30 + 20 * len(bench.names) * bench.seconds
    try:
        bench.context, rows = gbench.run(bench.program, bench.names, bench.seconds, timeout, env)
    except gbench.BadOutput as error:
        if not any(p.startswith(bench.label + " ") for p in problems):
            problems.append("%s %s" % (bench.label, error))
        return
    bench.rounds.append(rows)
    missing = [n for n in bench.names if n not in rows]
    for name in missing:
        problem = "%s printed no result for %s" % (bench.label, name)
        if problem not in problems:
            problems.append(problem)


def run_all(trials, program, benches, effort, seed, problems, stream=None):
    """Runs everything; returns {trial: [Verdict of each run]}.  Benches keep their own rounds."""
    rng = random.Random(seed)
    jobs = [("trial", t) for t in trials] + [("bench", b) for b in benches]
    progress = Progress(len(jobs) * effort.rounds, stream)
    verdicts = {}
    try:
        for _ in range(effort.rounds):
            rng.shuffle(jobs)
            for kind, job in jobs:
                env = environment(rng)
                if kind == "trial":
                    _run_trial(job, program, effort, env, verdicts)
                else:
                    _run_bench(job, env, problems)
                progress.step(str(job) if kind == "trial" else job.label)
    finally:
        progress.end()
    return verdicts
