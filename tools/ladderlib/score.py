"""What a run of the ladder amounts to, and how it is printed.

A run of a detector that found nothing counts as one of the whole limit: medians and A12 see it as
slower than any that did.  A12(a, b), of Vargha and Delaney (2000), is how often a is quicker than
b, ties half: 0.5 is no difference, 1 always.  It is taken bug by bug, over the seeds, and its mean
is over the bugs that both have looked at.
"""

import statistics

from ladderlib.detectors import KINDS
from ladderlib.patches import TIERS

WIDTH = 100


def by_kind(entry):
    """Of one patch: {kind: [seconds or None, by seed]}; several targets of a kind work side by
    side, and the quickest counts."""
    kinds = {}
    for detector, runs in entry["detectors"].items():
        seen = [run["seconds"] if run["found"] else None for run in runs]
        kind = detector.split(":")[0]
        before = kinds.get(kind)
        kinds[kind] = seen if before is None else [
            b if a is None else a if b is None else min(a, b) for a, b in zip(before, seen)]
    return {kind: kinds[kind] for kind in KINDS if kind in kinds}


def median(seen, limit):
    """The median time to find, or None if half of the seeds or more did not."""
    found = sum(s is not None for s in seen)
    return statistics.median(limit if s is None else s for s in seen) if 2 * found > len(seen) \
        else None


def a12(ours, theirs, limit):
    """How often `ours` is quicker than `theirs`."""
    import scipy.stats  # what looks at patches and headers needs no package
    a, b = ([limit if s is None else min(s, limit) for s in seen] for seen in (ours, theirs))
    # U counts the pairs in which the first is larger.
    return float(scipy.stats.mannwhitneyu(b, a).statistic) / (len(a) * len(b))


def pairs(document):
    """{(kind, other): (mean A12, patches)} of each two kinds that have looked at the same bugs."""
    found = {}
    looked = [by_kind(entry) for entry in document["patches"]]
    for i, kind in enumerate(KINDS):
        for other in KINDS[i + 1:]:
            each = [a12(k[kind], k[other], document["limit"]) for k in looked
                    if kind in k and other in k]
            if each:
                found[kind, other] = (statistics.fmean(each), len(each))
    return found


def finders(entry):
    """The kinds that found it, with any seed."""
    return [kind for kind, seen in by_kind(entry).items() if any(s is not None for s in seen)]


def must_missed(entry):
    """The detectors that must see it, were run, and did not, with any seed."""
    ran = entry["detectors"]
    return [d for d in entry["must"] if d in ran and not any(run["found"] for run in ran[d])]


def verdicts(document):
    """{"undetected", "missed", "only", "suites_alone", "fuzz_alone"}: what there is to say."""
    said = {"undetected": [], "missed": {}, "only": {}, "suites_alone": [], "fuzz_alone": []}
    for entry in document["patches"]:
        name, found, ran = entry["name"], finders(entry), by_kind(entry)
        if not found:
            said["undetected"].append(name)
        if must_missed(entry):
            said["missed"][name] = must_missed(entry)
        if len(found) == 1 and len(ran) > 1:
            said["only"].setdefault(found[0], []).append(name)
        fuzzed = {"fuzz", "afl"} & set(ran)
        by_suites = {"test", "asan", "ubsan", "tsan"} & set(found)
        if by_suites and fuzzed and not fuzzed & set(found):
            said["suites_alone"].append(name)
        if fuzzed & set(found) and not by_suites:
            said["fuzz_alone"].append(name)
    return said


# ---- As text -----------------------------------------------------------------------------------

def cell(seen, limit):
    """`1.2`: the median; `1.2 2/3`: so many seeds found it, the first that did if they are the
    fewer; `-`: none did."""
    found = [s for s in seen if s is not None]
    if not found:
        return "-"
    middle = median(seen, limit)
    value = min(found) if middle is None else middle
    text = "%.*f" % (0 if value >= 10 else 1 if value >= 1 else 2, value)
    return text if len(found) == len(seen) else "%s %d/%d" % (text, len(found), len(seen))


def targets(entry, limit):
    """Where several fuzz targets looked: what each found."""
    ran = {name: runs for name, runs in entry["detectors"].items() if ":" in name}
    if len(ran) < 2:
        return "".join(name.split(":")[1] for name in ran)
    return ", ".join("%s %s" % (name.replace("fuzz:", ""), cell(
        [run["seconds"] if run["found"] else None for run in runs], limit))
        for name, runs in ran.items())


def matrix(document):
    kinds = [kind for kind in KINDS
             if any(kind in by_kind(entry) for entry in document["patches"])]
    lines = ["SECONDS TO FIND: median over %d seed%s; - missed in %g s; . not run" % (
        document["seeds"], "s"[:document["seeds"] != 1], document["limit"]), ""]
    rows = [["", *kinds, "by target"]]
    for entry in document["patches"]:
        seen = by_kind(entry)
        rows.append([entry["name"], *(cell(seen[kind], document["limit"]) if kind in seen else "."
                                      for kind in kinds), targets(entry, document["limit"])])
    return lines + columns(rows)


def columns(rows):
    """The first and the last to the left, those between to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:-1], widths[1:-1]),
                       row[-1]]).rstrip() for row in rows]


def tiers(document):
    kinds = [kind for kind in KINDS
             if any(kind in by_kind(entry) for entry in document["patches"])]
    lines = ["FOUND, OF THOSE LOOKED AT", "",
             " " * 44 + "".join("%7s" % kind for kind in kinds) + "%7s" % "any"]
    groups = [(title, [e for e in document["patches"] if e["tier"] == tier])
              for tier, title in TIERS.items()] + [("all", document["patches"])]
    for title, entries in groups:
        if not entries:
            continue
        cells = []
        for kind in kinds:
            looked = [entry for entry in entries if kind in by_kind(entry)]
            cells.append("%d/%d" % (sum(kind in finders(e) for e in looked), len(looked))
                         if looked else ".")
        cells.append("%d/%d" % (sum(bool(finders(e)) for e in entries), len(entries)))
        lines.append(title.ljust(44) + "".join("%7s" % text for text in cells))
    return lines


def effect(document):
    found = pairs(document)
    kinds = [kind for kind in KINDS if any(kind in pair for pair in found)]
    if not kinds:
        return []
    lines = ["A12: how often the row is quicker than the column, mean over bugs (how many)", "",
             " " * 8 + "".join("%11s" % kind for kind in kinds)]
    for row in kinds:
        cells = []
        for column in kinds:
            mean, n = found.get((row, column)) or found.get((column, row)) or (None, 0)
            value = mean if mean is None or (row, column) in found else 1 - mean
            cells.append("" if mean is None else "%.2f (%d)" % (value, n))
        lines.append((row.ljust(8) + "".join("%11s" % text for text in cells)).rstrip())
    return lines


def wrap(head, names):
    lines, line = [], head
    for name in names:
        if len(line) + len(name) + 1 > WIDTH:
            lines.append(line)
            line = "   "
        line += " " + name
    return lines + [line]


def sentences(document):
    said, lines = verdicts(document), []
    for kind, names in said["only"].items():
        lines += wrap("Only %s sees:" % kind, names)
    if said["suites_alone"]:
        lines += wrap("Suites see, and no fuzzer:", said["suites_alone"])
    if said["fuzz_alone"]:
        lines += wrap("Fuzzers see, and no suite:", said["fuzz_alone"])
    for name, missed in said["missed"].items():
        lines += wrap("MISSED: %s by" % name, missed)
    if said["undetected"]:
        lines += wrap("NOTHING SEES:", said["undetected"])
    whole = len(document["patches"])
    lines.append("%d of %d planted bugs found" % (whole - len(said["undetected"]), whole))
    return lines


def render(document):
    blocks = [matrix(document), tiers(document), effect(document), sentences(document)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
