"""Sections of the report beside the strategies' own: hazards, scaling, other runtimes."""

from html import escape

from comparelib import by_ms, peers as runtimes, stats
from comparelib.page import bullets, details, paragraph, table, td, th
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


def _hazard_name(row):
    return "<th scope=row class=told>%s<small>%s</small></th>" % (
        escape(row["name"]), escape(row["cause"]))


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
        body += "<h3>%s</h3>\n%s" % (
            escape("%s: %s" % (group[0].upper() + group[1:], number(len(of_group), "hazard"))),
            table(["hazard, and why it is one"] + names, [
                [_hazard_name(row)] + [_hazard_cell(row["cells"].get(n)) for n in names]
                for row in of_group],
                "Each is run with the stack about to run out at many places."))
    seen = ["%s under %s: %s" % (row["name"], n, cell["detail"]) for row in rows
            for n, cell in row["cells"].items()
            if hazard_class(cell["verdict"]) == "bad" and cell["detail"]]
    return paragraph(text, "seen") + body + (details(
        "What was seen", bullets(seen)) if seen else "")


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


def _scaling_by_procs(document):
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


def scaling(document, figures):
    return _scaling_by_procs(document) + by_ms.section(document, figures)


# ---- Other runtimes ----------------------------------------------------------------------------
def _peer_line(row, columns):
    if row["missing"]:
        return [th(row["name"]), "<td colspan=%d>%s</td>" % (len(columns), escape(row["missing"]))]
    return [th(row["name"])] + [td(runtimes.cell(row, c), "n" if c.figure in row["figures"] or not
                                   runtimes.failure(row, c) else "bad") for c in columns]


def _least(rows, column):
    """In words; "" if nobody has the figure."""
    order = sorted((row["figures"][column.figure], row["name"]) for row in rows
                   if column.figure in row["figures"])
    return "%s: %s (%s)" % (column.title, order[0][1], column.form(order[0][0])) if order else ""


def peers(document, figures):
    found = document.get("peers")
    if not found or not found["peers"]:
        return ""
    ran = [row for row in found["peers"] if row["figures"]]
    shown = runtimes.tables(found)
    said = [text for text in (_least(ran, c) for t in shown[:1] for c in t.columns[:3]) if text]
    failed = sum(len(row["notes"]) for row in ran)
    text = "Least of %d: %s." % (len(ran), "; ".join(said)) if said else ""
    if failed:
        text += " %s not withstood as they come." % number(failed, "measure")
    html = paragraph(text, "seen")
    for t in shown:
        html += "<h3>%s</h3>\n" % escape(t.title) + table(
            ["who"] + [c.title for c in t.columns],
            [_peer_line(row, t.columns) for row in found["peers"]],
            "%s  Medians of %s, ± half of the range.  *: crashes as it comes; the figure is "
            "with a stack that is large enough." % (t.about, number(found["rounds"], "round")),
            range(1, 1 + len(t.columns)))
    notes = ["%s, %s: %s" % (row["name"], name, note) for row in ran
             for name, note in row["notes"].items()]
    return html + (details("What was seen", bullets(notes)) if notes else "")
