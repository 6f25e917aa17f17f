"""What a parked goroutine holds: bench/parked, looked at from outside before and after."""

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


def park(program, lot, env, seconds=None):
    """Bytes of each part per goroutine, their total, and the threads of the process."""
    env = dict(env, GO_GROWTH=lot.growth, GOMAXPROCS="2")
    with servers.Program([program, lot.wait, str(lot.goroutines)], env) as process:
        if process.line(seconds) != "begun":
            raise Failed("parked did not begin")
        before = process.memory()
        process.go_on()
        if process.line(seconds) != "parked":
            raise Failed("parked did not park")
        after = process.memory()
    row = {part: (after[part] - before[part]) / lot.goroutines for part in PARTS}
    return dict(row, total=sum(row.values()), threads=after["threads"])
