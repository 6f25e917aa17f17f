"""Sections of the report beside the strategies' own: hazards, scaling, other runtimes."""

from html import escape

from comparelib import crossover, stats
from comparelib.page import details, paragraph, table, td, th
from comparelib.summary import broken_hazards, hazard_class
from comparelib.words import join, number, short_ratio, short_time

# ---- Hazards -----------------------------------------------------------------------------------
def _hazard_cell(cell):
    if not cell:
        return td("not run")
    kind = cell["verdict"]
    cls = hazard_class(kind)
    return '<td class="cell %s">%s%s</td>' % (
        cls, {"ok": "✓ ", "bad": "✗ "}.get(cls, ""), escape(kind))


def hazards(document, figures):
    rows = (document.get("hazards") or {}).get("rows", [])
    if not rows:
        return ""
    names = [s["name"] for s in document["strategies"]]
    counts = [(n, broken_hazards(document, n)) for n in names]
    counts = [(n, broken) for n, broken in counts if broken is not None]
    text = "Of %s, not withstood: %s." % (number(len(rows), "hazard"), join(
        "%d under %s" % (len(broken), n) for n, broken in counts))
    body = ""
    for group in dict.fromkeys(row["group"] for row in rows):
        of_group = [row for row in rows if row["group"] == group]
        body += details(
            "%s: %s" % (group, number(len(of_group), "hazard")),
            table(["hazard", "why it is one"] + names, [
                [th(row["name"]), td(row["cause"])]
                + [_hazard_cell(row["cells"].get(n)) for n in names] for row in of_group],
                "Each is run with the stack about to run out at many places."))
    seen = ["%s under %s: %s" % (row["name"], n, cell["detail"]) for row in rows
            for n, cell in row["cells"].items()
            if hazard_class(cell["verdict"]) == "bad" and cell["detail"]]
    return paragraph(text, "seen") + body + (details(
        "What was seen", "<ul>%s</ul>" % "".join("<li>%s</li>\n" % escape(s) for s in seen))
        if seen else "")


# ---- Scaling -----------------------------------------------------------------------------------
MOST_PROCS = 64


def by_procs(document):
    """{family: {GOMAXPROCS: row}} of the benchmarks whose last argument is that, by the convention
    of bench: they are timed in real time, and the first of them has 1."""
    families = {}
    for row in document["benchmarks"]:
        parts = row["name"].split("/")
        if parts[-1] == "real_time" and parts[-2].isdigit() and row["time_ns"]:
            families.setdefault("/".join(parts[:-2]), {})[int(parts[-2])] = row
    return {f: rows for f, rows in families.items()
            if len(rows) > 1 and min(rows) == 1 and max(rows) <= MOST_PROCS}


def scaling(document, figures):
    families = by_procs(document)
    if not families:
        return ""
    procs = sorted({p for rows in families.values() for p in rows})
    body, faster, slower = [], [], []
    for family, rows in families.items():
        most = max(rows)
        ratio = stats.ratio(rows[most]["rounds_ns"], rows[1]["rounds_ns"])
        if ratio and ratio["ci"][1] < 1:
            faster.append(family)
        if ratio and ratio["ci"][0] > 1:
            slower.append(family)
        body.append([th(family)] + [
            td(short_time(rows[p]["time_ns"]["median"]) if p in rows else "-", "n")
            for p in procs] + [td("%s [%s .. %s]" % (short_ratio(ratio), *map(
                short_ratio, ratio["ci"])) if ratio else "-", "n")])
    text = "Of %s with the most Ps beside one: %d faster, %d slower, %d not told apart." % (
        number(len(families), "benchmark"), len(faster), len(slower),
        len(families) - len(faster) - len(slower))
    return paragraph(text, "seen") + table(
        ["benchmark"] + ["GOMAXPROCS %d" % p for p in procs] + ["most over one [95%]"], body,
        "Median time of one operation; the machine has %d CPUs.  What passes from one goroutine to "
        "the next cannot gain from a second P, and pays for the way between them."
        % document["machine"]["cpus"], range(1, 2 + len(procs)))


# ---- Other runtimes ----------------------------------------------------------------------------
# What, our benchmark (all whose name begins so), the peer, and its benchmark.
PAIRS = [("switch there and back", "BM_SwitchPair", "Boost.Context", "BM_BoostSwitchPair"),
         ("spawn and exit", "BM_SpawnExit/", "Boost.Context, pooled stacks",
          "BM_BoostPooledCreateRunDestroy")]


def peers(document, figures):
    rows = {b["name"]: b for b in document["benchmarks"] if b["time_ns"]}
    body, led = [], []
    for what, ours, peer, theirs in PAIRS:
        base = rows.get(theirs)
        for name, row in rows.items():
            if base and (name == ours or ours.endswith("/") and name.startswith(ours)):
                ratio = stats.ratio(row["rounds_ns"], base["rounds_ns"])
                led.append(not crossover.is_same(base, row))
                body.append([th("%s %s" % (what, row["label"])), td(peer)] + [
                    td(short_time(r["time_ns"]["median"]), "n") for r in (row, base)]
                    + [td("%s [%s .. %s]" % (short_ratio(ratio), *map(short_ratio, ratio["ci"]))
                          if ratio else "-", "n")])
    if not body:
        return ""
    return paragraph("stacklab takes less time in %d of %d." % (sum(led), len(led)), "seen") \
        + table(["what", "peer", "stacklab", "peer's", "ratio [95%]"], body,
                "Below 1: stacklab is faster.  tools/ratios --against go compares the scheduler "
                "with Go's.", range(2, 5))
