"""A document of compare.json with figures chosen by hand, so that each answer is known.

Strategies have names that no code knows.  `stayer` and `idler` do not move stacks; `mover` moves
and breaks two libraries; `asker` moves, but never inside one.
"""

import copy
import functools

from comparelib import parked, stats, summary, verdict

STRATEGIES = [{"name": "mover", "moves": True}, {"name": "asker", "moves": True},
              {"name": "stayer", "moves": False}, {"name": "idler", "moves": False}]
NAMES = ["thread"] + [s["name"] for s in STRATEGIES]
LINKS, SIZES = 3, [100, 2000]
ROUNDS = 12


def rounds(center, each=4):
    """A narrow spread around a figure: the same in every process but for a thousandth."""
    return [[center * (1 + 0.001 * ((7 * i + 3 * k) % 5)) for k in range(each)]
            for i in range(ROUNDS)]


def layouts():
    pairs = [{"link": k, "padding": n} for k in range(LINKS) for n in SIZES]
    return [pairs[i % len(pairs)] for i in range(ROUNDS)]


def cell(center, growths=0.0, by_fault=0.0, kind=verdict.OK, samples=None):
    made = samples or rounds(center)
    return {"verdict": kind, "detail": "" if kind == verdict.OK else "SIGSEGV <in> repetition 1",
            "runs": ROUNDS, "runs_ok": ROUNDS if kind == verdict.OK else 0, "ratio": None,
            "time_ns": stats.describe(made) if kind == verdict.OK else None,
            "repetitions_right": 4, "per_repetition": {"growths": growths,
                                                       "growths_by_fault": by_fault},
            "rounds_ns": made if kind == verdict.OK else [], "layouts": layouts(),
            "peak_rss_kib": 2048}


def with_ratios(cells):
    base = cells["thread"]
    for c in cells.values():
        if c["time_ns"]:
            c["ratio"] = stats.ratio(c["rounds_ns"], base["rounds_ns"])
    return cells


def library(name, mover=1.3, kind=verdict.OK, stayer=1.0):
    cells = {"thread": cell(1e5), "mover": cell(1e5 * mover, 1, 1, kind),
             "asker": cell(1.1e5, 1), "stayer": cell(1e5 * stayer), "idler": cell(1.4e5)}
    return {"name": name, "library": "lib <1>", "does": "what %s does" % name, "kind": "library",
            "checkpoint_bytes": 8192, "stack_used": 700, "cells": with_ratios(cells)}


def step():
    # 1,000 samples and two slow ones: the 99.9th percentile of mover is the slow one.
    slow = [[3000.0] * 100 for _ in range(ROUNDS)]
    slow[0][:4] = [90000.0] * 4
    grown = {"mover": (slow, 1, 1), "asker": (rounds(130.0, 100), 1, 0),
             "stayer": (rounds(20.0, 100), 0, 0), "idler": (rounds(30.0, 100), 0, 0),
             "thread": (rounds(20.0, 100), 0, 0)}
    by_size = {}
    for size, times in ((8192, 1), (1 << 20, 100)):
        by_size[str(size)] = with_ratios({
            n: cell(0, g, f, samples=[[t * (times if g else 1) for t in r] for r in made])
            for n, (made, g, f) in grown.items()})
    return {"name": "step", "library": "own code", "does": "one growth step", "kind": "initial",
            "checkpoint_bytes": 0, "stack_used": None, "sizes": [8192, 1 << 20],
            "cells_by_size": by_size}


def climb():
    by_size = {str(size): with_ratios({n: cell(size / 10 * (1 + i), 1)
                                       for i, n in enumerate(NAMES)}) for size in (8192, 65536)}
    return {"name": "climb", "library": "own code", "does": "a climb", "kind": "size",
            "checkpoint_bytes": 0, "stack_used": None, "sizes": [8192, 65536],
            "cells_by_size": by_size}


def bench(name, center, target="//bench:growth_bench", label="", counters=None):
    made = [[r[0]] for r in rounds(center)]
    return {"target": target, "name": name, "family": name.split("/")[0], "size": None,
            "label": label, "error": "", "time_ns": stats.describe(made),
            "counters": counters or {},
            "rounds_ns": made, "layouts": layouts()}


def benchmarks():
    rows = []
    for i, s in enumerate(STRATEGIES):
        for depth in (65536, 1 << 20):
            for frame in (128, 16384):
                warm = {"asker": 1.0, "stayer": 1.0 if depth == 65536 else 3.0}.get(s["name"], 9.0)
                cold = {"stayer": 1.0}.get(s["name"], 2.0 + i)
                for family, factor in (("BM_ClimbWarm", warm), ("BM_ClimbCold", cold)):
                    rows.append(bench("%s/%s/%d/%d/manual_time" % (family, s["name"], depth, frame),
                                      depth / 100 * factor))
        rows.append(bench("BM_NoGrowth/" + s["name"], 50.0 if s["name"] == "idler" else 30.0))
    rows += [bench("BM_PingPong/%d/real_time" % n, t, "//bench:chan_bench")
             for n, t in ((1, 100.0), (2, 150.0))]
    rows += [bench("BM_SwitchPair", 6.0, "//bench:switch_bench"),
             bench("BM_BoostSwitchPair", 9.0, "//bench:switch_bench"),
             bench("BM_Memcpy/8192", 60.0, "//bench:baseline_bench")]
    # On the most Ms asker's climb costs a quarter, and stayer's, which never grows, twice as much.
    rows += [bench("BM_GrowthByMs/%s/warm/%d/manual_time" % (n, ms), each * ms * 64,
                   "//bench:scaling_bench", "", {"climbs": 64 * ms, "growths": grown * ms})
             for n, grown, per_ms in (("asker", 320, {1: 1200.0, 4: 300.0}),
                                      ("stayer", 0, {1: 500.0, 4: 1000.0}))
             for ms, each in per_ms.items()]
    return rows


def memory():
    rows = []
    for name, resident, tables in (("mover", 4500, 4500), ("asker", 4500, 500),
                                   ("stayer", 4500, 10500), ("idler", 4500, 1500)):
        parts = dict(zip(parked.PARTS, (resident, tables, 0)), total=resident + tables)
        rows.append({"growth": name, "goroutines": 10000, "wait": "chan", "threads": 4,
                     "bytes": {k: stats.describe([[float(v)]] * ROUNDS) for k, v in parts.items()},
                     "rounds_bytes": [[float(parts["total"])]] * ROUNDS, "layouts": layouts()})
    return rows


def hazards():
    def row(name, group, **kinds):
        return {"name": name, "group": group, "cause": "a reason for %s" % name,
                "cells": {n: {"verdict": k, "detail": "seen" if k == "crashes" else ""}
                          for n, k in kinds.items()}}
    return {"rows": [row("red zone", "handler", mover="holds", asker="n/a", stayer="holds",
                         idler="holds"),
                     row("xored", "scan", mover="crashes", asker="crashes", stayer="holds",
                         idler="holds")]}


def programs():
    cells = with_ratios({n: cell(1e6 * (i + 1), 2, 2) for i, n in enumerate(NAMES)})
    cells["mover"] = cell(1, kind=verdict.HUNG)
    for i, (n, c) in enumerate(cells.items()):
        # Of idler's there are too few for a 99.9th percentile.
        c["calls_ns"] = {"n": 4000 if n != "idler" else 1999, "p50": 50.0, "p99": 90.0,
                         "p999": 1000.0 * (i + 1), "max": 9e4} if n != "mover" else None
        c["memory"] = {"peak": (i + 1) << 20, "settled": (i + 1) << 16} if n != "mover" else None
        c["rounds"] = {"peak": rounds(1000.0 * (i + 1), 1)} if n != "mover" else {}
        c["growths_per_iteration"] = None
        c["shrinking"] = {"waiting": 1 << 17, "left": 9 << 10, "ns": 17e3 + i, "shrinks": 1.25}
    return [{"name": "ring", "library": "own code", "does": "a token goes round", "many": True,
             "iterations": 0, "sizes": [100], "cells_by_size": {"100": cells}}]


def peers():
    return {"rounds": 3, "vma_bytes": 400, "measures": ["create", "used"], "peers": [
        {"name": "stacklab stayer", "about": "", "missing": "", "notes": {}, "samples": {},
         "figures": {"create_ns": 40.0, "switch_ns": 3.0, "parked_total": 5000,
                     "used_total": 70000, "used_shrunk": 9000},
         "spread": {"create_ns": 0.04}},
        {"name": "Peer & Co", "about": "1.2", "missing": "",
         "notes": {"create": "crashes: SIGSEGV; with 64 KiB: hangs", "parked": "hangs"},
         "samples": {}, "figures": {"create_ns": 90.0, "switch_ns": 2.5}, "spread": {}},
        {"name": "Absent", "about": "", "missing": "not installed: apt-get install absent",
         "notes": {}, "samples": {}, "figures": {}, "spread": {}}]}


@functools.lru_cache(1)
def _whole():
    return {
        "kind": summary.KIND, "schema": summary.SCHEMA, "baseline": "thread",
        "run": {"mode": "full", "only": None, "seed": 7, "rounds": ROUNDS, "link_orders": LINKS,
                "env_sizes": SIZES, "build": "bazel build -c opt", "benchmarks_left_out": {}},
        "machine": {"cpu": "a CPU", "cpus": 2, "memory_gib": 4, "kernel": "Linux 1 x86_64",
                    "system": "a system", "page_bytes": 4096, "huge_pages": "never",
                    "clock": "tsc", "compiler": "clang 0", "flags": "-O2", "commit": "0123",
                    "libraries": {"fake": "1"}, "date": "2000-01-01 00:00 UTC", "load": "0 0 0",
                    "others_cpu": 0.0},
        "strategies": STRATEGIES,
        "workloads": [library("plain"), library("sort", stayer=1.02),
                      library("longjmp", kind=verdict.CRASHED),
                      library("stream", kind=verdict.WRONG)],
        "micro": [step(), climb()], "benchmarks": benchmarks(), "memory": memory(),
        "hazards": hazards(), "peers": peers(), "programs": programs(),
        "notes": [], "problems": ["<b>bold</b> failed"]}


def make(**parts):
    """The document; parts replace its own."""
    return copy.deepcopy(dict(_whole(), **parts))
