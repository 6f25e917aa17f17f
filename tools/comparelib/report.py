"""The document as one HTML file that needs no other: the answer, the evidence, the method.

Figures are SVG images in the file, one for each colour scheme.  Tables scroll inside their own
box, so that the page itself fits a phone.
"""

import base64
from html import escape

from comparelib import verdict
from comparelib.headline import short_size, short_time
from comparelib.plan import THREAD
from comparelib.table import SHORT, ci_text, growths_note, interval

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1b1f24; --muted: #59636e;
  --line: #d8dde3; --soft: #f4f6f8; --good: #d9f2e6; --good-text: #0b5138; --bad: #ffd9cc;
  --bad-text: #7a2400; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --text: #e6e9ed;
  --muted: #9aa4af; --line: #333a42; --soft: #1c2229; --good: #12382a; --good-text: #8fe3bf;
  --bad: #5a2413; --bad-text: #ffc2a8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 4rem; max-width: 60rem; background: var(--ground);
  color: var(--text); font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0.4rem 0 1rem; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 0.6rem; }
.answer { border-left: 4px solid var(--good-text); padding: 0.2rem 0 0.2rem 1rem; }
.answer p { margin: 0.5rem 0; }
.answer p:first-child { font-size: 1.12rem; font-weight: 600; }
.muted, figcaption, caption { color: var(--muted); font-size: 0.88rem; }
figure { margin: 1rem 0; } figure img { width: 100%; max-width: 44rem; height: auto;
  display: block; }
.scroll { overflow-x: auto; margin: 0.6rem 0; border: 1px solid var(--line);
  border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: 0.86rem;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0.5rem 0.7rem; caption-side: bottom; }
th, td { padding: 0.32rem 0.6rem; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; } thead th { background: var(--soft); white-space: nowrap; }
td.n { text-align: right; white-space: nowrap; } tbody th { font-weight: 500; white-space: nowrap; }
.cell { white-space: nowrap; }
td.group { background: var(--soft); }
.ok { background: var(--good); color: var(--good-text); }
.bad { background: var(--bad); color: var(--bad-text); font-weight: 600; }
.cell small { display: block; font-weight: 400; opacity: 0.85; }
details { margin: 0.6rem 0; } summary { cursor: pointer; color: var(--muted); }
code { font-family: ui-monospace, monospace; font-size: 0.92em; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; } dt { font-weight: 600; }
  body { padding: 0.8rem 0.8rem 3rem; } }
"""


def _table(head, rows, caption=""):
    """head: cells as text; rows: lists of finished HTML cells."""
    top = "".join("<th scope=col>%s</th>" % escape(h) for h in head)
    body = "".join("<tr>%s</tr>\n" % "".join(row) for row in rows)
    note = "<caption>%s</caption>" % escape(caption) if caption else ""
    return ("<div class=scroll tabindex=0><table>%s<thead><tr>%s</tr></thead>\n<tbody>%s</tbody>"
            "</table></div>\n" % (note, top, body))


def _td(text, cls=""):
    return "<td%s>%s</td>" % (' class="%s"' % cls if cls else "", escape(text))


def _th(text):
    return "<th scope=row>%s</th>" % escape(text)


def _image(svg):
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _figure(figures, name, alt, caption):
    if name not in figures:
        return ""
    svg = figures[name]
    return ('<figure><picture><source media="(prefers-color-scheme: dark)" srcset="%s">'
            '<img src="%s" alt="%s"></picture><figcaption>%s</figcaption></figure>\n' % (
                _image(svg["dark"]), _image(svg["light"]), escape(alt, True), escape(caption)))


def _measured_on(document):
    m, run = document["machine"], document["run"]
    level = [flag for flag in m["flags"].split() if flag.startswith("-O")]
    return "%s CPUs, %s; %s; %s-byte pages; %s %s; commit %s; %s mode, %d rounds; %s" % (
        m["cpus"], m["cpu"], m["kernel"], m["page_bytes"], m["compiler"],
        level[0] if level else run["build"], m["commit"], run["mode"], run["rounds"], m["date"])


# ---- Survival --------------------------------------------------------------------------------
def _survival_cell(cell):
    if not cell:
        return _td("not run")
    ok = cell["verdict"] == verdict.OK
    note = growths_note(cell) if ok else "%d of %d runs right" % (cell["runs_ok"], cell["runs"])
    return '<td class="cell %s"%s>%s %s%s</td>' % (
        "ok" if ok else "bad", "" if ok else ' title="%s"' % escape(cell["detail"], True),
        "✓" if ok else "✗", escape(cell["verdict"]),
        "<small>%s</small>" % escape(note) if note else "")


def _survival(document):
    names = [THREAD] + [s["name"] for s in document["strategies"]]
    rows = [[_th(row["name"])] + [_survival_cell(row["cells"].get(n)) for n in names]
            for row in document["workloads"]]
    text = "<h2>Who survives</h2>\n" + _table(
        ["workload"] + names, rows,
        "Each workload is entered many times with 448 bytes to 7 KiB of an 8 KiB stack left; its "
        "checksum must be that of a plain thread.  Growths are per repetition. "
        + _measured_on(document))
    seen = ["<li><b>%s under %s</b>: %s, %s</li>\n" % tuple(map(escape, (
        row["name"], n, cell["verdict"], cell["detail"])))
        for row in document["workloads"] for n, cell in row["cells"].items()
        if cell["verdict"] != verdict.OK]
    if seen:
        text += "<p>What was seen where it is not ok:</p>\n<ul>%s</ul>\n" % "".join(seen)
    return text


# ---- Tables of figures -----------------------------------------------------------------------
def _time_cells(cell):
    if not cell["time_ns"]:
        return ['<td class=bad colspan=4>%s</td>' % escape(SHORT[cell["verdict"]])]
    t = cell["time_ns"]
    return [_td(short_time(t["median"]), "n"),
            _td(ci_text(t), "n"),
            _td("%s .. %s" % tuple(map(short_time, t["quartiles"])), "n"),
            _td(interval(cell["ratio"]) or "-", "n")]


TIME_HEAD = ["median", "95% interval", "quartiles", "ratio to thread [95%]"]


def _workload_table(document):
    rows = []
    for row in document["workloads"]:
        used = ", uses %s" % short_size(row["stack_used"]) if row["stack_used"] else ""
        told = (row["name"], row["library"], row["does"], short_size(row["checkpoint_bytes"]),
                used)
        rows.append(["<td colspan=8 class=group><b>%s</b> (%s): %s; asks for %s of stack%s</td>"
                     % tuple(map(escape, told))])
        for growth, cell in row["cells"].items():
            per = cell["per_repetition"]
            copied = short_size(per["bytes_copied"]) if per.get("bytes_copied") else "-"
            rows.append([_th(growth)] + _time_cells(cell)
                        + [_td(growths_note(cell) or "-", "cell"), _td(copied, "n"),
                           _td(short_size(cell["peak_rss_kib"] << 10), "n")])
    return _table(["strategy"] + TIME_HEAD + ["growths", "copied", "peak memory"], rows,
                  _measured_on(document))


def _micro_table(document, name):
    row = next((m for m in document["micro"] if m["name"] == name), None)
    if not row:
        return ""
    rows = []
    for size in row["sizes"]:
        for growth, cell in row["cells_by_size"][str(size)].items():
            t = cell["time_ns"]
            tail = ["%s" % short_time(t[k]) if t else "-" for k in ("p99", "p999")]
            rows.append([_th(short_size(size)), _td(growth)] + _time_cells(cell)
                        + [_td(x, "n") for x in tail])
    table = _table(["size", "strategy"] + TIME_HEAD + ["p99", "p99.9"], rows,
                   _measured_on(document))
    return "<details><summary>The figures: %s</summary>%s</details>\n" % (
        escape(row["does"]), table)


def _benchmark_tables(document):
    text = ""
    for target in dict.fromkeys(b["target"] for b in document["benchmarks"]):
        rows = []
        for b in document["benchmarks"]:
            if b["target"] == target and b["time_ns"]:
                t = b["time_ns"]
                rows.append([_th(b["name"]), _td(short_time(t["median"]), "n"),
                             _td(ci_text(t), "n"),
                             _td("%s .. %s" % tuple(map(short_time, t["quartiles"])), "n"),
                             _td(b["label"])])
            elif b["target"] == target:
                rows.append([_th(b["name"]), "<td class=bad colspan=4>%s</td>" % escape(
                    b["error"] or "no samples")])
        left_out = document["run"].get("benchmarks_left_out", {}).get(target, 0)
        note = ", and %d more in the full mode" % left_out if left_out else ""
        text += "<details><summary><code>%s</code>: %d benchmarks%s</summary>%s</details>\n" % (
            escape(target), len(rows), note,
            _table(["benchmark", "median", "95% interval", "quartiles", "label"], rows,
                   _measured_on(document)))
    return text


# ---- Text ------------------------------------------------------------------------------------
METHOD = """
<p>Every trial is a process of its own.  It first computes the result on a plain thread with a
large stack, then runs the work on fresh goroutines under the strategy and compares checksums.
The baseline, <code>thread</code>, is one plain thread that does all repetitions: its stack is
already there.
Before the library is called, the 8 KiB stack is filled with known words, a quarter of them
pointers to each other, until the wanted number of bytes is left; they are checked afterwards.
The program calls <code>go_checkpoint</code> for the stack it needs under every strategy; those
that grow on faults, or not at all, answer at once.  But not under <code>prologue</code>: there the
work is left to the checks in our own code, which ask for 16 KiB more before a library is called;
the libraries have none.</p>
<p>The rounds are interleaved: each runs every trial once, in a new random order, in an
environment of random size (seed %(seed)s, %(rounds)s rounds).  The order in which the programs
were linked is the same throughout.  Figures are medians over all repetitions of all rounds.
Intervals are 95%% bootstrap intervals that resample processes first and repetitions within them;
a ratio resamples both sides from the same rounds.  With few rounds an interval says little about
what another day would bring.  A time is given only where every repetition was right.  One
repetition per process is not timed (it is checked).  The times include two readings of the clock.
</p>
"""


def _problems(document):
    if not document["problems"]:
        return ""
    return "<h2>What could not be measured</h2>\n<ul>%s</ul>\n" % "".join(
        "<li>%s</li>" % escape(p) for p in document["problems"])


def _machine(document):
    m = dict(document["machine"])
    m["libraries"] = ", ".join("%s %s" % (k, v) for k, v in m["libraries"].items())
    items = "".join("<dt>%s</dt><dd>%s</dd>" % (escape(k.replace("_", " ")), escape(str(v)))
                    for k, v in m.items())
    return "<h2>Machine</h2>\n<dl>%s</dl>\n" % items


def render(document, figures):
    """Returns the page; figures as plots.draw_all returns them."""
    answer = "".join("<p>%s</p>\n" % escape(s) for s in document["headline"])
    parts = ["<h1>How a goroutine's stack grows: what it costs, and what breaks</h1>\n",
             "<div class=answer>%s</div>\n" % answer]
    parts += ["<p class=muted>%s</p>\n" % escape(note) for note in document["notes"]]
    if document["workloads"]:
        parts.append(_survival(document))
    if document["micro"]:
        parts += ["<h2>One growth step</h2>\n",
                  _figure(figures, "growth_step", "Median time of one growth step against the size "
                          "of the stack, one line per strategy, with the machine's own costs "
                          "beside it", "Band: 95% interval.  Grey: what the machine charges."),
                  _figure(figures, "step_distribution", "Share of growth steps that took longer "
                          "than a given time, per strategy, on logarithmic scales",
                          "Read across at p50, p99 or p99.9."),
                  _micro_table(document, "step"),
                  "<h2>A climb</h2>\n",
                  _figure(figures, "climb", "Median time to recurse to a depth and return, against "
                          "that depth, one line per strategy", "Each level has asked for its stack "
                          "by go_checkpoint."),
                  _micro_table(document, "climb")]
    if document["workloads"]:
        parts += ["<h2>Libraries</h2>\n",
                  _figure(figures, "workloads", "Time of each library workload relative to a plain "
                          "thread, one mark per strategy", "Bars: 95% interval."),
                  _workload_table(document)]
    if document["benchmarks"]:
        parts += ["<h2>Benchmark programs</h2>\n", _benchmark_tables(document)]
    parts += [_problems(document), "<h2>Method</h2>\n", METHOD % document["run"],
              _machine(document)]
    return ("<!doctype html>\n<html lang=en>\n<head><meta charset=utf-8>\n"
            '<meta name=viewport content="width=device-width, initial-scale=1">\n'
            "<title>stacklab: strategies compared</title>\n<style>%s</style></head>\n<body>\n%s"
            "</body>\n</html>\n" % (STYLE, "".join(parts)))
