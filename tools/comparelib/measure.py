"""The rounds.  Every round runs each trial and each benchmark program once, in fresh processes and
in a new random order, so that no side of a comparison has the machine's better minute.

Each process also has a layout: which link of its program it is, and how much its environment was
padded, which shifts where the first stack begins.  It is kept with the samples.
"""

import os
import random
import sys
import time
from dataclasses import dataclass, field

from comparelib import child, gbench, parked, verdict

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
class Programs:
    """What was built, once per link order: each value is a list of paths."""
    workloads: list
    benchmarks: dict  # by label
    parked: list      # empty: not built


@dataclass
class Bench:
    """A benchmark program, the names in it that are wanted, and their results in each round."""
    label: str
    links: list  # the program, in each link order
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


class Layouts:
    """Deals out layouts: to each job every pair of link order and environment size once, in a
    random order of its own, or where sizes are not crossed a random size each time."""

    def __init__(self, effort, rng):
        self.effort, self.rng, self.dealt = effort, rng, {}
        self.sizes = [rng.randrange(LARGEST_PADDING) for _ in range(effort.env_sizes)]

    def deal(self, job, number):
        links = self.effort.link_orders
        if not self.sizes:
            return {"link": number % links, "padding": self.rng.randrange(LARGEST_PADDING)}
        if job not in self.dealt:
            pairs = [{"link": k, "padding": n} for k in range(links) for n in self.sizes]
            self.dealt[job] = self.rng.sample(pairs, len(pairs))
        return self.dealt[job][number % len(self.dealt[job])]


def environment(layout):
    """Ours, less what would change the runtime's defaults, and the layout's padding."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GO_", "GOMAXPROCS"))}
    env["COMPARE_PADDING"] = "x" * layout["padding"]
    return env


def find_benches(programs, wanted, effort, problems):
    """Lists the benchmark programs: {label: links} to [Bench] of those with wanted names."""
    benches = []
    for label, links in sorted(programs.items()):
        try:
            names = gbench.list_names(links[0])
        except gbench.BadOutput as error:
            problems.append("%s %s" % (label, error))
            continue
        matching = [n for n in names if wanted(n) or wanted(label)]
        kept = gbench.thin_out(matching) if effort.thin_out else matching
        if kept:
            benches.append(Bench(label, links, kept, 0, len(matching) - len(kept)))
    total = sum(len(b.names) for b in benches)
    for b in benches:
        b.seconds = gbench.min_seconds(effort.bench_seconds, total, effort.rounds)
    return benches


def _run_trial(trial, program, effort, env):
    return verdict.judge(child.run(trial.argv(program), effort.timeout, env=env))


def _run_part(part, layout, number, problems):
    bench = part.bench
    if part.late:
        return
    timeout = 20 + 40 * len(part.names) * part.seconds
    try:
        _, rows = gbench.run(bench.links[layout["link"]], part.names, part.seconds, timeout,
                             environment(layout))
    except gbench.BadOutput as error:
        part.late = True  # not again: the rounds of the others are worth more
        problems.append("%s %s; given up: %s" % (bench.label, error, " ".join(part.names)))
        return
    while len(bench.rounds) <= number:
        bench.rounds.append({})
    bench.rounds[number].update({n: dict(row, layout=layout) for n, row in rows.items()})
    for name in part.names:
        problem = "%s printed no result for %s" % (bench.label, name)
        if name not in rows and problem not in problems:
            problems.append(problem)


def make_jobs(trials, benches, lots):
    """[(expected seconds, job)]: the weights that the progress line goes by."""
    jobs = [(0.12, trial) for trial in trials]
    jobs += [(0.3, lot) for lot in lots]
    for bench in benches:
        # One that times a part of its loop by hand may do a hundred times as much beside it.
        by_hand = [n for n in bench.names if "manual_time" in n]
        others = [n for n in bench.names if "manual_time" not in n]
        parts = [Part(bench, names, bench.seconds) for names in gbench.split(others)]
        parts += [Part(bench, names, bench.seconds / 5) for names in gbench.split(by_hand)]
        jobs += [(0.2 + 4 * len(p.names) * bench.seconds, p) for p in parts]
    return jobs


class Run:
    """What the rounds leave: benches keep their own."""

    def __init__(self, programs, effort, seed, problems):
        self.programs, self.effort, self.problems = programs, effort, problems
        self.verdicts = {}  # {trial: [Verdict of each run]}
        self.parked = {}    # {parked.Lot: [its memory in each run]}
        self.rng = random.Random(seed)
        self.layouts = Layouts(effort, self.rng)
        self.bench_spent = 0.0

    def do(self, job, number):
        layout = self.layouts.deal(str(job) if isinstance(job, Part) else job, number)
        link = layout["link"]
        if isinstance(job, Part):
            # Each once, whatever it takes; then as long as there is time.
            if number == 0 or self.bench_spent < self.effort.bench_seconds:
                begin = time.monotonic()
                _run_part(job, layout, number, self.problems)
                self.bench_spent += time.monotonic() - begin
        elif isinstance(job, parked.Lot):
            self._park(job, self.programs.parked[link], layout)
        else:
            earlier = self.verdicts.setdefault(job, [])
            hung = any(v.kind == verdict.HUNG for v in earlier)
            enough = job.runs and len(earlier) >= job.runs
            if not enough and (self.effort.retry_hung or not hung):
                came = _run_trial(job, self.programs.workloads[link], self.effort,
                                  environment(layout))
                came.layout = layout
                earlier.append(came)

    def _park(self, lot, program, layout):
        try:
            memory = parked.park(program, lot, environment(layout), self.effort.timeout)
        except parked.Failed as error:
            problem = "%s: %s" % (lot, error)
            if problem not in self.problems:
                self.problems.append(problem)
            return
        self.parked.setdefault(lot, []).append(dict(memory, layout=layout))


def run_all(trials, lots, programs, benches, effort, seed, problems, stream=None):
    """Runs everything; returns the Run."""
    run = Run(programs, effort, seed, problems)
    jobs = make_jobs(trials, benches, lots)
    progress = Progress(sum(weight for weight, _ in jobs) * effort.rounds, stream)
    try:
        for number in range(effort.rounds):
            run.rng.shuffle(jobs)
            for weight, job in jobs:
                run.do(job, number)
                progress.step(str(job), weight)
    finally:
        progress.end()
    return run
