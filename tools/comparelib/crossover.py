"""Where which strategy is cheapest: climbs to a depth in frames of a size, of growth_bench.

A cell is a frame size and a depth.  Its strategies are ordered by median time; the cheapest ones
are the first and those whose time, taken in the same rounds, is not told apart from the first's by
a 95% interval.
"""

from comparelib import stats

def read(document, family):
    """{(frame, depth): [(strategy, benchmark row)], cheapest first}."""
    names = {s["name"] for s in document["strategies"]}
    cells = {}
    for row in document["benchmarks"]:
        parts = row["name"].split("/")
        numbers = [int(p) for p in parts[2:] if p.isdigit()]
        if (parts[0] == family and row["time_ns"] and len(numbers) == 2 and len(parts) > 1
                and parts[1] in names):
            depth, frame = numbers
            cells.setdefault((frame, depth), []).append((parts[1], row))
    for found in cells.values():
        found.sort(key=lambda pair: pair[1]["time_ns"]["median"])
    return cells


def is_same(row, best):
    """Whether the interval of row's time over best's does not exclude 1."""
    ratio = stats.ratio(row["rounds_ns"], best["rounds_ns"])
    return ratio is None or ratio["ci"][0] <= 1


def cheapest(found):
    """The names that share the first place, cheapest first."""
    return [n for n, row in found if row is found[0][1] or is_same(row, found[0][1])]


def counts(cells, names=None):
    """[(name, cells where it is among the cheapest of the given names (all without))], most
    first."""
    scores = {}
    for found in cells.values():
        for name in cheapest([(n, row) for n, row in found if names is None or n in names]):
            scores[name] = scores.get(name, 0) + 1
    return sorted(scores.items(), key=lambda item: -item[1])


def axes(cells):
    """(frame sizes, depths), ascending."""
    return sorted({f for f, _ in cells}), sorted({d for _, d in cells})
