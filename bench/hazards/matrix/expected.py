"""expected.txt: the verdicts that the matrix should come to.

    case          signal    reserve        one column for each strategy

    [scan]                                 a group of cases
    setjmp        wrong     holds          the worst of all builds
      clang-O0    crashes   .              a build that differs; "." where it does not
"""

# From harmless to worst, as in judge.h.
SEVERITY = ["n/a", "refused", "holds", "wrong", "killed", "hangs", "crashes", "unproved"]
GROUPS = ["handler", "scan", "guard", "library", "history"]

HEAD = """\
# What the hazard matrix should come to: the worst verdict of all builds, and below a case the
# builds that differ.  Rewritten by:  bazel run -c opt //bench:hazards -- --accept
"""


def worst(verdicts):
    return max(verdicts, key=SEVERITY.index)


def cell_worst(cell):
    """The worst verdict of one case under one strategy over its builds."""
    return worst([outcome["verdict"] for outcome in cell.values()])


def differing(cell):
    """{build: verdict} of the builds whose verdict is not the worst."""
    top = cell_worst(cell)
    return {b: outcome["verdict"] for b, outcome in cell.items() if outcome["verdict"] != top}


def _line(first, names, words):
    """A line of the table: below the name of each column its word."""
    columns = ["%-*s" % (max(len(name) + 1, 9), word) for name, word in zip(names, words)]
    return ("%-26s" % first + "".join(columns)).rstrip()


def write(document):
    """The text of the file for a document."""
    names = [s["name"] for s in document["strategies"]]
    lines = [HEAD, _line("case", names, names)]
    group = None
    for row in document["cases"]:
        if row["group"] != group:
            group = row["group"]
            lines += ["", "[%s]" % group]
        cells = [row["cells"][name] for name in names]
        lines.append(_line(row["name"], names, [cell_worst(cell) for cell in cells]))
        for build in cells[0]:
            words = [differing(cell).get(build, ".") for cell in cells]
            if any(word != "." for word in words):
                lines.append(_line("  " + build, names, words))
    return "\n".join(lines) + "\n"


def read(text):
    """{"strategies": [name], "cases": {case: {strategy: (worst, {build: verdict})}}}."""
    names, cases, case = [], {}, None
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if not words or line.startswith(("#", "[")):
            continue
        if words[0] == "case" and not names:
            names = words[1:]
            continue
        if len(words) != len(names) + 1 or (line.startswith(" ") and case is None):
            raise ValueError("expected.txt:%d: %d words, and there are %d strategies" % (
                number, len(words), len(names)))
        unknown = [word for word in words[1:] if word not in SEVERITY + ["."]]
        if unknown:
            raise ValueError("expected.txt:%d: no such verdict: %s" % (number, unknown[0]))
        if line.startswith(" "):
            for name, word in zip(names, words[1:]):
                if word != ".":
                    cases[case][name][1][words[0]] = word
        else:
            case = words[0]
            cases[case] = {name: (word, {}) for name, word in zip(names, words[1:])}
    return {"strategies": names, "cases": cases}


def compare(wanted, document, whole):
    """Lines that tell what differs; `whole`: nothing was left out, and nothing may be missing."""
    lines = []
    for row in document["cases"]:
        for strategy, cell in row["cells"].items():
            entry = wanted["cases"].get(row["name"], {}).get(strategy)
            changed = {}
            for build, outcome in cell.items():
                before = entry[1].get(build, entry[0]) if entry else "not in the file"
                if outcome["verdict"] != before:
                    changed.setdefault((before, outcome["verdict"], outcome["detail"]), []).append(
                        build)
            for (before, now, detail), builds in changed.items():
                lines.append("CHANGED %s under %s: %s -> %s (%s): %s" % (
                    row["name"], strategy, before, now, ", ".join(builds), detail))
    if whole:
        have = {row["name"] for row in document["cases"]}
        lines += ["MISSING %s: in the file, but no such case" % name
                  for name in wanted["cases"] if name not in have]
        lines += ["MISSING strategy %s: in the file, but not in the table" % name
                  for name in wanted["strategies"]
                  if name not in [s["name"] for s in document["strategies"]]]
    return lines
