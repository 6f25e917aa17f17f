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
        self.total, self.done, self.begin = max(1e-9, total), 0.0, time.monotonic()
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.shown_tenth = 0
        self.width = 0

    def step(self, what, weight):
        self.done += weight
        share = min(1, self.done / self.total + 1e-9)
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
    """A benchmark program, the names in it that are wanted, and their results in each round."""
    label: str
    program: str
    names: list
    seconds: float
    left_out: int = 0  # wanted too, but not in the quick mode
    rounds: list = field(default_factory=list)


@dataclass
class Part:
    """Some of a program's benchmarks: what one process runs."""
    bench: Bench
    names: list
    seconds: float  # for each
    late: bool = False

    def __str__(self):
        return self.bench.label


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
        matching = [n for n in names if wanted(n) or wanted(label)]
        kept = gbench.thin_out(matching) if effort.thin_out else matching
        if kept:
            benches.append(Bench(label, program, kept, 0, len(matching) - len(kept)))
    total = sum(len(b.names) for b in benches)
    for b in benches:
        b.seconds = gbench.min_seconds(effort.bench_seconds, total, effort.rounds)
    return benches


def _run_trial(trial, program, effort, env, verdicts):
    earlier = verdicts.setdefault(trial, [])
    if not effort.retry_hung and any(v.kind == verdict.HUNG for v in earlier):
        return
    if trial.runs and len(earlier) >= trial.runs:
        return
    earlier.append(verdict.judge(child.run(trial.argv(program), effort.timeout, env=env)))


def _run_part(part, env, number, problems):
    bench = part.bench
    if part.late:
        return
    timeout = 20 + 40 * len(part.names) * part.seconds
    try:
        _, rows = gbench.run(bench.program, part.names, part.seconds, timeout, env)
    except gbench.BadOutput as error:
        part.late = True  # not again: the rounds of the others are worth more
        problems.append("%s %s; given up: %s" % (bench.label, error, " ".join(part.names)))
        return
    while len(bench.rounds) <= number:
        bench.rounds.append({})
    bench.rounds[number].update(rows)
    for name in part.names:
        problem = "%s printed no result for %s" % (bench.label, name)
        if name not in rows and problem not in problems:
            problems.append(problem)


def make_jobs(trials, benches):
    """[(expected seconds, job)]: the weights that the progress line goes by."""
    jobs = [(0.12, trial) for trial in trials]
    for bench in benches:
        # One that times a part of its loop by hand may do a hundred times as much beside it.
        by_hand = [n for n in bench.names if "manual_time" in n]
        others = [n for n in bench.names if "manual_time" not in n]
        parts = [Part(bench, names, bench.seconds) for names in gbench.split(others)]
        parts += [Part(bench, names, bench.seconds / 5) for names in gbench.split(by_hand)]
        jobs += [(0.2 + 4 * len(p.names) * bench.seconds, p) for p in parts]
    return jobs


def run_all(trials, program, benches, effort, seed, problems, stream=None):
    """Runs everything; returns {trial: [Verdict of each run]}.  Benches keep their own rounds."""
    rng = random.Random(seed)
    jobs = make_jobs(trials, benches)
    progress = Progress(sum(weight for weight, _ in jobs) * effort.rounds, stream)
    verdicts = {}
    bench_spent = 0.0
    try:
        for number in range(effort.rounds):
            rng.shuffle(jobs)
            for weight, job in jobs:
                if isinstance(job, Part):
                    # Each once, whatever it takes; then as long as there is time.
                    if number == 0 or bench_spent < effort.bench_seconds:
                        begin = time.monotonic()
                        _run_part(job, environment(rng), number, problems)
                        bench_spent += time.monotonic() - begin
                else:
                    _run_trial(job, program, effort, environment(rng), verdicts)
                progress.step(str(job), weight)
    finally:
        progress.end()
    return verdicts
