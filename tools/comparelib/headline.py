"""The answer: which strategy for which use, by rules that are printed beside it.

Everything in it is computed from the document: names, figures and who leads.  An answer whose
figures were not measured is left out.
"""

from comparelib import crossover, stats, summary
from comparelib.plan import CLIMBS, THREAD
from comparelib.words import (bytes_text, join, number, percent, short_ratio, short_size,
                              short_time)

ALIKE = 0.02  # geometric means, and bytes, that differ by less are a draw


def _names(document):
    return [s["name"] for s in document["strategies"]]


def staying(document):
    """The strategies under which no stack moves."""
    return [s["name"] for s in document["strategies"] if not s["moves"]]


def _answer(use, take, text, rule):
    return {"use": use, "take": list(take), "text": text, "rule": rule}


def _caveat(document, name):
    """What a moving strategy was seen to break, or "" where none moves."""
    if name in staying(document):
        return ""
    right, broken = summary.survivors(document, name)
    text = "%s moves stacks" % name
    if broken:
        text += " and gets %d of %s wrong (%s)" % (
            len(broken), number(len(right) + len(broken), "library workload"), join(broken))
    hazards = summary.broken_hazards(document, name)
    if hazards:
        text += ", and does not withstand %s" % number(len(hazards), "hazard")
    return text + "."


def overheads(document):
    """{strategy: geometric mean of its time over a plain thread's}, over the library workloads that
    every strategy that was right in all of its own has a time for; and their number."""
    whole = [n for n in _names(document) if not summary.survivors(document, n)[1]]
    logs = {n: [] for n in whole}
    for row in document["workloads"]:
        cells = [row["cells"].get(n) for n in whole]
        if cells and all(c and c["ratio"] for c in cells):
            for n, cell in zip(whole, cells):
                logs[n].append(cell["ratio"]["value"])
    count = len(logs[whole[0]]) if whole else 0
    return {n: stats.geometric_mean(v) for n, v in logs.items() if v}, count


def memory_of(document, name):
    """Bytes per parked goroutine, or None."""
    for row in document.get("memory") or []:
        if row["growth"] == name:
            return row["bytes"]["total"]["median"]
    return None


def _unread_code(document):
    means, count = overheads(document)
    able = {n: means[n] for n in staying(document)
            if n in means and not summary.broken_hazards(document, n)}
    if not able:
        return None
    near = [n for n in able if able[n] <= min(able.values()) * (1 + ALIKE)]
    near.sort(key=lambda n: (memory_of(document, n) or 0, able[n]))
    take = near[0]
    text = "All of %s right, in %.2f times the time of a plain thread" % (
        number(count, "library workload"), able[take])
    if len(able) > 1:
        text += " (%s)" % ", ".join("%s %.2f" % (n, able[n]) for n in sorted(able, key=able.get)
                                    if n != take)
    withstood = summary.broken_hazards(document, take) is not None
    text += "; every hazard withstood" if withstood else ""
    held = memory_of(document, take)
    text += "; a parked goroutine holds %s." % bytes_text(held) if held else "."
    return _answer(
        "C code that nobody has checked", [take], text,
        "Of the strategies under which no stack moves and every library workload (and every hazard "
        "that was run) was right: the least geometric mean of time over a plain %s; within %s, the "
        "least memory." % (THREAD, percent(ALIKE)))


def _broken(document):
    """Who breaks what: not a choice, but what every other answer has to be read with."""
    moving = [s["name"] for s in document["strategies"] if s["moves"]]
    if not moving or not document["workloads"]:
        return None
    groups = {}
    for name in moving:
        groups.setdefault(tuple(summary.survivors(document, name)[1]), []).append(name)
    parts = ["%s under %s" % (join(broken) if broken else "nothing", join(names))
             for broken, names in sorted(groups.items(), key=lambda item: -len(item[0]))]
    text = "Of %s, wrong or crashed: %s." % (
        number(len(document["workloads"]), "library workload"), "; ".join(parts))
    spared = [n for n in moving if not summary.survivors(document, n)[1]
              and not _grew_by_fault(document, n)]
    if spared:
        text += (" Under %s nothing moved inside a library, since checkpoints and checks before it "
                 "had asked for enough: that is luck of the sizes, not safety." % join(spared))
    return _answer("what breaks when stacks move", [], text,
                   "Every library workload that was not right in every run.")


def _grew_by_fault(document, name):
    cells = [row["cells"].get(name) for row in document["workloads"]]
    return any(c and c["per_repetition"].get("growths_by_fault", 0) > 0 for c in cells)


def _cheapest(figures, names):
    """[(name, figure)] of the given names, least first."""
    return sorted(((n, figures[n]) for n in names if n in figures), key=lambda pair: pair[1])


def _parked(document):
    held = {n: memory_of(document, n) for n in _names(document) if memory_of(document, n)}
    order = _cheapest(held, held)
    if len(order) < 2:
        return None
    still = _cheapest(held, staying(document))
    near = [n for n, v in still if v <= order[0][1] * (1 + ALIKE)]
    take = near[0] if near else order[0][0]
    text = "A parked goroutine holds %s in all; %s." % (
        bytes_text(held[take]),
        join("%s under %s" % (bytes_text(v), n) for n, v in order if n != take))
    if still and take not in staying(document):
        text += " %s Of those that do not move: %s." % (_caveat(document, take), still[0][0])
    return _answer(
        "very many goroutines that mostly wait", [take], text,
        "The least memory per parked goroutine: resident, page tables and the kernel's share for "
        "mappings; within %s, a strategy under which no stack moves." % percent(ALIKE))


def _climb(document, family, use, what):
    cells = crossover.read(document, family)
    if not cells:
        return None
    ranks = crossover.counts(cells)
    take, wins = ranks[0]
    text = "%s is the cheapest, or not told apart from it, at %d of %d combinations of depth and " \
           "frame size" % (take, wins, len(cells))
    text += "; " + join("%s at %d" % pair for pair in ranks[1:]) if ranks[1:] else ""
    frame, depth = max(cells, key=lambda cell: (cell[1], -cell[0]))
    found = {n: row["time_ns"]["median"] for n, row in cells[frame, depth]}
    text += ".  To %s in %s frames: %s." % (short_size(depth), short_size(frame), join(
        "%s under %s" % (short_time(v), n) for n, v in _cheapest(found, found)))
    caveat = _caveat(document, take)
    still = crossover.counts(cells, staying(document)) if caveat else []
    if caveat:
        text += " " + caveat
    if still:
        text += " Of those that do not move: %s." % still[0][0]
    return _answer(use, [take], text,
                   "Cheapest, by the 95% interval of the ratio to the least median, at the most "
                   "points of the map (" + what + ").")


def _cold(document):
    return _climb(document, "BM_ClimbCold", "deep recursion once, on memory that is new",
                  CLIMBS["BM_ClimbCold"])


def _warm(document):
    return _climb(document, "BM_ClimbWarm", "deep recursion again and again",
                  CLIMBS["BM_ClimbWarm"])


def step_row(document):
    return next((m for m in document["micro"] if m["name"] == "step"), None)


def growers(document, size):
    """[(name, cell)] of the strategies that made one growth in a step, cheapest first."""
    found = []
    for name in _names(document):
        cell = summary.cell_of(document, "step", size, name)
        if cell and cell["time_ns"] and cell["per_repetition"].get("growths", 0) >= 0.99:
            found.append((name, cell))
    return sorted(found, key=lambda pair: pair[1]["time_ns"]["median"])


def _costs(found, key="median"):
    return join("%s under %s" % (short_time(cell["time_ns"][key]), name) for name, cell in found)


def _step(document):
    row = step_row(document)
    found = growers(document, min(row["sizes"])) if row else []
    if len(found) < 2:
        return None
    size, (first, best), (last, worst) = min(row["sizes"]), found[0], found[-1]
    text = "One step from %s to %s costs %s" % (
        short_size(size), short_size(2 * size), _costs(found))
    times = stats.ratio(worst["rounds_ns"], best["rounds_ns"])
    if times:
        text += ": %s takes %s times as long as %s (95%% interval %s to %s)" % (
            last, short_ratio(times), first, *map(short_ratio, times["ci"]))
    large = max(row["sizes"])
    at_last = growers(document, large)
    if large > size and len(at_last) > 1:
        text += ".  From %s to %s: %s" % (short_size(large), short_size(2 * large),
                                          _costs(at_last))
    others = [(n, summary.cell_of(document, "step", size, n)) for n in _names(document)]
    others = [(n, c) for n, c in others if c and c["time_ns"] and n not in dict(found)]
    if others:
        text += ".  The same call where nothing has to grow: %s" % _costs(others)
    return _answer("stacks that start small and often grow", [first],
                   ("%s. %s" % (text, _caveat(document, first))).strip(),
                   "Of the strategies that made one growth in each step: the least median of a "
                   "step of a full %s stack." % short_size(size))


def _tail(document):
    row = step_row(document)
    found = growers(document, min(row["sizes"])) if row else []
    if len(found) < 2:
        return None
    found.sort(key=lambda pair: pair[1]["time_ns"]["p999"])
    return _answer(
        "latency: the rare slow step", [found[0][0]],
        ("One step in a thousand takes longer than %s; one in a hundred, than %s. %s" % (
            _costs(found, "p999"), _costs(found, "p99"), _caveat(document, found[0][0]))).strip(),
        "The least 99.9th percentile of one growth step of a full %s stack." % short_size(
            min(row["sizes"])))


def _no_growth(document):
    rows = {b["name"].split("/")[1]: b for b in document["benchmarks"]
            if b["name"].startswith("BM_NoGrowth/") and b["time_ns"]}
    figures = {n: rows[n]["time_ns"]["median"] for n in _names(document) if n in rows}
    order = _cheapest(figures, figures)
    if len(order) < 2:
        return None
    alike = [n for n, _ in order if n == order[0][0]
             or crossover.is_same(rows[n], rows[order[0][0]])]
    text = "A call tree that fits its stack costs %s" % join(
        "%s under %s" % (short_time(v), n) for n, v in order)
    if len(alike) > 1:
        text += "; %s are not told apart" % join(alike)
    return _answer("code whose stack is large enough from the start", alike, text + ".",
                   "The least median of the call tree that never grows, and all whose ratio to it "
                   "has a 95% interval that reaches 1.")


RULES = [_unread_code, _broken, _parked, _cold, _warm, _step, _tail, _no_growth]


def answers(document):
    """[{use, take, text, rule}]; take holds names of strategies, none where there is no choice."""
    made = [rule(document) for rule in RULES]
    return [a for a in made if a] or [_answer(
        "any use", [], "Too little was run to compare strategies.",
        "tools/compare without --only runs everything.")]
