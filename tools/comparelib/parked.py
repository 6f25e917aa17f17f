"""What a parked goroutine holds: bench/parked, looked at from outside before and after."""

import re
from dataclasses import dataclass

from comparelib import servers
from comparelib.servers import Failed  # noqa: F401  (what park raises)

PARTS = ("resident", "page_tables", "mappings")
WAIT = "chan"  # of bench/parked: goroutines that receive from a channel


@dataclass(frozen=True)
class Lot:
    """So many goroutines under one strategy."""
    growth: str
    goroutines: int
    wait: str = WAIT

    def __str__(self):
        return "%d parked / %s" % (self.goroutines, self.growth)


def _program(program, lot, env):
    env = dict(env, GO_GROWTH=lot.growth, GOMAXPROCS="2")
    return servers.Program([program, lot.wait, str(lot.goroutines)], env)


def _step(process, seconds, word, numbers=0):
    """The numbers after the word that its next line begins with, and the text after those."""
    line = process.line(seconds)
    found = re.fullmatch(word + r" (\d+)" * numbers + "(?: (.+))?", line)
    if not found:
        raise Failed("%s said %r in place of %r" % (process.name, line, word))
    return [int(n) for n in found.groups()[:-1]] + [found.groups()[-1]]


def _park(process, seconds):
    """What it says to "parked", and memory before and after."""
    _step(process, seconds, "begun")
    before = process.memory()
    process.go_on()
    said = _step(process, seconds, "parked", 2)
    return said, before, process.memory()


def _each(before, after, goroutines):
    row = {part: (after[part] - before[part]) / goroutines for part in PARTS}
    return dict(row, total=sum(row.values()), threads=after["threads"])


def park(program, lot, env, seconds=None):
    """Bytes of each part per goroutine, their total, and the threads of the process."""
    with _program(program, lot, env) as process:
        (n, _, refused), before, after = _park(process, seconds)
    if n < lot.goroutines:
        raise Failed("only %d could park: %s" % (n, refused))
    return _each(before, after, n)


def prove(program, lot, env, seconds=None):
    """The same for as many goroutines as there is room for (why no more: `refused`); the mappings
    of the process; ns that it took to make them, to end them, and to clean up; and of the guards
    that were touched, how many touches faulted."""
    with _program(program, lot, env) as process:
        (n, create, refused), before, after = _park(process, seconds)
        process.go_on()
        looked, touched, caught, readable, _ = _step(process, seconds, "guards", 4)
        process.go_on()
        end, _ = _step(process, seconds, "ended", 1)
        gone, _ = _step(process, seconds, "gone", 1)
    return dict(_each(before, after, n), goroutines=n, refused=refused, maps=after["maps"],
                create_ns=create / n, end_ns=end / n, gone_ns=gone / n, looked=looked,
                touched=touched, caught=caught, readable=readable)
