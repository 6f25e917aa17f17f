"""Medians, intervals and ratios.

Samples come in rounds: one list per process.  Repetitions within a process share its luck (where
its memory lay, what else ran), so an interval resamples twice, rounds first and then repetitions
within each: the bootstrap of a two-level sample.  A ratio resamples numerator and denominator from
the same rounds, because those ran side by side.
"""

import numpy

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
