"""From what was run to the document that compare.json holds and everything else is drawn from.

    kind, schema             what the file is; readers refuse another number
    strategies, workloads, micro, benchmarks, memory    what was run
    hazards, peers           null where they were not
    answers                  headline.answers of all this

A cell is one workload (at one size) under one strategy:
    verdict, detail          what became of it
    time_ns                  stats.describe of a repetition, if it was right in every run
    ratio                    to the same workload on a plain thread
    per_repetition           growths, growths by fault, bytes copied, words adjusted
    peak_rss_kib             the largest of its processes
    rounds_ns                the samples, one list per process
    layouts                  of those processes: {link, padding}
A benchmark has time_ns, rounds_ns and layouts as well; a row of memory has bytes instead of time.
"""

from comparelib import gbench, hazards, parked, programs, stats, verdict
from comparelib.plan import THREAD, growths

KIND, SCHEMA = "stacklab compare", 2
BUSY = 0.03  # of the CPUs for other programs: worth telling

COUNTERS = ("growths", "growths_by_fault", "shrinks", "bytes_copied", "words_adjusted",
            "pages_moved_growths", "pool_hits", "pool_misses")


def _per_repetition(results):
    total = sum(r.get("repetitions", 0) for r in results)
    return {key: sum(r.get(key, 0) for r in results) / total for key in COUNTERS} if total else {}


def make_cell(verdicts):
    """The part of a cell that needs no other cell; ratios come later."""
    kind, detail = verdict.merge(verdicts)
    results = [v.result for v in verdicts if v.result]
    rounds = [r.get("ns", []) for r in results]
    passed = sum(r.get("repetitions", 0) - r.get("wrong", 0) for r in results)
    cell = {"verdict": kind, "detail": detail, "runs": len(verdicts), "time_ns": None,
            "runs_ok": sum(v.kind == verdict.OK for v in verdicts),
            "ratio": None, "repetitions_right": passed,
            "per_repetition": _per_repetition(results), "rounds_ns": rounds,
            "layouts": [v.layout for v in verdicts if v.result],
            "peak_rss_kib": max((v.peak_rss_kib for v in verdicts), default=0)}
    if kind == verdict.OK:
        cell["time_ns"] = stats.describe(rounds)
    return cell


def add_ratios(cells):
    base = cells.get(THREAD)
    for cell in cells.values():
        if base and base["time_ns"] and cell["time_ns"]:
            cell["ratio"] = stats.ratio(cell["rounds_ns"], base["rounds_ns"])


def _cells(listing, verdicts, name, size):
    found = {t.growth: vs for t, vs in verdicts.items() if t.workload == name and t.size == size}
    cells = {growth: make_cell(found[growth]) for growth in growths(listing) if growth in found}
    add_ratios(cells)
    return cells


def _results(verdicts, name):
    return [v.result for t, vs in verdicts.items() for v in vs if t.workload == name and v.result]


def make_workloads(listing, verdicts):
    """Library workloads and micro workloads, as two lists in the order of the program's list."""
    library, micro = [], []
    ran = {t.workload for t in verdicts}
    for w in listing["workloads"]:
        if w["name"] not in ran or w["kind"] == "program":
            continue
        row = {key: w.get(key) for key in ("name", "library", "does", "checkpoint_bytes", "kind")}
        used = [r["stack_used"] for r in _results(verdicts, w["name"]) if "stack_used" in r]
        row["stack_used"] = max(used, default=None)
        if w["kind"] == "library":
            row["cells"] = _cells(listing, verdicts, w["name"], 0)
            library.append(row)
        else:
            row["sizes"] = w["sizes"]
            row["cells_by_size"] = {str(s): _cells(listing, verdicts, w["name"], s)
                                    for s in w["sizes"]}
            micro.append(row)
    return library, micro


def make_benchmarks(benches, problems):
    """One row per benchmark of every program."""
    rows = []
    for bench in benches:
        merged = gbench.merge_rounds(bench.rounds)
        for name in bench.names:
            if name not in merged:
                continue
            row = merged[name]
            if row["error"]:
                problems.append("%s: %s: %s" % (bench.label, name, row["error"]))
            rows.append({"target": bench.label, "name": name, "family": gbench.family_of(name),
                         "size": gbench.size_of(name), "label": row["label"],
                         "error": row["error"], "time_ns": stats.describe(row["rounds"]),
                         "counters": row["counters"], "rounds_ns": row["rounds"],
                         "layouts": row["layouts"]})
    return rows


def make_memory(listing, lots):
    """One row per strategy: bytes per parked goroutine, by part."""
    rows = []
    for growth in growths(listing):
        for lot, runs in lots.items():
            if lot.growth == growth:
                rows.append({"growth": growth, "goroutines": lot.goroutines, "wait": lot.wait,
                             "threads": max(r["threads"] for r in runs),
                             "bytes": {part: stats.describe([[r[part]] for r in runs])
                                       for part in parked.PARTS + ("total",)},
                             "rounds_bytes": [[r["total"]] for r in runs],
                             "layouts": [r["layout"] for r in runs]})
    return rows


def check_needs(library, problems):
    """A workload that asks for less stack than it uses would make checkpoints look worse."""
    for row in library:
        used, asked = row["stack_used"], row["checkpoint_bytes"]
        # Those that ask again as they go down use more in all than they ask for at once.
        if used and asked and used > asked and asked >= 16384:
            problems.append("%s asks for %d bytes of stack and uses %d" % (
                row["name"], asked, used))


def make_notes(machine, run):
    """What a reader should know before believing a figure."""
    notes = []
    if machine["others_cpu"] > BUSY:
        notes.append("The machine was busy: other programs took %.0f%% of its CPUs during the run. "
                     "Times are longer, and intervals wider, than they need be." % (
                         100 * machine["others_cpu"]))
    if run["only"]:
        notes.append("Only what matches %r was run." % run["only"])
    return notes


def make_hazards(matrix):
    """The hazard matrix as rows of cells like the workloads'; None where there is none."""
    return matrix and {"builds": matrix["builds"], "rows": [
        {"name": row["name"], "group": row["group"], "cause": row["cause"],
         "cells": {growth: {"verdict": kind, "detail": row["details"][growth],
                            "differs": row["differs"].get(growth, {})}
                   for growth, kind in row["verdicts"].items()}} for row in hazards.rows(matrix)]}


def make_document(listing, run, benches, machine, how):
    """run: measure.Run; how: what compare.json says of the run itself."""
    library, micro = make_workloads(listing, run.verdicts)
    check_needs(library, run.problems)
    benchmarks = make_benchmarks(benches, run.problems)
    return {"kind": KIND, "schema": SCHEMA, "run": how, "machine": machine, "baseline": THREAD,
            "strategies": listing["strategies"], "workloads": library, "micro": micro,
            "programs": programs.make_rows(listing, run.verdicts, make_cell, add_ratios),
            "benchmarks": benchmarks, "memory": make_memory(listing, run.parked),
            "hazards": None, "peers": None, "notes": make_notes(machine, how),
            "problems": run.problems}


def cell_of(document, name, size, growth):
    """A micro cell, or None."""
    for row in document["micro"]:
        if row["name"] == name:
            return row["cells_by_size"].get(str(size), {}).get(growth)
    return None


def survivors(document, growth):
    """(names that were right, names that were not) of the library workloads under a strategy."""
    right, not_right = [], []
    for row in document["workloads"]:
        cell = row["cells"].get(growth)
        if cell:
            (right if cell["verdict"] == verdict.OK else not_right).append(row["name"])
    return right, not_right


# The verdicts of bench/hazards; every other one says that the hazard was not withstood.
HOLDS, NEUTRAL = ("holds",), ("n/a", "refused")


def hazard_class(kind):
    return "ok" if kind in HOLDS else "" if kind in NEUTRAL else "bad"


def broken_hazards(document, growth):
    """The names of the hazards that a strategy does not withstand; None if none were run on it."""
    rows = (document.get("hazards") or {}).get("rows", [])
    cells = [(row["name"], row["cells"][growth]) for row in rows if growth in row["cells"]]
    return [n for n, cell in cells if hazard_class(cell["verdict"]) == "bad"] if cells else None
