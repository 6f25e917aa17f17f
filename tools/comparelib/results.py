"""Everything in a document that has samples, under one name each, and what layouts did to it."""

from dataclasses import dataclass

import numpy

from comparelib import stats

FIGURES = {"calls_p99": "ns", "peak": "bytes", "settled": "bytes"}  # programs.py's, beside times
CONTROLS = "//bench:baseline_bench"  # a program without a line of the runtime's


@dataclass(frozen=True)
class Result:
    name: str      # "step/8192 under S", "BM_X/8", "parked under S"
    unit: str      # "ns" or "bytes"; less is better
    control: bool  # has no code of the runtime's in it
    rounds: list   # samples, one list per process; a process without any may be among them
    layouts: list  # of the processes; of times and parked memory alone

    def processes(self):
        return sum(bool(samples) for samples in self.rounds)


def _cells(document):
    for row in document["workloads"]:
        yield row["name"], row["cells"]
    for row in document["micro"] + document.get("programs", []):
        for size, cells in row["cells_by_size"].items():
            yield "%s/%s" % (row["name"], size), cells


def verdicts(document):
    """{name: (verdict, detail)} of every workload under every strategy, and of every hazard."""
    found = {}
    for name, cells in _cells(document):
        for growth, cell in cells.items():
            found["%s under %s" % (name, growth)] = cell["verdict"], cell["detail"]
    for row in (document.get("hazards") or {}).get("rows", []):
        for growth, cell in row["cells"].items():
            found["hazard %s under %s" % (row["name"], growth)] = cell["verdict"], cell["detail"]
    return found


def read(document):
    """{name: Result} of what was right in every run."""
    found = {}

    def add(name, unit, control, rounds, layouts):
        if any(rounds):
            found[name] = Result(name, unit, control, rounds, layouts)

    for name, cells in _cells(document):
        for growth, cell in cells.items():
            if cell["time_ns"]:
                add("%s under %s" % (name, growth), "ns", growth == document["baseline"],
                    cell["rounds_ns"], cell["layouts"])
    for name, cells in _cells(document):
        for growth, cell in cells.items():
            for what, unit in FIGURES.items():
                rounds = cell.get("rounds", {}).get(what)
                if rounds:
                    add("%s, %s under %s" % (name, what.replace("_", " "), growth), unit,
                        growth == document["baseline"], rounds, [])
    for row in document["benchmarks"]:
        if row["time_ns"]:
            add(row["name"], "ns", row["target"] == CONTROLS, row["rounds_ns"], row["layouts"])
    for row in document.get("memory") or []:
        add("parked under %s" % row["growth"], "bytes", False, row["rounds_bytes"],
            row["layouts"])
    return found


def spread(result):
    """How much link order and environment move it: stats.two_way, a being the link; or None."""
    cells = {}
    for samples, layout in zip(result.rounds, result.layouts):
        if samples and layout:
            cells[layout["link"], layout["padding"]] = float(numpy.median(samples))
    return stats.two_way(cells) if cells and min(cells.values()) > 0 else None


def spreads(document):
    """[(Result, spread)] of all that layouts were crossed for, most moved by link order first."""
    found = [(result, spread(result)) for result in read(document).values()]
    return sorted(((r, s) for r, s in found if s), key=lambda pair: -pair[1]["a"])


def check(document):
    """Reads all of it: some exception or other if that cannot be done."""
    spreads(document)
    for kind, detail in verdicts(document).values():
        if not isinstance(kind, str) or not isinstance(detail, str):
            raise TypeError("a verdict that is no text")
