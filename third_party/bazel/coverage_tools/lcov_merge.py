#!/usr/bin/python3
"""Stands in for Bazel's CoverageOutputGenerator: adds up LCOV files.

After each test:  --coverage_dir=D --output_file=F --source_file_manifest=M --filter_sources=RE ...
For all of them:  --reports_file=R --output_file=F
"""

import argparse
import os
import re
import sys


class Source:
    """What is known of one source file; every table counts executions."""

    def __init__(self):
        self.function_lines = {}  # name -> the "FN:" line that says where it is
        self.functions = {}  # name -> count
        self.branches = {}  # "line,block,branch" -> count, or None where the line never ran
        self.lines = {}  # number -> count

    def add(self, key, value):
        if key == "FN":
            self.function_lines[value.split(",", 1)[1]] = value
        elif key == "FNDA":
            count, name = value.split(",", 1)
            self.functions[name] = self.functions.get(name, 0) + int(count)
        elif key == "BRDA":
            branch, count = value.rsplit(",", 1)
            before = self.branches.get(branch)
            self.branches[branch] = before if count == "-" else (before or 0) + int(count)
        elif key == "DA":
            number, count = map(int, value.split(",")[:2])
            self.lines[number] = self.lines.get(number, 0) + count

    def write(self, f):
        def total(found, hit, counts):
            f.write("%s:%d\n%s:%d\n" % (found, len(counts), hit, sum(map(bool, counts.values()))))

        f.writelines("FN:%s\n" % line for line in self.function_lines.values())
        f.writelines("FNDA:%d,%s\n" % (count, name) for name, count in self.functions.items())
        total("FNF", "FNH", self.functions)
        if self.branches:
            f.writelines("BRDA:%s,%s\n" % (branch, "-" if count is None else count)
                         for branch, count in self.branches.items())
            total("BRF", "BRH", self.branches)
        f.writelines("DA:%d,%d\n" % line for line in sorted(self.lines.items()))
        total("LF", "LH", self.lines)
        f.write("end_of_record\n")


def read_lines(path):
    with open(path, errors="replace") as f:
        return f.read().split("\n")


def find_reports(options):
    if options.reports_file:
        return [path for path in read_lines(options.reports_file) if path]
    return sorted(os.path.join(folder, name)
                  for folder, _, names in os.walk(options.coverage_dir, followlinks=True)
                  for name in names if name.endswith(".dat"))


def is_wanted(source, options, manifest):
    if manifest is not None and source not in manifest:
        return False
    return not any(re.fullmatch(pattern, source) for pattern in options.filter_sources)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--coverage_dir", default="")
    parser.add_argument("--reports_file")
    parser.add_argument("--output_file", required=True)
    parser.add_argument("--source_file_manifest")
    parser.add_argument("--filter_sources", action="append", default=[])
    options, _ = parser.parse_known_args()
    manifest = options.source_file_manifest and set(read_lines(options.source_file_manifest))
    sources = {}
    for path in find_reports(options):
        # A test that covers nothing leaves an empty file, or none.
        if not os.path.isfile(path) or os.path.abspath(path) == os.path.abspath(options.output_file):
            continue
        current = None
        for line in read_lines(path):
            key, _, value = line.partition(":")
            if key == "SF":
                wanted = is_wanted(value, options, manifest)
                current = sources.setdefault(value, Source()) if wanted else None
            elif current:
                current.add(key, value)
    with open(options.output_file, "w") as f:
        for name, source in sorted(sources.items()):
            f.write("SF:%s\n" % name)
            source.write(f)


if __name__ == "__main__":
    sys.exit(main())
