"""The answer in sentences.  Everything in them is computed: names, figures and which side leads."""

from comparelib import stats, summary
from comparelib.plan import THREAD


def short_time(ns):
    """Three digits with a unit."""
    for unit, scale in (("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9)):
        value = ns / scale
        if value < 999.5 or unit == "s":
            digits = 0 if value >= 100 or unit == "ns" and value >= 10 else 1 if value >= 10 else 2
            return "%.*f %s" % (digits, value, unit)
    return ""


def short_size(size):
    for unit, scale in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return "%g %s" % (round(size / scale, 1), unit)
    return "%d B" % size


def short_ratio(ratio):
    value = ratio["value"] if isinstance(ratio, dict) else ratio
    return "%.0f" % value if value >= 20 else "%.1f" % value if value >= 3 else "%.2f" % value


def join(words):
    words = list(words)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _growers(document, size):
    """[(name, cell)] of the strategies that made one growth in a step, cheapest first."""
    found = []
    for s in document["strategies"]:
        cell = summary.cell_of(document, "step", size, s["name"])
        if cell and cell["time_ns"] and cell["per_repetition"].get("growths", 0) >= 0.99:
            found.append((s["name"], cell))
    return sorted(found, key=lambda pair: pair[1]["time_ns"]["median"])


def _step_sentence(document):
    step = next((m for m in document["micro"] if m["name"] == "step"), None)
    if not step:
        return None
    size = min(step["sizes"])
    growers = _growers(document, size)
    if len(growers) < 2:
        return None
    (first, best), (last, worst) = growers[0], growers[-1]
    times = stats.ratio(worst["rounds_ns"], best["rounds_ns"])
    text = "One growth step from %s to %s costs %s" % (
        short_size(size), short_size(2 * size),
        join("%s under %s" % (short_time(cell["time_ns"]["median"]), name)
             for name, cell in growers))
    if times:
        text += ", %s times %s (95%% interval %s to %s)" % (
            short_ratio(times), first, short_ratio(times["ci"][0]), short_ratio(times["ci"][1]))
    return text + "."


def _tail_sentence(document):
    step = next((m for m in document["micro"] if m["name"] == "step"), None)
    growers = _growers(document, min(step["sizes"])) if step else []
    if not growers:
        return None
    return "One such step in a hundred takes longer than %s." % join(
        "%s under %s" % (short_time(cell["time_ns"]["p99"]), name) for name, cell in growers)


def _crossing_sentence(document):
    """The other end of the sizes, where copying outweighs the fault that asked for it."""
    step = next((m for m in document["micro"] if m["name"] == "step"), None)
    if not step:
        return None
    size = max(step["sizes"])
    growers = _growers(document, size)
    if len(growers) < 2:
        return None
    times = stats.ratio(growers[-1][1]["rounds_ns"], growers[0][1]["rounds_ns"])
    return times and "From %s to %s it is %s, %s times." % (
        short_size(size), short_size(2 * size),
        join("%s under %s" % (short_time(cell["time_ns"]["median"]), name)
             for name, cell in growers), short_ratio(times))


def _count(n):
    return "%d library workload%s" % (n, "" if n == 1 else "s")


def _survival_sentence(document):
    rows = document["workloads"]
    if not rows:
        return None
    scores = {}
    for s in document["strategies"]:
        right, not_right = summary.survivors(document, s["name"])
        scores.setdefault((len(right), tuple(not_right)), []).append(s["name"])
    parts = []
    for (right, broken), names in sorted(scores.items(), key=lambda item: -item[0][0]):
        if not broken:
            parts.append("%s right under %s" % (
                "all %d are" % right if right > 1 else "it is", join(names)))
        else:
            parts.append("%d under %s, which breaks %s" % (right, join(names), join(broken)))
    return "Of %s entered on 8 KiB stacks, %s." % (_count(len(rows)), "; ".join(parts))


def _overhead_sentence(document):
    """How the whole work compares with a plain thread, where every strategy was right."""
    names = [s["name"] for s in document["strategies"]]
    ratios = {name: [] for name in names}
    count = 0
    for row in document["workloads"]:
        cells = [row["cells"].get(name) for name in names]
        if all(c and c["ratio"] for c in cells):
            count += 1
            for name, cell in zip(names, cells):
                ratios[name].append(cell["ratio"]["value"])
    if count < 2:
        return None
    parts = ["%s %.2f" % (name, stats.geometric_mean(values)) for name, values in ratios.items()]
    return ("Over the %d workloads that all strategies get right, the time relative to a plain %s "
            "is (geometric mean): %s." % (count, THREAD, ", ".join(parts)))


def _untested_sentence(document):
    """A strategy that never had to act on a fault has not been put to the test there."""
    notes = []
    for s in document["strategies"]:
        cells = [row["cells"].get(s["name"]) for row in document["workloads"]]
        grown = [c for c in cells if c and c["per_repetition"].get("growths", 0) > 0]
        by_fault = [c for c in cells if c and c["per_repetition"].get("growths_by_fault", 0) > 0]
        if grown and not by_fault:
            notes.append(s["name"])
    if not notes:
        return None
    return ("Under %s stacks grew at checkpoints and checks only, so nothing moved inside a "
            "library: that it survives says that enough was asked for, not that moves are "
            "harmless." % join(notes))


def sentences(document):
    made = [_step_sentence(document), _crossing_sentence(document), _tail_sentence(document),
            _survival_sentence(document), _overhead_sentence(document),
            _untested_sentence(document)]
    return [s for s in made if s] or ["Too little was run to compare strategies."]
