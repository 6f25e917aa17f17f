"""The document as one HTML file that needs no other: the answer, the evidence, the method.

A section whose data was not measured is left out, and listed at the end with the command that
measures it.
"""

from html import escape

from comparelib import crossover, headline, programs, results, seen, stats, verdict
from comparelib.page import (bullets, contents, details, figure, page, paragraph, section, table,
                             td, th)
from comparelib.parked import PARTS
from comparelib.plan import CLIMBS, THREAD
from comparelib.sections import hazards, peers, scaling
from comparelib.table import SHORT, ci_text, growths_note, interval
from comparelib.words import join, number, percent, short_size, short_time


def measured_on(document):
    m, run = document["machine"], document["run"]
    level = [flag for flag in m["flags"].split() if flag.startswith("-O")]
    return "%s CPUs, %s; %s; %s-byte pages; %s %s; commit %s; %s mode, %d rounds; %s" % (
        m["cpus"], m["cpu"], m["kernel"], m["page_bytes"], m["compiler"],
        level[0] if level else run["build"], m["commit"], run["mode"], run["rounds"], m["date"])


# ---- The answer ------------------------------------------------------------------------------
def answer(document):
    parts = []
    for a in document["answers"]:
        take = " ".join("<span class=take>%s</span>" % escape(n) for n in a["take"])
        use = a["use"][0].upper() + a["use"][1:]
        parts.append("<div class=answer><h3>%s%s</h3>\n%s</div>\n" % (
            escape(use), ": " + take if take else "", paragraph(a["text"])))
    rules = bullets("%s: %s" % (a["use"], a["rule"]) for a in document["answers"])
    return ("<h2 id=answer>Which strategy for what</h2>\n" + "".join(parts)
            + details("By which rules these were chosen", paragraph(
                "Nothing here is written by hand: names and figures are taken from this run by "
                "these rules.  Where a strategy that moves stacks leads, the best of those that "
                "do not is named as well.") + rules))


# ---- Where which is cheapest -----------------------------------------------------------------
def crossovers(document, figures):
    tables = ""
    for family, what in CLIMBS.items():
        cells = crossover.read(document, family)
        if not cells:
            continue
        names = [s["name"] for s in document["strategies"]
                 if any(s["name"] == n for found in cells.values() for n, _ in found)]
        rows = []
        for frame, depth in sorted(cells):
            best = crossover.cheapest(cells[frame, depth])
            times = {n: row["time_ns"]["median"] for n, row in cells[frame, depth]}
            rows.append([th(short_size(frame)), td(short_size(depth), "n")] + [
                td(short_time(times[n]) if n in times else "-", "best n" if n in best else "n")
                for n in names])
        tables += details("The figures, " + what, table(
            ["frame", "depth"] + names, rows,
            "Median time of a climb, %s; green: cheapest, or not told apart from it by a 95%% "
            "interval. %s" % (what, measured_on(document)), range(1, 2 + len(names))))
    if not tables:
        return ""
    text = seen.crossovers(document)
    return paragraph(text, "seen") + figure(
        figures.get("crossover"), "Maps of depth by frame size, each point coloured by the "
        "cheapest strategy. " + text,
        "In each field: the cheapest strategy, its median time, and how many more are not told "
        "apart from it, or how many times as long the next one takes.  A strategy that grows at "
        "checkpoints only asks for the whole depth once, at the top.") + tables


# ---- Memory ----------------------------------------------------------------------------------
def memory(document, figures):
    if not document["memory"]:
        return ""
    rows = []
    for r in sorted(document["memory"], key=lambda r: r["bytes"]["total"]["median"]):
        rows.append([th(r["growth"])] + [td("{:,.0f}".format(r["bytes"][part]["median"]), "n")
                                         for part in PARTS + ("total",)]
                    + [td("{:,.0f} .. {:,.0f}".format(*r["bytes"]["total"]["ci"]), "n"),
                       td(r["threads"], "n")])
    text = seen.memory(document)
    count = document["memory"][0]["goroutines"]
    return paragraph(text, "seen") + figure(
        figures.get("memory"), "Bars: bytes per parked goroutine by strategy, split into resident "
        "memory, page tables and mappings. " + text,
        "{:,} goroutines that wait for a channel; what the process has more than before them, "
        "divided.".format(count)) + table(
            ["strategy"] + [p.replace("_", " ") for p in PARTS] + ["total", "95%", "threads"], rows,
            "Bytes per goroutine.  Resident is the process's share (Pss); a mapping counts as 400 "
            "bytes of the kernel's. " + measured_on(document), range(1, 7))


# ---- Times by size ---------------------------------------------------------------------------
TIME_HEAD = ["median", "95% interval", "quartiles", "ratio to thread [95%]"]


def time_cells(cell):
    if not cell["time_ns"]:
        return ['<td class=bad colspan=4>%s</td>' % escape(SHORT[cell["verdict"]])]
    t = cell["time_ns"]
    return [td(short_time(t["median"]), "n"), td(ci_text(t), "n"),
            td("%s .. %s" % tuple(map(short_time, t["quartiles"])), "n"),
            td(interval(cell["ratio"]) or "-", "n")]


def quantile(t, key):
    return short_time(t[key]) if stats.has_quantile(t, key) else "-"


def micro_table(document, name):
    row = next(m for m in document["micro"] if m["name"] == name)
    rows = []
    for size in row["sizes"]:
        for growth, cell in row["cells_by_size"][str(size)].items():
            t = cell["time_ns"]
            rows.append([th(short_size(size)), td(growth)] + time_cells(cell)
                        + [td(quantile(t, "p99"), "n"), td(quantile(t, "p999"), "n")])
    return details("The figures: " + row["does"], table(
        ["size", "strategy"] + TIME_HEAD + ["p99", "p99.9"], rows, measured_on(document),
        range(2, 8)))


def has_micro(document, name):
    return any(m["name"] == name for m in document["micro"])


def latency(document, figures):
    if not has_micro(document, "step"):
        return ""
    row = headline.step_row(document)
    size = min(row["sizes"])
    rows = []
    for n, cell in row["cells_by_size"][str(size)].items():
        t = cell["time_ns"]
        if t:
            rows.append([th(n), td("%.2g" % cell["per_repetition"].get("growths", 0), "n")] + [
                td(x, "n") for x in (short_time(t["median"]), quantile(t, "p99"),
                                     quantile(t, "p999"), short_time(t["max"]),
                                     "{:,}".format(t["n"]))])
    text = seen.tail(document)
    return paragraph(text, "seen") + figure(
        figures.get("step_distribution"), "Share of growth steps from %s that took longer than a "
        "given time, one line per strategy, both scales logarithmic. %s" % (
            short_size(size), text), "Read across at p50, p99 or p99.9.") + table(
                ["strategy", "growths", "p50", "p99", "p99.9", "slowest", "steps"], rows,
                "One growth step from %s. %s" % (short_size(size), measured_on(document)),
                range(1, 7))


def steps(document, figures):
    if not has_micro(document, "step"):
        return ""
    text = seen.steps(document)
    return paragraph(text, "seen") + figure(
        figures.get("growth_step"), "Median time of one growth step against the size of the stack, "
        "one line per strategy, the machine's own costs in grey. " + text,
        "Band: 95% interval.  Grey: what the machine charges.") + micro_table(document, "step")


def climb(document, figures):
    if not has_micro(document, "climb"):
        return ""
    text = seen.climb(document)
    return paragraph(text, "seen") + figure(
        figures.get("climb"), "Median time to recurse to a depth and return, against that depth, "
        "one line per strategy. " + text, "Each level has asked for its stack by go_checkpoint.") \
        + micro_table(document, "climb")


# ---- Libraries -------------------------------------------------------------------------------
def survival_cell(cell):
    if not cell:
        return td("not run")
    ok = cell["verdict"] == verdict.OK
    note = growths_note(cell) if ok else "%d of %d runs right" % (cell["runs_ok"], cell["runs"])
    return '<td class="cell %s">%s %s%s</td>' % (
        "ok" if ok else "bad", "✓" if ok else "✗", escape(cell["verdict"]),
        "<small>%s</small>" % escape(note) if note else "")


def survival(document, figures):
    if not document["workloads"]:
        return ""
    names = [THREAD] + [s["name"] for s in document["strategies"]]
    rows = [[th(row["name"])] + [survival_cell(row["cells"].get(n)) for n in names]
            for row in document["workloads"]]
    text = paragraph(seen.survival(document), "seen") + table(
        ["workload"] + names, rows,
        "Each workload is entered many times with 512 bytes to 7 KiB of an 8 KiB stack left; its "
        "checksum must be that of a plain thread.  Growths are per repetition. "
        + measured_on(document))
    said = bullets("%s under %s: %s, %s" % (row["name"], n, cell["verdict"], cell["detail"])
                   for row in document["workloads"] for n, cell in row["cells"].items()
                   if cell["verdict"] != verdict.OK)
    return text + (details("What was seen where it is not ok", said) if said else "")


def workload_table(document):
    rows = []
    for row in document["workloads"]:
        used = ", uses %s" % short_size(row["stack_used"]) if row["stack_used"] else ""
        told = (row["name"], row["library"], row["does"], short_size(row["checkpoint_bytes"]),
                used)
        rows.append(["<td colspan=10 class=group><b>%s</b> (%s): %s; asks for %s of stack%s</td>"
                     % tuple(map(escape, told))])
        for growth, cell in row["cells"].items():
            per, t = cell["per_repetition"], cell["time_ns"]
            copied = short_size(per["bytes_copied"]) if per.get("bytes_copied") else "-"
            rows.append([th(growth)] + time_cells(cell)
                        + [td(quantile(t, "p99"), "n"), td(quantile(t, "p999"), "n"),
                           td(growths_note(cell) or "-", "cell"), td(copied, "n"),
                           td(short_size(cell["peak_rss_kib"] << 10), "n")])
    return table(["strategy"] + TIME_HEAD + ["p99", "p99.9", "growths", "copied", "peak memory"],
                 rows, "A quantile is given where at least two repetitions lie beyond it. "
                 + measured_on(document), list(range(1, 7)) + [8, 9])


def workloads(document, figures):
    if not document["workloads"]:
        return ""
    text = seen.workloads(document)
    return paragraph(text, "seen") + figure(
        figures.get("workloads"), "Time of each library workload relative to a plain thread, one "
        "mark per strategy with its interval. " + text, "Bars: 95% interval.") \
        + details("The figures", workload_table(document))


# ---- Everything else -------------------------------------------------------------------------
def layouts(document, figures):
    found = results.spreads(document)
    if not found:
        return ""
    rows = [[th(r.name)] + [td(percent(s[k]), "n") for k in ("a", "b", "rest")]
            + [td("%.2g" % s["p_a"], "n"), td("%.2g" % s["p_b"], "n")] for r, s in found]
    head = ["result", "link order", "environment", "remains", "p (link)", "p (env.)"]
    text = seen.layouts(document)
    caption = "Standard deviations of a process's median, and p-values of F tests. " \
        + measured_on(document)
    return paragraph(text, "seen") + figure(
        figures.get("layouts"), "Share of results that are moved by less than a given amount: by "
        "link order, by environment size, and by what remains. " + text,
        "Further left is steadier.") \
        + table(head, rows[:8], "The most moved by link order. " + caption, range(1, 6)) \
        + details("All %d" % len(rows), table(head, rows, caption, range(1, 6)))


def benchmarks(document, figures):
    text = ""
    for target in dict.fromkeys(b["target"] for b in document["benchmarks"]):
        rows = []
        for b in document["benchmarks"]:
            if b["target"] == target and b["time_ns"]:
                t = b["time_ns"]
                rows.append([th(b["name"]), td(short_time(t["median"]), "n"),
                             td(ci_text(t), "n"),
                             td("%s .. %s" % tuple(map(short_time, t["quartiles"])), "n"),
                             td(b["label"])])
            elif b["target"] == target:
                rows.append([th(b["name"]), "<td class=bad colspan=4>%s</td>" % escape(
                    b["error"] or "no samples")])
        left_out = document["run"].get("benchmarks_left_out", {}).get(target, 0)
        note = ", and %d more in the full mode" % left_out if left_out else ""
        text += details("%s: %s%s" % (target, number(len(rows), "benchmark"), note), table(
            ["benchmark", "median", "95% interval", "quartiles", "label"], rows,
            measured_on(document), range(1, 4)))
    return text


METHOD = [
    "Every trial is a process of its own.  It first computes the result on a plain thread with a "
    "large stack, then runs the work on fresh goroutines under the strategy and compares "
    "checksums.  The baseline, thread, is one plain thread that does all repetitions: its stack "
    "is already there.  Before the library is called, the 8 KiB stack is filled with known words, "
    "a quarter of them pointers to each other, until the wanted number of bytes is left; they are "
    "checked afterwards.  The program calls go_call_on_stack for the stack it needs under every "
    "strategy; those that grow on faults, or not at all, answer at once.  But not under prologue: "
    "there the work is left to the checks in our own code, which ask for 16 KiB more before a "
    "library is called; the libraries have none.",
    "The rounds are interleaved: each runs every trial once, in a new random order (seed %(seed)s, "
    "%(rounds)s rounds).  %(layouts)s",
    "Figures are medians over all repetitions of all rounds.  Intervals are 95%% bootstrap "
    "intervals that resample processes first and repetitions within them; a ratio resamples both "
    "sides from the same rounds.  A time is given only where every repetition was right.  One "
    "repetition per process is not timed (it is checked).  The times include two readings of the "
    "clock.  The whole of this run is in compare.json, samples included; tools/compare --compare "
    "tells two of them apart.",
]


def layouts_told(run):
    if run["env_sizes"]:
        return ("Programs were linked in %d orders of their sections, and each order was run in "
                "%d sizes of the environment, each pair in another round." % (
                    run["link_orders"], len(run["env_sizes"])))
    return ("Each process had an environment of another, random size; the order in which the "
            "programs were linked was the same throughout (--full varies it).")


def method(document, figures):
    told = dict(document["run"], layouts=layouts_told(document["run"]))
    return "".join(paragraph(text % told) for text in METHOD)


def machine(document, figures):
    m = dict(document["machine"])
    m["libraries"] = ", ".join("%s %s" % (k, v) for k, v in m["libraries"].items())
    return "<dl>%s</dl>\n" % "".join(
        "<dt>%s</dt><dd>%s</dd>" % (escape(k.replace("_", " ")), escape(str(v)))
        for k, v in m.items())


ALL = "tools/compare without --only"
# Anchor, title, the section, and how to get it where it is not there.
SECTIONS = [
    ("cheapest", "Where which strategy is cheapest", crossovers, "tools/compare --only Climb"),
    ("memory", "Memory per goroutine", memory, "tools/compare --only parked"),
    ("latency", "Latency: how long a growth step may take", latency, "tools/compare --only step"),
    ("step", "One growth step, by size", steps, "tools/compare --only step"),
    ("climb", "A climb, by depth", climb, "tools/compare --only climb"),
    ("survival", "Who survives: libraries", survival, ALL),
    ("hazards", "Who survives: hazards", hazards, "tools/compare --only hazards"),
    ("workloads", "What libraries cost", workloads, ALL),
    ("programs", "Programs", programs.section, ALL),
    ("scaling", "Scaling", scaling,
     "tools/compare --only 'chan_bench|scaling_bench'"),
    ("peers", "Beside other runtimes", peers, "tools/setup --for peers, then tools/compare"),
    ("layouts", "How much the layout of memory moves results", layouts, "tools/compare --full"),
    ("benchmarks", "All benchmark programs", benchmarks, ALL),
    ("method", "Method", method, ""),
    ("machine", "Machine", machine, ""),
]


def render(document, figures):
    """Returns the page; figures as plots.draw_all returns them."""
    made = [(anchor, title, draw(document, figures)) for anchor, title, draw, _ in SECTIONS]
    missing = ["%s: %s" % (title, how) for (_, title, _, how), (_, _, html)
               in zip(SECTIONS, made) if not html]
    made = [m for m in made if m[2]]
    if missing:
        made.append(("missing", "What was not measured", paragraph(
            "Left out above, and the command that measures it:") + bullets(missing)))
    if document["problems"]:
        made.append(("problems", "What could not be measured", bullets(document["problems"])))
    head = ["<h1>How a goroutine's stack grows: what it costs, and what breaks</h1>\n",
            paragraph("%s compared by stacklab's tools/compare. %s" % (
                join([s["name"] for s in document["strategies"]]), measured_on(document)),
                "muted")]
    head += [paragraph(note, "muted") for note in document["notes"]]
    if document["problems"]:
        head.append('<p class=muted><a href="#problems">%s</a></p>\n' % escape(
            number(len(document["problems"]), "thing") + " could not be measured"))
    return page("stacklab: growth strategies compared", "".join(head) + answer(document)
                + contents([("answer", "Answer")] + [m[:2] for m in made])
                + "".join(section(*m) for m in made))
