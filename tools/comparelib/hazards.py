"""The hazard matrix of bench/hazards as the document holds it: rows of cells like the workloads'.

A cell's verdict is the worst of its builds, which are compilers at levels of optimisation; `builds`
has each.
"""

import json

from comparelib import child, verdict

LABEL = "//bench/hazards:hazards"
QUICK_BUILDS = "installed,clang-O2"
# The worst first.  What is not here is worse than all: it is new.
SEVERITY = ["crashes", "killed", "hangs", "wrong", "unproved", "refused", "holds", "n/a"]


def _cell(by_build):
    ran = {build: out for build, out in by_build.items() if out}
    if not ran:
        return None

    def rank(build):
        kind = ran[build]["verdict"]
        return SEVERITY.index(kind) if kind in SEVERITY else -1

    worst = min(ran, key=rank)
    detail = ran[worst]["detail"]
    return {"verdict": ran[worst]["verdict"], "builds": {b: out["verdict"]
                                                         for b, out in ran.items()},
            "detail": "%s: %s" % (worst, detail) if detail else worst}


def read(matrix):
    """What hazards.py --json prints, as {"builds", "rows"}."""
    rows = []
    for case in matrix["cases"]:
        cells = {growth: _cell(by_build) for growth, by_build in case["cells"].items()}
        rows.append({"name": case["name"], "group": case["group"], "cause": case["cause"],
                     "cells": {growth: cell for growth, cell in cells.items() if cell}})
    return {"builds": matrix["builds"], "rows": rows}


def run(program, root, every_build, problems):
    """Runs the matrix; None and a problem if it says nothing that can be read."""
    argv = [program, "--json"] + ([] if every_build else ["--builds", QUICK_BUILDS])
    outcome = child.run(argv, 1800 if every_build else 180, cwd=root)
    try:
        return read(json.loads(outcome.stdout))
    except (ValueError, KeyError, TypeError):
        problems.append("%s: %s" % (LABEL, "no end" if outcome.timed_out else
                                    verdict.last_line(outcome.stderr) or "printed no matrix"))
        return None
