"""Workloads that are whole programs: recursions known from papers, loops on the end of the stack,
and many goroutines at once.  docs/workloads.md says what each is for.

A cell of one has, beside what summary.make_cell gives:
    calls_ns              quantiles of the single calls that may have grown a stack
    memory                bytes beyond what the process had before: peak, settled
    growths_per_iteration for those that cross the end of the stack again and again
"""

from html import escape

from comparelib import headline, stats, verdict
from comparelib.plan import THREAD, growths
from comparelib.servers import VMA_BYTES


def total(memory):
    """[resident, page tables, number of mappings] as bytes."""
    return memory[0] + memory[1] + memory[2] * VMA_BYTES


def add_memory(cell, results):
    """The largest of all runs.  The peak of what is resident is the kernel's own mark; page tables
    and mappings are read when all goroutines wait, where they do, and at the end."""
    found = [r["memory"] for r in results if "memory" in r]
    peak = settled = 0
    for m in found:
        parts = [m["settled"], m.get("gathered", m["settled"])]
        most = [max(m["high_water"], *(p[0] for p in parts))] + [
            max(p[k] for p in parts) for k in (1, 2)]
        peak = max(peak, total(most) - total(m["start"]))
        settled = max(settled, total(m["settled"]) - total(m["start"]))
    cell["memory"] = {"peak": peak, "settled": settled} if found else None


def make_rows(listing, verdicts, make_cell, add_ratios):
    """One row per program that ran, in the order of the list; cells by size and strategy."""
    rows = []
    for w in listing["workloads"]:
        ran = {t: vs for t, vs in verdicts.items() if t.workload == w["name"]}
        if w["kind"] != "program" or not ran:
            continue
        row = {key: w[key] for key in ("name", "library", "does", "many", "iterations")}
        row["sizes"] = sorted({t.size for t in ran})
        row["cells_by_size"] = {}
        for size in row["sizes"]:
            found = {t.growth: vs for t, vs in ran.items() if t.size == size}
            cells = {g: _cell(found[g], w, make_cell) for g in growths(listing) if g in found}
            add_ratios(cells)
            row["cells_by_size"][str(size)] = cells
        rows.append(row)
    return rows


def _cell(runs, w, make_cell):
    cell = make_cell(runs)
    results = [v.result for v in runs if v.result]
    right = cell["verdict"] == verdict.OK
    cell["calls_ns"] = stats.quantiles([r.get("calls_ns", []) for r in results]) if right else None
    add_memory(cell, results if right else [])
    grown = cell["per_repetition"].get("growths", 0)
    cell["growths_per_iteration"] = grown / w["iterations"] if w["iterations"] else None
    return cell


# ---- As text and as HTML ---------------------------------------------------------------------
HEAD = ("strategy", "median", "ratio", "one call p50", "p99", "p99.9", "growths", "peak", "settled")


def _title(row, size):
    what = "%s goroutines" % format(size, ",") if row["many"] else headline.short_size(size)
    return "%s%s" % (row["name"], ", " + what if size else "")


def _grown(cell, row):
    per = cell["per_repetition"].get("growths")
    if not per:
        return ""
    if cell["growths_per_iteration"]:
        return "%.3g/iteration" % cell["growths_per_iteration"]
    return ("%.3g/run" if per < 100 else "%.0f/run") % per


def columns(growth, cell, row):
    """The cells of one line after HEAD, as text; two where there is only a verdict."""
    if cell["verdict"] != verdict.OK or not cell["time_ns"]:
        return [growth, "%s: %s" % (cell["verdict"].upper(), cell["detail"])]
    calls = cell["calls_ns"]
    times = [headline.short_time(calls[q]) if calls else "" for q in ("p50", "p99", "p999")]
    memory = cell["memory"]
    sizes = [headline.short_size(memory[k]) if memory else "" for k in ("peak", "settled")]
    return [growth, headline.short_time(cell["time_ns"]["median"]),
            headline.short_ratio(cell["ratio"]) if cell["ratio"] else ""] + times + [
                _grown(cell, row)] + sizes


def _lines(document):
    """[(row, size, [columns])]"""
    for row in document["programs"]:
        for size, cells in row["cells_by_size"].items():
            yield row, int(size), [columns(g, c, row) for g, c in cells.items()]


def render(document):
    """The block of the text; [] if no program ran."""
    lines = []
    form = "  %-18s %10s %6s %13s %9s %9s %16s %10s %10s"
    for row, size, cells in _lines(document):
        lines += ["", "%s  (%s: %s)" % (_title(row, size), row["library"], row["does"])]
        lines += [(form % tuple(c)).rstrip() if len(c) == len(HEAD)
                  else ("  %-18s " % c[0] + c[1])[:128] for c in cells]
    if not lines:
        return []
    return ["PROGRAMS: median of a run, ratio to %s, quantiles of the single calls that may grow a "
            "stack," % THREAD, "  growths, memory beyond the start (resident, page tables, "
            "mappings): peak and settled", form % HEAD] + lines


def page(document):
    """The section of the page."""
    text = ""
    for row, size, cells in _lines(document):
        body = ""
        for c in cells:
            if len(c) == len(HEAD):
                rest = "".join("<td class=n>%s</td>" % escape(x) for x in c[1:])
            else:
                rest = "<td class=bad colspan=%d>%s</td>" % (len(HEAD) - 1, escape(c[1]))
            body += "<tr><th scope=row>%s</th>%s</tr>\n" % (escape(c[0]), rest)
        text += ("<details><summary>%s: %s</summary><div class=scroll><table><thead><tr>%s</tr>"
                 "</thead><tbody>\n%s</tbody></table></div></details>\n" % (
                     escape(_title(row, size)), escape(row["does"]),
                     "".join("<th scope=col>%s</th>" % h for h in HEAD), body))
    if not text:
        return ""
    return ("<h2>Programs</h2>\n<p>Median of a run, its ratio to %s, quantiles of the single calls "
            "that may grow a stack, growths, and the memory beyond what the process had at its "
            "start: resident, page tables, and %d bytes for each mapping.</p>\n%s" % (
                THREAD, VMA_BYTES, text))
