"""Workloads that are whole programs: recursions known from papers, loops on the end of the stack,
and many goroutines at once.  docs/workloads.md says what each is for.

A cell of one has, beside what summary.make_cell gives:
    calls_ns              quantiles of the single calls that may have grown a stack
    memory                bytes beyond what the process had before: peak, settled
    rounds                of calls_p99 (ns), peak and settled: one list per process, as rounds_ns
    shrinking             for those that have goroutines give memory back while they wait: bytes for
                          each that waits and of what is left, the time of the processor it took
    growths_per_iteration for those that cross the end of the stack again and again
"""

import statistics
from html import escape

from comparelib import page, stats, verdict, words
from comparelib.plan import THREAD, growths
from comparelib.servers import VMA_BYTES


def total(memory):
    """[resident, page tables, number of mappings] as bytes."""
    return memory[0] + memory[1] + memory[2] * VMA_BYTES


def _memory(result):
    """(peak, settled).  The peak of what is resident is the kernel's own mark; page tables and
    mappings are read when all goroutines wait, where they do, and at the end."""
    m = result["memory"]
    parts = [m["settled"], m.get("gathered", m["settled"])]
    most = [max(m["high_water"], *(p[0] for p in parts))] + [
        max(p[k] for p in parts) for k in (1, 2)]
    return tuple(max(0, total(now) - total(m["start"])) for now in (most, m["settled"]))


def add_memory(cell, results):
    """The largest of all runs."""
    found = [_memory(r) for r in results if "memory" in r]
    cell["memory"] = dict(zip(("peak", "settled"), map(max, zip(*found)))) if found else None


def _rounds(results):
    """Figures of a process that one run can be compared to another by."""
    calls = [stats.quantiles([r.get("calls_ns", [])]) for r in results]
    memory = [_memory(r) if "memory" in r else None for r in results]
    return {"calls_p99": [[c["p99"]] if stats.has_quantile(c, "p99") else [] for c in calls],
            "peak": [[m[0]] if m else [] for m in memory],
            "settled": [[m[1]] if m else [] for m in memory]}


def _each_shrunk(result, size):
    """[bytes for each goroutine that waits, what is left of it, ns that giving it back took, how
    often it did in a run]"""
    m = result["memory"]
    start = total(m["start"])
    return [(total(m["gathered"]) - start) / size, (total(m["shrunk"]) - start) / size,
            m["shrink_cpu_ns"] / m["shrinks"] if m["shrinks"] else None,
            result["shrinks"] / result["repetitions"] / size]


def shrinking(results, size):
    """Medians of all runs; None where nobody was to give memory back."""
    found = [_each_shrunk(r, size) for r in results if "shrunk" in r.get("memory", {})]
    if not found:
        return None
    columns = [[v for v in column if v is not None] for column in zip(*found)]
    return dict(zip(("waiting", "left", "ns", "shrinks"),
                    (statistics.median(c) if c else None for c in columns)))


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
            cells = {g: _cell(found[g], w, size, make_cell) for g in growths(listing) if g in found}
            add_ratios(cells)
            row["cells_by_size"][str(size)] = cells
        rows.append(row)
    return rows


def _cell(runs, w, size, make_cell):
    cell = make_cell(runs)
    results = [v.result for v in runs if v.result]
    right = cell["verdict"] == verdict.OK
    cell["calls_ns"] = stats.quantiles([r.get("calls_ns", []) for r in results]) if right else None
    add_memory(cell, results if right else [])
    cell["rounds"] = _rounds(results) if right else {}
    cell["shrinking"] = shrinking(results if right else [], size)
    grown = cell["per_repetition"].get("growths", 0)
    cell["growths_per_iteration"] = grown / w["iterations"] if w["iterations"] else None
    return cell


# ---- As text and as HTML ---------------------------------------------------------------------
HEAD = ("strategy", "median", "ratio", "one call p50", "p99", "p99.9", "growths", "shrinks", "peak",
        "settled")


def title(row, size):
    what = "%s goroutines" % format(size, ",") if row["many"] else words.short_size(size)
    return "%s%s" % (row["name"], ", " + what if size else "")


def _per(cell, row, what):
    per = cell["per_repetition"].get(what)
    if not per:
        return ""
    if row["iterations"]:
        return "%.3g/iteration" % (per / row["iterations"])
    return ("%.3g/run" if per < 100 else "%.0f/run") % per


def columns(growth, cell, row):
    """The cells of one line after HEAD, as text; two where there is only a verdict."""
    if cell["verdict"] != verdict.OK or not cell["time_ns"]:
        return [growth, "%s: %s" % (cell["verdict"].upper(), cell["detail"])]
    calls = cell["calls_ns"]
    times = [words.short_time(calls["p50"]) if calls else ""] + [
        words.short_time(calls[q]) if stats.has_quantile(calls, q) else "" for q in stats.BEYOND]
    memory = cell["memory"]
    sizes = [words.short_size(memory[k]) if memory else "" for k in ("peak", "settled")]
    return [growth, words.short_time(cell["time_ns"]["median"]),
            words.short_ratio(cell["ratio"]) if cell["ratio"] else ""] + times + [
                _per(cell, row, "growths"), _per(cell, row, "shrinks")] + sizes


# What giving memory back comes to, and the figure of a cell.
SHRINKING = (
    ("waiting", lambda c: words.short_size(c["shrinking"]["waiting"])),
    ("left", lambda c: words.short_size(c["shrinking"]["left"])),
    ("giving", lambda c: words.short_time(c["shrinking"]["ns"]) if c["shrinking"]["ns"] else ""),
    ("again", lambda c: words.short_time(c["calls_ns"]["p50"]) if c["calls_ns"] else ""),
    ("shrinks", lambda c: "%.2f/run" % c["shrinking"]["shrinks"]),
)
ABOUT_SHRINKING = ("For each goroutine, medians: what it holds while it waits, having been 64 KiB "
                   "deep; what is left once it has given memory back; the processor's time for "
                   "that; and its next descent as deep.")


def _shrinking_lines(document):
    """[[program, strategy, figures]]"""
    for row in document["programs"]:
        for size, cells in row["cells_by_size"].items():
            for name, cell in cells.items():
                if _right(cell) and cell.get("shrinking"):
                    yield [title(row, int(size)), name] + [form(cell) for _, form in SHRINKING]


def _lines(document):
    """[(row, size, [columns])]"""
    for row in document["programs"]:
        for size, cells in row["cells_by_size"].items():
            yield row, int(size), [columns(g, c, row) for g, c in cells.items()]


def render(document):
    """The block of the text; [] if no program ran."""
    lines = []
    form = "  %-18s %10s %6s %13s %9s %9s %16s %16s %10s %10s"
    for row, size, cells in _lines(document):
        lines += ["", "%s  (%s: %s)" % (title(row, size), row["library"], row["does"])]
        lines += [(form % tuple(c)).rstrip() if len(c) == len(HEAD)
                  else ("  %-18s " % c[0] + c[1])[:128] for c in cells]
    if not lines:
        return []
    shrunk = list(_shrinking_lines(document))
    if shrunk:
        form2 = "  %-30s %-18s" + " %10s" * len(SHRINKING)
        lines += ["", "SHRINKING: " + ABOUT_SHRINKING, form2 % (
            "program", "strategy", *(what for what, _ in SHRINKING))]
        lines += [(form2 % tuple(line)).rstrip() for line in shrunk]
    return ["PROGRAMS: median of a run, ratio to %s, quantiles of the single calls that may grow a "
            "stack," % THREAD, "  growths, shrinks, memory beyond the start (resident, page "
            "tables, mappings): peak and settled", form % HEAD] + lines


def _quantile(cell, key):
    calls = cell.get("calls_ns")
    return calls[key] if stats.has_quantile(calls, key) else None


# What the matrix of all programs shows, and the figure of a cell: None where it has none.
MATRIX = (
    ("time", lambda c: c["time_ns"]["median"], words.short_time),
    ("slowest call in a hundred", lambda c: _quantile(c, "p99"), words.short_time),
    ("slowest call in a thousand", lambda c: _quantile(c, "p999"), words.short_time),
    ("peak memory", lambda c: c["memory"] and c["memory"]["peak"], words.short_size),
    ("settled memory", lambda c: c["memory"] and c["memory"]["settled"], words.short_size),
)


def _right(cell):
    return cell and cell["verdict"] == verdict.OK and cell["time_ns"]


def _matrix_row(row, size, names, figure, form):
    cells = row["cells_by_size"][str(size)]
    values = {n: figure(c) for n, c in cells.items() if _right(c)}
    values = {n: v for n, v in values.items() if v is not None}
    if not values:
        return None
    least = min([v for n, v in values.items() if n != THREAD], default=None)
    line = [page.th(title(row, size))]
    for n in names:
        if n in values:
            leads = n != THREAD and values[n] == least
            line.append(page.td(form(values[n]), "best n" if leads else "n"))
        elif cells.get(n) and not _right(cells[n]):
            line.append(page.td(cells[n]["verdict"], "bad"))
        else:
            line.append(page.td("-", "n"))
    return line


def matrices(document):
    """One table for each figure: programs by strategies."""
    names = [THREAD] + [s["name"] for s in document["strategies"]]
    for what, figure, form in MATRIX:
        lines = [_matrix_row(row, int(size), names, figure, form)
                 for row in document["programs"] for size in row["cells_by_size"]]
        lines = [line for line in lines if line]
        if lines:
            yield what, page.table([what] + names, lines, "%s; green: the least of the strategies."
                                   % (what[0].upper() + what[1:]), range(1, 1 + len(names)))


def leaders(document):
    """{strategy: programs of which it takes the least time}, most first; and their number."""
    led, count = {}, 0
    for row in document["programs"]:
        for cells in row["cells_by_size"].values():
            times = {n: c["time_ns"]["median"] for n, c in cells.items()
                     if n != THREAD and _right(c)}
            if times:
                count += 1
                best = min(times, key=times.get)
                led[best] = led.get(best, 0) + 1
    return dict(sorted(led.items(), key=lambda item: -item[1])), count


def slowest(document):
    """The widest gap between strategies in the slowest call of a thousand, in words."""
    gaps = []
    for row in document["programs"]:
        for size, cells in row["cells_by_size"].items():
            found = sorted((_quantile(c, "p999"), n) for n, c in cells.items()
                           if n != THREAD and _quantile(c, "p999") is not None)
            if len(found) > 1 and found[0][0] > 0:
                gaps.append((found[-1][0] / found[0][0], title(row, int(size)), found))
    if not gaps:
        return ""
    times, name, found = max(gaps)
    return "Widest in %s: p99.9 is %s under %s and %s under %s, %s times." % (
        name, words.short_time(found[0][0]), found[0][1], words.short_time(found[-1][0]),
        found[-1][1], words.short_ratio(times))


def broken(document):
    """["PROGRAM under STRATEGY: verdict"]"""
    return ["%s under %s: %s" % (title(row, int(size)), n, c["verdict"])
            for row in document["programs"] for size, cells in row["cells_by_size"].items()
            for n, c in cells.items() if not _right(c)]


def section(document, figures):
    """What the page says of them; "" if none ran."""
    if not document["programs"]:
        return ""
    led, count = leaders(document)
    text = "Of %s, each takes the least time under: %s." % (
        words.number(count, "program"), ", ".join("%s %d" % pair for pair in led.items()))
    wrong = broken(document)
    text += " Not right: %s." % "; ".join(wrong) if wrong else ""
    text += " Of the slowest single call in a thousand: " + slowest(document) if slowest(
        document) else ""
    html = page.paragraph(text, "seen") + page.paragraph(
        "A single call is timed where it may grow a stack.  Memory is what the process had beyond "
        "its start: resident, page tables, and %d bytes for each mapping." % VMA_BYTES)
    html += page.figure(
        figures.get("calls"), "Time of a single call that may grow a stack, from the median over "
        "the 99th to the 99.9th percentile, one line per program and strategy. " + slowest(
            document), "Mark: the median; tick: p99; end of the line: p99.9, where "
        "there are calls enough.")
    for what, table in matrices(document):
        html += "<h3>%s</h3>\n%s" % (escape(what[0].upper() + what[1:]), table)
    shrunk = list(_shrinking_lines(document))
    if shrunk:
        html += "<h3>Memory given back</h3>\n" + page.table(
            ["program", "strategy"] + [what for what, _ in SHRINKING],
            [[page.th(line[0]), page.td(line[1])] + [page.td(x, "n") for x in line[2:]]
             for line in shrunk], ABOUT_SHRINKING, range(2, 2 + len(SHRINKING)))
    for row, size, cells in _lines(document):
        body = []
        for c in cells:
            body.append([page.th(c[0])] + ([page.td(x, "n") for x in c[1:]] if len(c) == len(HEAD)
                                           else ['<td class=bad colspan=%d>%s</td>' % (
                                               len(HEAD) - 1, escape(c[1]))]))
        html += page.details("%s: %s" % (title(row, size), row["does"]), page.table(
            HEAD, body, title(row, size), range(1, len(HEAD))))
    return html
