"""The document as text for a terminal."""

from comparelib import machine, programs, verdict
from comparelib.plan import THREAD
from comparelib.words import join, short_ratio, short_size, short_time

WIDTH = 100


def _wrap(text, indent, width=WIDTH):
    lines, line = [], ""
    for word in text.split():
        if line and len(indent) + len(line) + 1 + len(word) > width:
            lines.append(indent + line)
            line = word
        else:
            line = (line + " " + word).strip()
    return lines + [indent + line]


def ci_text(time_ns):
    """The interval of a median; one or two processes say nothing about the next."""
    if time_ns["processes"] < 3:
        return "from %d process%s" % (time_ns["processes"], "es"[:2 * time_ns["processes"] - 2])
    return "%s .. %s" % tuple(map(short_time, time_ns["ci"]))


def _time_columns(time_ns):
    return "%10s  [%s]" % (short_time(time_ns["median"]), ci_text(time_ns))


def interval(ratio):
    return "%s [%s .. %s]" % (short_ratio(ratio), short_ratio(ratio["ci"][0]),
                              short_ratio(ratio["ci"][1])) if ratio else ""


def growths_note(cell):
    per = cell["per_repetition"]
    if not per.get("growths"):
        return ""
    note = "%.1f growths" % per["growths"]
    if per.get("growths_by_fault"):
        note += ", %.1f by fault" % per["growths_by_fault"]
    return note


def _cell_lines(growth, cell):
    head = "  %-20s " % growth
    if cell["verdict"] != verdict.OK or not cell["time_ns"]:
        what = "%s: %s" % (cell["verdict"].upper(), cell["detail"])
        lines = _wrap(what, " " * len(head))
        return [head + lines[0].lstrip()] + lines[1:]
    quartiles = cell["time_ns"]["quartiles"]
    spread = (quartiles[1] - quartiles[0]) / 2 / cell["time_ns"]["median"]
    return [(head + "%-36s %s%%  %-20s %s" % (
        _time_columns(cell["time_ns"]), ("%4.0f" % (100 * spread)), interval(cell["ratio"]),
        growths_note(cell))).rstrip()]


def workloads(document):
    lines = ["LIBRARIES ON 8 KiB STACKS: median of a repetition [95% interval], half the quartile "
             "range,", "  ratio to %s [95%% interval], growths per repetition" % THREAD]
    for row in document["workloads"]:
        lines.append("")
        used = "uses %s" % short_size(row["stack_used"]) if row["stack_used"] else ""
        lines += _wrap("%s  (%s: %s; asks for %s of stack, %s)" % (
            row["name"], row["library"], row["does"], short_size(row["checkpoint_bytes"]), used),
            "")
        for growth, cell in row["cells"].items():
            lines += _cell_lines(growth, cell)
    return lines


SHORT = {verdict.OK: "ok", verdict.WRONG: "WRONG", verdict.CRASHED: "CRASH",
         verdict.HUNG: "HUNG", verdict.REFUSED: "refused", verdict.FAILED: "FAILED"}


def survival(document):
    names = [THREAD] + [s["name"] for s in document["strategies"]]
    columns = ["%%-%ds" % (max(len(n), 7) + 2) for n in names]
    head = "".join(c % n for c, n in zip(columns, names))
    lines = ["SURVIVAL", ("  %-22s" % "" + head).rstrip()]
    for row in document["workloads"]:
        words = [SHORT[row["cells"][n]["verdict"]] if n in row["cells"] else "-" for n in names]
        lines.append(("  %-22s" % row["name"] + "".join(
            c % w for c, w in zip(columns, words))).rstrip())
    return lines


def _micro_cell(cell):
    if not cell:
        return "-"
    if cell["verdict"] != verdict.OK or not cell["time_ns"]:
        return SHORT[cell["verdict"]]
    return short_time(cell["time_ns"]["median"])


def micro(document):
    lines = []
    names = [THREAD] + [s["name"] for s in document["strategies"]]
    columns = ["%%%ds" % (max(len(n), 8) + 2) for n in names]
    for row in document["micro"]:
        lines += ["", "%s: %s; median" % (row["name"].upper(), row["does"]),
                  "  %-10s" % "" + "".join(c % n for c, n in zip(columns, names))]
        for size in row["sizes"]:
            cells = row["cells_by_size"][str(size)]
            lines.append("  %-10s" % short_size(size)
                         + "".join(c % _micro_cell(cells.get(n)) for c, n in zip(columns, names)))
        lines += ["  %s/%s under %s: %s: %s" % (row["name"], size, n, cell["verdict"],
                                                cell["detail"])
                  for size, cells in row["cells_by_size"].items() for n, cell in cells.items()
                  if cell["verdict"] != verdict.OK]
    return lines[1:]


def benchmarks(document):
    lines, target = [], None
    for row in document["benchmarks"]:
        if row["target"] != target:
            target = row["target"]
            left_out = document["run"].get("benchmarks_left_out", {}).get(target, 0)
            note = "; %d more with --full or --only" % left_out if left_out else ""
            lines += ["", "%s: median [95%% interval]%s" % (target, note)]
        if row["time_ns"]:
            lines.append("  %-56s %s" % (row["name"], _time_columns(row["time_ns"])))
        else:
            lines.append("  %-56s %s" % (row["name"], "ERROR: " + (row["error"] or "no samples")))
    return lines[1:]


def answers(document):
    lines = ["WHICH STRATEGY FOR WHAT  (report.html says by which rules)"]
    for a in document["answers"]:
        lines += ["", "%s%s" % (a["use"], ": " + join(a["take"]).upper() if a["take"] else "")]
        lines += _wrap(a["text"], "  ")
    return lines


def memory(document):
    if not document["memory"]:
        return []
    first = document["memory"][0]
    lines = ["PARKED: bytes per goroutine of {:,} that wait; median".format(first["goroutines"]),
             "  %-20s %10s %12s %10s %10s" % ("", "resident", "page tables", "mappings", "total")]
    for row in document["memory"]:
        lines.append("  %-20s %10.0f %12.0f %10.0f %10.0f" % (row["growth"], *[
            row["bytes"][part]["median"]
            for part in ("resident", "page_tables", "mappings", "total")]))
    return lines


def render(document):
    """The whole, as one string."""
    m = document["machine"]
    blocks = [answers(document)]
    if document["workloads"]:
        blocks += [survival(document), workloads(document)]
    blocks += [micro(document), memory(document), programs.render(document),
               benchmarks(document)]
    if document["notes"]:
        blocks.append([line for note in document["notes"] for line in _wrap("NOTE: " + note, "")])
    if document["problems"]:
        blocks.append(["PROBLEMS"] + [line for p in document["problems"]
                                      for line in _wrap(p, "  ")])
    blocks.append(_wrap("Measured on: %s; %s; flags: %s" % (
        machine.one_line(m), m["system"], m["flags"]), ""))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
