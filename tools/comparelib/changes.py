"""What changed from one compare.json to another, so that a change to the runtime can be judged.

Each result is tested by Mann-Whitney's U on the medians of its processes; p-values are adjusted by
Holm for the number of results.  A result has changed if its adjusted p-value is below 0.05 and it
moved by more than the floor: 2%, or as much as a control did that changed, if that is more.
Controls have no code of the runtime's in them; what moves them is the machine.
"""

import json
import os

from comparelib import results, stats, verdict
from comparelib.plan import BadInput
from comparelib.summary import BUSY, HOLDS, KIND, SCHEMA
from comparelib.words import number, percent, short_ratio, short_time

LEVEL = 0.05
FLOOR = 0.02


def _no_json(constant):
    """Python takes NaN and Infinity for JSON, and a name that is NaN is not even itself."""
    raise ValueError(constant)


def load(path):
    """Reads a compare.json, or the one in a folder; BadInput if it is not one of this version."""
    if os.path.isdir(path):
        path = os.path.join(path, "compare.json")
    try:
        with open(path, encoding="utf-8") as f:
            document = json.load(f, parse_constant=_no_json)
    except OSError as error:
        raise BadInput("%s: %s" % (path, error.strerror)) from None
    except (ValueError, RecursionError):
        raise BadInput("%s: not JSON" % path) from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise BadInput("%s: not a compare.json of this version (no kind %r)" % (path, KIND))
    if document.get("schema") != SCHEMA:
        raise BadInput("%s: schema %s, and this reads %d" % (
            path, document.get("schema"), SCHEMA))
    try:
        where(document)
        results.check(document)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise BadInput("%s: damaged: parts are missing, or are not what they should be" %
                       path) from None
    return document


def _tested(before, after):
    """[row], one for each result that both documents have from enough processes."""
    olds, rows = results.read(before), []
    for name, new in results.read(after).items():
        old = olds.get(name)
        if not old or stats.least_p(min(old.processes(), new.processes())) > LEVEL:
            continue
        change = stats.change(new.rounds, old.rounds)
        if change:
            rows.append({"name": name, "unit": new.unit, "control": new.control,
                         "before": change["before"], "after": change["after"],
                         "processes": [old.processes(), new.processes()],
                         "ratio": change["value"], "ci": change["ci"], "p": change["p"]})
    for row, p in zip(rows, stats.holm([row["p"] for row in rows])):
        row["p_adjusted"] = p
    return rows


def _verdicts(before, after):
    """[row] of the trials that ended otherwise; worse: it was right."""
    olds, rows = results.verdicts(before), []
    for name, (kind, detail) in results.verdicts(after).items():
        if name in olds and olds[name][0] != kind:
            rows.append({"name": name, "before": olds[name][0], "after": kind, "detail": detail,
                         "worse": olds[name][0] in (verdict.OK,) + HOLDS})
    return rows


def size_of(row):
    """How far from 1 its ratio is, either way."""
    return max(row["ratio"], 1 / row["ratio"]) - 1


def where(document):
    return {"commit": document["machine"]["commit"], "date": document["machine"]["date"],
            "machine": [document["machine"][k] for k in ("cpu", "cpus", "kernel", "compiler")],
            "mode": document["run"]["mode"], "rounds": document["run"]["rounds"]}


def _warnings(before, after, rows):
    said = []
    if where(before)["machine"] != where(after)["machine"]:
        said.append("The two were measured on different machines, kernels or compilers.")
    for word, document in (("before", before), ("after", after)):
        share = document["machine"]["others_cpu"]
        if share > BUSY:
            said.append("Other programs took %s of the CPUs during the run %s." % (
                percent(share), word))
    unable = sum(stats.least_p(min(row["processes"])) * len(rows) > LEVEL for row in rows)
    if unable:
        said.append("%s from so few processes that no change among %d can be significant." % (
            number(unable, "result"), len(rows)))
    moved = [row for row in rows if row["control"] and row["p_adjusted"] < LEVEL]
    if moved:
        said.append("%d of %d controls changed, which have no code of the runtime's: the machine "
                    "was not the same.  The floor is raised to the most they moved." % (
                        len(moved), sum(row["control"] for row in rows)))
    return said


def find(before, after):
    """The whole answer, as a document that is JSON."""
    rows = _tested(before, after)
    floor = max([FLOOR] + [size_of(row) for row in rows
                           if row["control"] and row["p_adjusted"] < LEVEL])
    changed = [row for row in rows if not row["control"] and row["p_adjusted"] < LEVEL
               and size_of(row) > floor]
    changed.sort(key=lambda row: -size_of(row))
    ended = _verdicts(before, after)
    names = [set(results.read(d)) for d in (before, after)]
    both = names[0] & names[1]
    controls = [row["ratio"] for row in rows if row["control"]]
    return {"kind": "stacklab changes", "schema": 1, "before": where(before),
            "after": where(after), "level": LEVEL, "floor": floor, "tested": len(rows),
            "untested": sorted(both - {row["name"] for row in rows}),
            "controls": stats.geometric_mean(controls), "changed": changed, "verdicts": ended,
            "only_before": sorted(names[0] - names[1]), "only_after": sorted(names[1] - names[0]),
            "warnings": _warnings(before, after, rows), "results": rows,
            "worse": any(row["ratio"] > 1 for row in changed) or any(v["worse"] for v in ended)}


def _figure(row, key):
    return short_time(row[key]) if row["unit"] == "ns" else "{:,.0f} B".format(row[key])


def _row_text(row):
    return "  %5s [%s .. %s]  %-7s %9s -> %-9s  p %-8.2g %s" % (
        short_ratio(row["ratio"]), short_ratio(row["ci"][0]), short_ratio(row["ci"][1]),
        {"ns": ("faster", "slower"), "bytes": ("smaller", "larger")}[row["unit"]][
            row["ratio"] > 1], _figure(row, "before"), _figure(row, "after"), row["p_adjusted"],
        row["name"])


def render(found):
    """The answer as text."""
    old, new = found["before"], found["after"]
    lines = ["before: commit %s, %s, %s mode" % (old["commit"], old["date"], old["mode"]),
             "after:  commit %s, %s, %s mode" % (new["commit"], new["date"], new["mode"])]
    lines += ["NOTE: " + text for text in found["warnings"]]
    if found["verdicts"]:
        lines += ["", "ENDED OTHERWISE"]
        lines += ["  %s: %s -> %s%s" % (v["name"], v["before"], v["after"],
                                        "; " + v["detail"] if v["detail"] else "")
                  for v in found["verdicts"]]
    lines += ["", "%s of %s changed by more than %s (Mann-Whitney, Holm's p below %g)" % (
        "{:,}".format(len(found["changed"])), number(found["tested"], "result"),
        percent(found["floor"]), found["level"])]
    if found["changed"]:
        lines += ["  after/before [95%], largest first"] + [_row_text(r) for r in found["changed"]]
    if found["controls"]:
        lines.append("controls, which have none of the runtime in them: %s times as long "
                     "(geometric mean)" % short_ratio(found["controls"]))
    for key, word in (("only_before", "only in the run before"),
                      ("only_after", "only in the run after"),
                      ("untested", "from too few processes to be tested")):
        if found[key]:
            lines.append("%s: %s%s" % (
                word, ", ".join(found[key][:6]),
                " and %d more" % (len(found[key]) - 6) if len(found[key]) > 6 else ""))
    lines.append("WORSE" if found["worse"] else "not worse")
    return "\n".join(lines) + "\n"
