"""The matrix as text for a terminal and as the tables of docs/hazards.md."""

import textwrap

from matrix import expected

TITLES = {
    "handler": "What the handler must get right",
    "scan": "What no conservative scan can find",
    "guard": "What guards do to every strategy",
    "library": "Libraries",
    "history": "Preemption",
}
BEGIN = "<!-- the matrix: written by bazel run -c opt //bench:hazards -- --accept -->"
END = "<!-- end of the matrix -->"


def by_verdict(differs):
    """"clang-O0, gcc-O0: holds; gcc-O3: crashes" of {build: verdict}."""
    builds = {}
    for build, verdict in differs.items():
        builds.setdefault(verdict, []).append(build)
    return "; ".join("%s: %s" % (", ".join(names), v) for v, names in builds.items())


def differences(row):
    """["under STRATEGY, BUILDS: VERDICT"] where builds differ, equal ones together."""
    found = {}
    for strategy, cell in row["cells"].items():
        differs = expected.differing(cell)
        if differs:
            found.setdefault(by_verdict(differs), []).append(strategy)
    return ["under %s, with %s" % (" and ".join(names), what) for what, names in found.items()]


def text(document):
    names = [s["name"] for s in document["strategies"]]
    lines, group, differ = [], None, []
    for row in document["cases"]:
        if row["group"] != group:
            group = row["group"]
            lines += [""] if lines else []
            lines.append(TITLES[group].upper())
            lines.append(("%-26s" % "" + "".join("%-18s" % name for name in names)).rstrip())
        words = [expected.cell_worst(row["cells"][name]) for name in names]
        lines.append(("%-26s" % row["name"] + "".join("%-18s" % w for w in words)).rstrip())
        differ += ["  %s: %s" % (row["name"], d) for d in differences(row)]
    lines += ["", "Worst over %s; %.0f s." % (", ".join(document["builds"]), document["seconds"])]
    if differ:
        lines += ["", "WHERE COMPILERS DIFFER"] + differ
    lines += ["", "WHAT EACH CASE IS"]
    for row in document["cases"]:
        lines += textwrap.wrap("%s: %s" % (row["name"], row["cause"]), 100,
                               initial_indent="  ", subsequent_indent="      ")
    return "\n".join(lines) + "\n"


def markdown(document):
    """One table for each group."""
    names = [s["name"] for s in document["strategies"]]
    lines, group = [BEGIN], None
    for row in document["cases"]:
        if row["group"] != group:
            group = row["group"]
            lines += ["", "### " + TITLES[group], "",
                      "| case | %s | what is difficult |" % " | ".join("`%s`" % n for n in names),
                      "|---|%s---|" % ("---|" * len(names))]
        words = [expected.cell_worst(row["cells"][name]) for name in names]
        words = ["**%s**" % w if w not in ("holds", "n/a", "refused") else w for w in words]
        cause = "; ".join([row["cause"]] + differences(row))
        lines.append("| `%s` | %s | %s |" % (row["name"], " | ".join(words), cause))
    return "\n".join(lines + ["", END])


def replace_tables(page, tables):
    """The page with what lies between its two marks replaced."""
    before, rest = page.split(BEGIN, 1)
    return before + tables + rest.split(END, 1)[1]
