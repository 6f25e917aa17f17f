"""Medians, intervals and ratios.

Samples come in rounds: one list per process.  Repetitions within a process share its luck (where
its memory lay, what else ran), so an interval resamples twice, rounds first and then repetitions
within each: the bootstrap of a two-level sample.  A ratio resamples numerator and denominator from
the same rounds, because those ran side by side; between two runs there are no such pairs.
"""

import math

import numpy
import scipy.stats

RESAMPLES = 1000
MOST_SAMPLES = 2_000_000  # per chunk of resamples, to bound memory


def _table(rounds):
    """The rounds as a matrix, cut to the shortest."""
    n = min(len(r) for r in rounds)
    return numpy.array([r[:n] for r in rounds], dtype=float)


def _resampled_medians(table, picked_rounds, rng):
    """One median per row of picked_rounds."""
    n = table.shape[1]
    chunk = max(1, MOST_SAMPLES // (table.shape[0] * n))
    medians = []
    for at in range(0, len(picked_rounds), chunk):
        rounds = picked_rounds[at:at + chunk]
        within = rng.integers(0, n, size=rounds.shape + (n,))
        medians.append(numpy.median(table[rounds[:, :, None], within].reshape(len(rounds), -1),
                                    axis=1))
    return numpy.concatenate(medians)


def _resamples(table):
    return RESAMPLES if table.size <= 1000 else RESAMPLES // 4


def _interval(values):
    low, high = numpy.percentile(values, [2.5, 97.5])
    return [float(low), float(high)]


def describe(rounds):
    """Median with its 95% interval, quartiles and quantiles of a non-empty list of rounds."""
    rounds = [r for r in rounds if r]
    if not rounds:
        return None
    table = _table(rounds)
    rng = numpy.random.default_rng(1)
    picked = rng.integers(0, len(table), size=(_resamples(table), len(table)))
    flat = numpy.concatenate([numpy.asarray(r, dtype=float) for r in rounds])
    q1, p50, q3, p99, p999 = numpy.percentile(flat, [25, 50, 75, 99, 99.9])
    return {"n": int(flat.size), "processes": len(rounds), "median": float(p50),
            "ci": _interval(_resampled_medians(table, picked, rng)),
            "quartiles": [float(q1), float(q3)], "p99": float(p99), "p999": float(p999),
            "min": float(flat.min()), "max": float(flat.max())}


def quantiles(rounds):
    """Plain quantiles of a list of rounds, or None where all are empty."""
    flat = [x for r in rounds for x in r]
    if not flat:
        return None
    p50, p99, p999, most = numpy.percentile(flat, [50, 99, 99.9, 100])
    return {"n": len(flat), "p50": float(p50), "p99": float(p99), "p999": float(p999),
            "max": float(most)}


BEYOND = {"p99": 0.01, "p999": 0.001}  # shares of the samples


def has_quantile(found, key):
    """Whether at least two samples lie beyond it: what is slow once may be chance."""
    return bool(found) and found["n"] * BEYOND[key] >= 2


def ratio(rounds, base_rounds):
    """Median over median with a 95% interval, or None where there is nothing to compare."""
    pairs = [(a, b) for a, b in zip(rounds, base_rounds) if a and b]
    if not pairs:
        return None
    top, bottom = _table([a for a, _ in pairs]), _table([b for _, b in pairs])
    rng = numpy.random.default_rng(2)
    picked = rng.integers(0, len(pairs), size=(min(_resamples(top), _resamples(bottom)),
                                               len(pairs)))
    below = _resampled_medians(bottom, picked, rng)
    if not numpy.median(bottom) > 0 or not (below > 0).all():
        return None
    return {"value": float(numpy.median(top) / numpy.median(bottom)),
            "ci": _interval(_resampled_medians(top, picked, rng) / below)}


def process_medians(rounds):
    return numpy.array([numpy.median(r) for r in rounds if r])


def change(rounds, earlier):
    """The median over an earlier run's, with an interval, and the p-value of Mann-Whitney's U.

    All of it on one figure per process, its median: repetitions within a process are not
    independent, and would make a difference out of one process's luck.
    """
    each = [process_medians(rounds), process_medians(earlier)]
    after, before = map(numpy.median, each)
    rng = numpy.random.default_rng(3)
    drawn = [numpy.median(rng.choice(m, size=(RESAMPLES, len(m))), axis=1) for m in each]
    if not before > 0 or not (drawn[1] > 0).all():
        return None
    return {"before": float(before), "after": float(after), "value": float(after / before),
            "ci": _interval(drawn[0] / drawn[1]),
            "p": float(scipy.stats.mannwhitneyu(*each, alternative="two-sided").pvalue)}


def least_p(processes):
    """The smallest p-value that Mann-Whitney's U can give with so many on either side."""
    return 2 / math.comb(2 * processes, processes) if processes else 1.0


def holm(p_values):
    """Holm's adjustment: what to hold against 0.05 after as many tests as there are."""
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min(1.0, p_values[i] * (len(p_values) - rank)))
        adjusted[i] = worst
    return adjusted


def two_way(cells):
    """The spread that two crossed factors cause, from {(a, b): figure > 0}, each pair once.

    A random-effects analysis of variance on logarithms, without replication.  Returns standard
    deviations as shares (0.01 is 1%), {"a", "b", "rest"}, and p-values of the F tests; None where
    the table is not complete or too small.
    """
    rows, columns = sorted({a for a, _ in cells}), sorted({b for _, b in cells})
    if min(len(rows), len(columns)) < 2 or len(cells) != len(rows) * len(columns):
        return None
    table = numpy.log([[cells[a, b] for b in columns] for a in rows])
    by_row, by_column = table.mean(axis=1), table.mean(axis=0)
    rest = table - by_row[:, None] - by_column[None, :] + table.mean()
    freedom = (len(rows) - 1) * (len(columns) - 1)
    noise = float((rest ** 2).sum()) / freedom
    found = {"rest": math.sqrt(noise)}
    for name, means, each in (("a", by_row, len(columns)), ("b", by_column, len(rows))):
        mean_square = each * float(means.var(ddof=1))
        found[name] = math.sqrt(max(0.0, mean_square - noise) / each)
        found["p_" + name] = float(scipy.stats.f.sf(
            mean_square / noise, len(means) - 1, freedom)) if noise > 0 else 1.0
    return found


def geometric_mean(values):
    return float(numpy.exp(numpy.mean(numpy.log(values)))) if values else None


def tail(rounds, points=160):
    """The share of samples slower than x: [(x, share)], thinned evenly on a log scale of share."""
    flat = numpy.sort(numpy.concatenate([numpy.asarray(r, dtype=float) for r in rounds]))
    n = len(flat)
    ranks = numpy.unique(numpy.concatenate([
        numpy.linspace(0, n - 1, points // 2).astype(int),
        n - 1 - numpy.geomspace(1, n, points // 2).astype(int) + 1]))
    ranks = ranks[(ranks >= 0) & (ranks < n)]
    return [(float(flat[k]), float(n - k) / n) for k in ranks]
