"""The hazard matrix (bench/hazards) as part of a comparison: what breaks under which strategy."""

import json
import os

from comparelib import builder, child

LABEL = "//bench/hazards:hazards"
MOST_SECONDS = 900

# From harmless to worst, as in bench/hazards/matrix/expected.py.
SEVERITY = ("n/a", "refused", "holds", "wrong", "killed", "hangs", "crashes", "unproved")


def collect(root, log_path, problems, bazel="bazel"):
    """Builds and runs the matrix.  Returns its document, or None with the reason in `problems`.

    {"builds": [name], "strategies": [{"name", "moves", "summary"}], "seconds": number,
     "cases": [{"name", "group", "cause", "cells": {strategy: {build: {"verdict", "detail"}}}}],
     "unexpected": [line]}
    """
    builder.build(root, [LABEL], log_path, bazel)
    program = os.path.join(root, "bazel-bin", "bench", "hazards", "hazards")
    if not os.access(program, os.X_OK):
        problems.append("%s does not build: see %s" % (LABEL, os.path.basename(log_path)))
        return None
    outcome = child.run([program, "--json"], MOST_SECONDS, cwd=root)
    try:
        document = json.loads(outcome.stdout)
    except ValueError:
        problems.append("the hazard matrix failed: %s" % (
            "timed out" if outcome.timed_out else outcome.stderr.strip().split("\n")[-1]))
        return None
    problems += ["hazards: " + line for line in document["unexpected"]]
    return document


def rows(document):
    """[{"name", "group", "cause", "verdicts": {strategy: worst of its builds},
    "details": {strategy: what was seen in the first build that came to the worst},
    "differs": {strategy: {build: verdict} of the builds that came to another}}]"""
    made = []
    for case in document["cases"]:
        row = {"name": case["name"], "group": case["group"], "cause": case["cause"],
               "verdicts": {}, "details": {}, "differs": {}}
        for strategy, cell in case["cells"].items():
            worst = max((o["verdict"] for o in cell.values()), key=SEVERITY.index)
            row["verdicts"][strategy] = worst
            row["details"][strategy] = next(
                o["detail"] for o in cell.values() if o["verdict"] == worst)
            differs = {b: o["verdict"] for b, o in cell.items() if o["verdict"] != worst}
            if differs:
                row["differs"][strategy] = differs
        made.append(row)
    return made
