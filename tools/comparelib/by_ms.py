"""Growth on several Ms at once, of scaling_bench: what one climb and one growth cost, by strategy.

A time is that of all Ms together, divided by what they made in it: with a processor for each M it
falls as there are more, and where they wait for each other it does not.
"""

from dataclasses import dataclass

from comparelib import stats
from comparelib.page import figure, paragraph, table, td, th
from comparelib.words import number, short_ratio, short_time

FAMILY = "BM_GrowthByMs"


@dataclass(frozen=True)
class Point:
    """A strategy on some number of Ms."""
    climb_rounds: list  # ns of one climb, one list per process
    growths: float      # of one climb; 0 for what never grows

    def climb_ns(self):
        return stats.describe(self.climb_rounds)["median"]


def read(document):
    """{pool ("warm" or "cold"): {strategy: {Ms: Point}}}, strategies as the document has them."""
    names = [s["name"] for s in document["strategies"]]
    pools = {}
    for row in document["benchmarks"]:
        parts = row["name"].split("/")
        if parts[0] != FAMILY or not row["time_ns"] or parts[1] not in names:
            continue
        climbs = row["counters"]["climbs"]
        point = Point([[ns / climbs for ns in samples] for samples in row["rounds_ns"]],
                      row["counters"]["growths"] / climbs)
        pools.setdefault(parts[2], {}).setdefault(parts[1], {})[int(parts[3])] = point
    return {pool: {n: found[n] for n in names if n in found} for pool, found in pools.items()}


def most_over_one(points):
    """stats.ratio of a climb on the most Ms to one on a single M; None without both."""
    if len(points) < 2 or 1 not in points:
        return None
    return stats.ratio(points[max(points)].climb_rounds, points[1].climb_rounds)


def seen(pools):
    """In words: who gains the most and who the least from more Ms."""
    said = []
    for pool, found in pools.items():
        ratios = sorted((r["value"], n) for n, r in ((n, most_over_one(points))
                                                     for n, points in found.items()) if r)
        if len(ratios) > 1:
            most = max(ms for points in found.values() for ms in points)
            said.append("With %s, a climb on %d Ms costs from %s (%s) to %s (%s) times what it "
                        "does on one." % (POOLS.get(pool, pool), most, short_ratio(ratios[0][0]),
                                          ratios[0][1], short_ratio(ratios[-1][0]), ratios[-1][1]))
    return " ".join(said)


POOLS = {"warm": "pools that have stacks", "cold": "pools that have none"}


def _growth(point):
    return short_time(point.climb_ns() / point.growths) if point.growths else "-"


def section(document, figures):
    """What the page says of them; "" if they were not run."""
    pools = read(document)
    if not pools:
        return ""
    columns = sorted({ms for found in pools.values() for points in found.values()
                      for ms in points})
    on = ["%s" % number(ms, "M") for ms in columns]
    climbs, grown = [], []
    for pool, found in pools.items():
        for name, points in found.items():
            ratio = most_over_one(points)
            climbs.append([th(name), td(pool)] + [
                td(short_time(points[ms].climb_ns()) if ms in points else "-", "n")
                for ms in columns] + [td("%s [%s .. %s]" % (short_ratio(ratio["value"]), *map(
                    short_ratio, ratio["ci"])) if ratio else "-", "n")])
            grown.append([th(name), td(pool)] + [
                td(_growth(points[ms]) if ms in points else "-", "n") for ms in columns])
    head = ["strategy", "pool"] + on
    text = seen(pools)
    return "<h3>Growth on several Ms at once</h3>\n" + paragraph(text, "seen") + figure(
        figures.get("growth_by_ms"), "Median time of a climb from 8 to 256 KiB against the number "
        "of Ms that climb at once, one line per strategy. " + text,
        "All Ms together, by their climbs.") + table(
            head + ["most over one [95%]"], climbs, "One climb from 8 to 256 KiB: the time of all "
            "Ms together by their climbs; the machine has %d CPUs." % document["machine"]["cpus"],
            range(2, 3 + len(columns))) + table(
                head, grown, "The same by growths, memory touched included; -: it never grows.",
                range(2, 2 + len(columns)))
