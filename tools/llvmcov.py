"""Coverage by the counters that clang puts into code: what tools/coverage and tools/fuzz share.

A program built with --config=counted or --config=mcdc (.bazelrc) writes the file that
LLVM_PROFILE_FILE names.  Bazel shows clang the sources below BUILT_IN, which is the workspace for
an llvm-cov that runs there.
"""

import json
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BUILT_IN = "/proc/self/cwd/"
MEASURES = ("lines", "branches", "mcdc")


def merge(raw, data):
    """Adds up profiles into the file `data`; returns False if none can be read."""
    # A process that is killed while it starts leaves a file cut short: that is a warning.
    return subprocess.call(["llvm-profdata-19", "merge", "-sparse", "--failure-mode=all",
                            "-o", data] + raw, stdout=2) == 0


def llvm_cov(action, programs, data, *options):
    """What `llvm-cov ACTION` prints of programs whose profile is `data`."""
    command = ["llvm-cov-19", action, "-instr-profile=" + data, programs[0]]
    for program in programs[1:]:
        command += ["-object", program]
    return subprocess.run(command + list(options), cwd=ROOT, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


class Source:
    """What was executed of one file.  Positions are (line, column, last line, last column)."""

    def __init__(self):
        self.lines = {}  # number -> executions
        self.branches = {}  # position of the condition -> [times true, times false]
        self.decisions = {}  # position of the decision -> of each condition: did it alone decide?

    def totals(self):
        """(covered, all) of lines, of branches and of conditions."""
        ways = [count for both in self.branches.values() for count in both]
        conditions = [shown for decision in self.decisions.values() for shown in decision]
        return {name: (sum(map(bool, counts)), len(counts)) for name, counts in (
            ("lines", list(self.lines.values())), ("branches", ways), ("mcdc", conditions))}


def count_lines(segments):
    """Executions of each line that has code: of the most executed region that is on it.

    A segment is [line, column, count, has a count, begins a region, is a gap]: from there on, the
    count is that.  These are the rules of llvm-cov's own line counts.
    """
    on_line = {}
    for segment in segments:
        on_line.setdefault(segment[0], []).append(segment)
    lines = {}
    before = None  # the last segment above this line
    for line in range(min(on_line, default=0), max(on_line, default=-1) + 1):
        here = on_line.get(line, [])
        begun = [count for _, _, count, has, begins, gap in here if has and begins and not gap]
        skipped = bool(here) and not here[0][3] and here[0][4]
        goes_on = before is not None and before[3]
        if not skipped and (goes_on or begun):
            lines[line] = max(begun + ([before[2]] if goes_on else []))
        before = here[-1] if here else before
    return lines


def read(document):
    """{path: Source} of what `llvm-cov export` prints.

    A function of a header is there once for each file that includes it: counts add up.  Of a
    condition it is enough that one of them has shown it.
    """
    sources = {}
    for file in (file for data in document["data"] for file in data["files"]):
        name = file["filename"]
        name = name[len(BUILT_IN):] if name.startswith(BUILT_IN) else name
        source = sources.setdefault(name, Source())
        source.lines = count_lines(file["segments"])
        for branch in file["branches"]:
            ways = source.branches.setdefault(tuple(branch[:4]), [0, 0])
            ways[0] += branch[4]
            ways[1] += branch[5]
        for record in file.get("mcdc_records", []):
            known = source.decisions.get(tuple(record[:4]), record[6])
            source.decisions[tuple(record[:4])] = [a or b for a, b in zip(known, record[6])]
    return sources


def export(programs, data, folder):
    """{path: Source} of the sources in a folder of the workspace."""
    return read(json.loads(llvm_cov("export", programs, data, "-skip-functions",
                                    "-skip-expansions", "-sources", BUILT_IN + folder)))


def add(sources, wanted):
    """The totals of those sources whose path is wanted, added up."""
    totals = [source.totals() for path, source in sources.items() if wanted(path)]
    return {name: tuple(sum(total[name][i] for total in totals) for i in (0, 1))
            for name in MEASURES}


def percent(covered, all_of_them):
    return 100.0 * covered / all_of_them if all_of_them else 100.0
