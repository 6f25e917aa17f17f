"""Which trials are run, and how many times: from the workload program's own list.

Neither workloads nor strategies are named here: what the program lists is what is compared.
"""

import re
from dataclasses import dataclass

from comparelib import parked

THREAD = "thread"  # the baseline that every ratio is taken to
INITIAL_BYTES = 8192
# The families of benchmarks that a map is drawn from, and what its title says of them.
CLIMBS = {"BM_ClimbWarm": "warm: the pool has stacks", "BM_ClimbCold": "cold: all memory is new"}


class BadInput(Exception):
    """What the user asked for cannot be done; one line."""


@dataclass(frozen=True)
class Effort:
    """How much of everything a mode does."""
    rounds: int             # fresh processes per trial and benchmark program
    link_orders: int        # programs linked that many times, in shuffled orders; 1: as built
    env_sizes: int          # sizes of the environment that are crossed with them; 0: each random
    repeat: int             # repetitions in a process, of a library workload or a climb
    step_repeat: int        # of a growth step
    first_step_repeat: int  # of the step from the smallest size, whose distribution is drawn
    parked: int             # goroutines, whose memory is read
    timeout: float          # seconds for one process
    bench_seconds: float    # for all benchmark programs together
    retry_hung: bool
    thin_out: bool          # of benchmarks that differ in arguments only, a few
    large: bool             # programs in all their sizes, not the first ones only


# Ten processes on each side are what a rank test needs to find one change among hundreds.
QUICK = Effort(rounds=10, link_orders=1, env_sizes=0, repeat=16, step_repeat=100,
               first_step_repeat=600, parked=10_000, timeout=8, bench_seconds=90,
               retry_hung=False, thin_out=True, large=False)
FULL = Effort(rounds=15, link_orders=5, env_sizes=3, repeat=40, step_repeat=500,
              first_step_repeat=3000, parked=100_000, timeout=40, bench_seconds=900,
              retry_hung=True, thin_out=False, large=True)


@dataclass(frozen=True)
class Trial:
    workload: str
    growth: str
    kind: str       # "library", "initial" (size is the first size of the stack), "size" or
                    # "program" (a size of its own, or 0)
    size: int       # 0 for library workloads
    repeat: int
    runs: int = 0   # in as many rounds; 0: in all

    def argv(self, program):
        initial = self.size if self.kind == "initial" else INITIAL_BYTES
        argv = [program, "--workload", self.workload, "--growth", self.growth,
                "--initial", str(initial), "--repeat", str(self.repeat)]
        return argv + (["--size", str(self.size)] if self.kind in ("size", "program") else [])

    def __str__(self):
        return "%s%s / %s" % (self.workload, "/%d" % self.size if self.size else "", self.growth)


def compile_filter(text):
    """Returns a predicate on names for --only; None takes everything."""
    if text is None:
        return lambda name: True
    try:
        return re.compile(text).search
    except re.error as error:
        raise BadInput("--only: not a regular expression: %s" % error) from None


def check_list(listing):
    """Raises BadInput if the program's --list lacks something that is needed here."""
    for key, fields in (("strategies", ("name", "moves")),
                        ("workloads", ("name", "library", "does", "kind", "sizes"))):
        rows = listing.get(key)
        if not isinstance(rows, list) or not rows:
            raise BadInput("the workload program lists no %s" % key)
        for row in rows:
            for field in fields:
                if field not in row:
                    raise BadInput("the workload program's list of %s lacks %r" % (key, field))


def growths(listing):
    return [THREAD] + [s["name"] for s in listing["strategies"]]


LARGE_BYTES = 1 << 20  # a program that goes deeper takes as long as one of many goroutines


def program_trials(listing, w, effort):
    """The trials of a workload of kind "program": those that take long in fewer rounds."""
    trials = []
    sizes = w["sizes"] if effort.large else w["sizes"][:w["quick_sizes"]]
    for size in sizes or [0]:
        heavy = w["many"] or size > LARGE_BYTES or bool(w.get("shrink"))
        repeat = (2 if effort.large else 1) if heavy else effort.repeat
        runs = (5 if effort.large else 2) if heavy else 0
        trials += [Trial(w["name"], growth, w["kind"], size, repeat, runs)
                   for growth in growths(listing) if growth != THREAD or w["thread"]]
    return trials


def make_trials(listing, effort, wanted):
    """All trials of one round, in the order of the list."""
    trials = []
    for w in listing["workloads"]:
        if not wanted(w["name"]):
            continue
        if w["kind"] == "program":
            trials += program_trials(listing, w, effort)
            continue
        for size in w["sizes"] or [0]:
            repeat = effort.repeat
            if w["kind"] == "initial":
                repeat = (effort.first_step_repeat if size == min(w["sizes"])
                          else effort.step_repeat)
            trials += [Trial(w["name"], growth, w["kind"], size, repeat)
                       for growth in growths(listing)]
    return trials


def make_lots(listing, effort, wanted):
    """The parked goroutines of one round; `parked` is their name."""
    if not wanted("parked"):
        return []
    return [parked.Lot(s["name"], effort.parked) for s in listing["strategies"]]
