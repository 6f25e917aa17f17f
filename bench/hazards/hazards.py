#!/usr/bin/python3
"""Runs the hazard matrix: every case under every growth strategy, by each compiler and level.

The programs beside this file hold the cases and judge them (judge.c); here they are run, put side
by side and compared with what expected.txt says.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)

from matrix import expected, render  # noqa: E402

FOLDER = os.path.join("bench", "hazards")
INSTALLED = "installed"
COMPILED = [c + "-" + level for c in ("clang", "gcc") for level in ("O0", "O2", "O3")]
BUILDS = [INSTALLED] + COMPILED
MOST_SECONDS = 600

EPILOG = """\
Verdicts: holds; wrong (a wrong result, or a return on a stack that the goroutine has left);
crashes; hangs; killed; refused (the runtime said no); n/a (that strategy grows nowhere in the
case); unproved (right, but the stack did not grow as the case means it to: a fault of the matrix).
A verdict is the worst over all places where the stack can run out.  Exits with 1 if a verdict is
not the one in bench/hazards/expected.txt, 2 for bad arguments.
"""


def read_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="bazel run -c opt //bench:hazards --", description=__doc__.split("\n")[0],
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--builds", metavar="LIST", default=",".join(BUILDS),
                        help="programs to run, by commas [%(default)s]")
    parser.add_argument("--only", metavar="REGEX", default="", help="only cases whose name matches")
    parser.add_argument("--json", action="store_true", help="print JSON on stdout, and no table")
    parser.add_argument("--accept", action="store_true",
                        help="write the verdicts to expected.txt and docs/hazards.md")
    parser.add_argument("--repeat", metavar="N", type=int, default=1,
                        help="do it all N times, and fail if a verdict changes")
    parser.add_argument("--jobs", metavar="N", type=int, default=os.cpu_count(),
                        help="programs run at once [%(default)s]")
    arguments = parser.parse_args(argv)
    arguments.builds = arguments.builds.split(",")
    unknown = [b for b in arguments.builds if b not in BUILDS]
    if unknown:
        parser.error("no such build: %s; there are %s" % (", ".join(unknown), " ".join(BUILDS)))
    if arguments.accept and (arguments.only or set(arguments.builds) != set(BUILDS)):
        parser.error("--accept needs all builds and all cases")
    try:
        re.compile(arguments.only)
    except re.error as error:
        parser.error("--only: %s" % error)
    return arguments


def say(text):
    print(text, file=sys.stderr, flush=True)


def find_programs():
    """The folder of the programs: below the current one, or beside this one's own link."""
    runfiles = os.path.abspath(sys.argv[0]) + ".runfiles/stacklab"
    for root in (".", os.environ.get("TEST_SRCDIR", "") + "/stacklab", runfiles):
        folder = os.path.join(root, FOLDER)
        if os.access(os.path.join(folder, INSTALLED), os.X_OK):
            return os.path.abspath(folder)
    sys.exit("hazards: the programs are not here: bazel run -c opt //bench:hazards")


def source_tree(name):
    """A file of the source tree that this was run from, or of the copy that Bazel laid out."""
    return os.path.join(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), name)


def lines_of(argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=MOST_SECONDS, check=True)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def list_build(folder, build):
    lines = lines_of([os.path.join(folder, build), "--list"])
    return ([line for line in lines if "strategy" in line],
            [line for line in lines if "case" in line])


def run_build(folder, build, cases, every):
    """[(case, strategy, build, verdict, detail)] of one program."""
    begin = time.monotonic()
    program = os.path.join(folder, build)
    if every:
        lines = lines_of([program])
    else:
        lines = [line for case in cases for line in lines_of([program, "--case", case])]
    say("%-10s %d cases, %d verdicts, %.1f s" % (
        build, len(cases), len(lines), time.monotonic() - begin))
    return [(line["case"], line["growth"], build, line["verdict"], line["detail"])
            for line in lines]


def run_matrix(folder, arguments):
    """The document: strategies, cases with their cells, and how long it took."""
    begin = time.monotonic()
    strategies, cases, jobs = [], {}, []
    for build in arguments.builds:
        strategies, listed = list_build(folder, build)
        names = [case["case"] for case in listed if re.search(arguments.only, case["case"])]
        jobs.append((build, names, len(names) == len(listed)))
        for case in listed:
            if case["case"] in names:
                row = cases.setdefault(case["case"], {
                    "name": case["case"], "group": case["group"], "cause": case["cause"],
                    "cells": {s["strategy"]: {} for s in strategies}})
                for cell in row["cells"].values():
                    cell[build] = None
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for verdicts in pool.map(lambda job: run_build(folder, *job), jobs):
            for case, strategy, build, verdict, detail in verdicts:
                cases[case]["cells"][strategy][build] = {"verdict": verdict, "detail": detail}
    order = {group: i for i, group in enumerate(expected.GROUPS)}
    rows = sorted(cases.values(), key=lambda case: order[case["group"]])
    return {"schema": 1, "builds": arguments.builds, "seconds": round(time.monotonic() - begin, 1),
            "strategies": [{"name": s["strategy"], "moves": s["moves"], "summary": s["summary"]}
                           for s in strategies],
            "cases": rows}


def verdicts_of(document):
    """{(case, strategy, build): verdict}."""
    return {(row["name"], strategy, build): outcome["verdict"]
            for row in document["cases"] for strategy, cell in row["cells"].items()
            for build, outcome in cell.items()}


def run_repeatedly(folder, arguments):
    """Returns the last document and the lines that tell which verdicts have changed."""
    first, changes = None, []
    for turn in range(arguments.repeat):
        document = run_matrix(folder, arguments)
        verdicts = verdicts_of(document)
        first = first or verdicts
        changes += ["run %d: %s under %s, %s: %s, and %s before" % (
            turn + 1, *key, verdicts[key], first[key])
            for key in first if verdicts[key] != first[key]]
        if arguments.repeat > 1:
            say("run %d of %d: %d verdicts, %d changed so far" % (
                turn + 1, arguments.repeat, len(verdicts), len(changes)))
    return document, changes


def accept(document):
    with open(source_tree(os.path.join(FOLDER, "expected.txt")), "w") as f:
        f.write(expected.write(document))
    path = source_tree("docs/hazards.md")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(render.replace_tables(text, render.markdown(document)))
    say("hazards: wrote expected.txt and docs/hazards.md")


def main(argv):
    arguments = read_arguments(argv)
    document, changes = run_repeatedly(find_programs(), arguments)
    if arguments.accept:
        accept(document)
    with open(source_tree(os.path.join(FOLDER, "expected.txt"))) as f:
        wanted = expected.read(f.read())
    whole = not arguments.only and set(arguments.builds) == set(BUILDS)
    document["unexpected"] = expected.compare(wanted, document, whole)
    if arguments.json:
        json.dump(document, sys.stdout, indent=1)
        print()
    else:
        sys.stdout.write(render.text(document))
    for line in changes:
        say("UNSTABLE " + line)
    for line in document["unexpected"]:
        say(line)
    if document["unexpected"]:
        say("%d verdicts are not those of bench/hazards/expected.txt.  If the new ones are right:\n"
            "  bazel run -c opt //bench:hazards -- --accept" % len(document["unexpected"]))
    unproved = any(v == "unproved" for v in verdicts_of(document).values())
    return 1 if document["unexpected"] or changes or unproved else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
