"""What each figure shows, in words: for those who cannot see it, and to be read above it."""

from comparelib import crossover, headline, results, verdict
from comparelib.plan import CLIMBS, THREAD
from comparelib.words import bytes_text, join, number, percent, short_ratio, short_size, short_time


def crossovers(document):
    said = []
    for family, what in CLIMBS.items():
        cells = crossover.read(document, family)
        if cells:
            ranks = crossover.counts(cells)
            said.append("%s: of %s, cheapest or not told apart from it: %s." % (
                (what[0].upper() + what[1:]).split(":")[0], number(len(cells), "point"),
                join("%s at %d" % pair for pair in ranks)))
    return " ".join(said)


def memory(document):
    rows = sorted(document["memory"], key=lambda r: r["bytes"]["total"]["median"])
    total = [(r["growth"], r["bytes"]["total"]["median"]) for r in rows]
    text = "From %s under %s to %s under %s" % (
        bytes_text(total[0][1]), total[0][0], bytes_text(total[-1][1]), total[-1][0])
    if total[0][1] > 0:
        text += ", %s times as much" % short_ratio(total[-1][1] / total[0][1])
    last = rows[-1]["bytes"]
    part = max(("resident", "page_tables", "mappings"), key=lambda p: last[p]["median"])
    return text + "; of that the largest part is %s, %s." % (
        part.replace("_", " "), bytes_text(last[part]["median"]))


def _ends(document, name, sizes, cells_of):
    """The first and last of the lines at the smallest and the largest size."""
    said = []
    for size in dict.fromkeys((min(sizes), max(sizes))):
        order = sorted((c["time_ns"]["median"], g) for g, c in cells_of(size) if c["time_ns"])
        if order:
            said.append("At %s from %s (%s) to %s (%s)" % (
                short_size(size), short_time(order[0][0]), order[0][1],
                short_time(order[-1][0]), order[-1][1]))
    return ".  ".join(said) + "." if said else "Nothing was right at every size."


def steps(document):
    row = headline.step_row(document)
    return "One growth step. " + _ends(document, "step", row["sizes"],
                                       lambda size: headline.growers(document, size))


def climb(document):
    row = next(m for m in document["micro"] if m["name"] == "climb")
    return "Time rises with depth. " + _ends(
        document, "climb", row["sizes"], lambda size: row["cells_by_size"][str(size)].items())


def tail(document):
    row = headline.step_row(document)
    found = headline.growers(document, min(row["sizes"]))
    if not found:
        return "No strategy made one growth in a step."
    return "Of the steps that grow: %s." % "; ".join(
        "%s p50 %s, p99 %s, p99.9 %s" % (n, *[short_time(c["time_ns"][k])
                                              for k in ("median", "p99", "p999")])
        for n, c in found)


def survival(document):
    cells = [(row["name"], n, cell) for row in document["workloads"]
             for n, cell in row["cells"].items() if n != THREAD]
    bad = [(w, n, c) for w, n, c in cells if c["verdict"] != verdict.OK]
    if not bad:
        return "All %d combinations of workload and strategy were right." % len(cells)
    groups = {}
    for w, n, _ in bad:
        groups.setdefault(n, []).append(w)
    return "%d of %d combinations of workload and strategy were not right: %s." % (
        len(bad), len(cells), "; ".join("%s under %s" % (join(ws), n)
                                        for n, ws in groups.items()))


def workloads(document):
    means, count = headline.overheads(document)
    if not means:
        return "No strategy was right in all of its workloads."
    order = sorted(means.items(), key=lambda item: item[1])
    worst = max(((cell["ratio"]["value"], row["name"], n) for row in document["workloads"]
                 for n, cell in row["cells"].items() if cell["ratio"] and n != THREAD))
    return ("Over %s, the geometric mean of the time relative to a plain thread: %s.  The "
            "slowest single one: %s under %s, %s times." % (
                number(count, "workload"), ", ".join("%s %.2f" % pair for pair in order),
                worst[1], worst[2], short_ratio(worst[0])))


def layouts(document):
    found = results.spreads(document)
    if not found:
        return ""

    def middle(key):
        shares = sorted(s[key] for _, s in found)
        return percent(shares[len(shares) // 2])

    most, spread = found[0]
    sure = sum(s["p_a"] < 0.01 for _, s in found)
    return ("Half of %s move by less than %s with the link order, %s with the size of the "
            "environment, and %s with nothing that was controlled.  Link order moves %s most: %s.  "
            "%d of %d have an effect of the link order at p below 0.01 (%.0f would by chance)." % (
                number(len(found), "result"), middle("a"), middle("b"), middle("rest"),
                most.name, percent(spread["a"]), sure, len(found), 0.01 * len(found)))
