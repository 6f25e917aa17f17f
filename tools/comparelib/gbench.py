"""Google-benchmark programs: what they contain, running them, reading what they print."""

import json
import re

from comparelib import child, plan

NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
LEAST_SECONDS, MOST_SECONDS = 0.01, 1.0


class BadOutput(Exception):
    """A benchmark program printed something else than it should; one line."""


def list_names(program, timeout=20):
    outcome = child.run([program, "--benchmark_list_tests=true"], timeout)
    if outcome.code != 0 or outcome.timed_out:
        raise BadOutput("does not list its benchmarks (exit code %d)" % outcome.code)
    return [line.strip() for line in outcome.stdout.splitlines() if line.strip()]


def min_seconds(budget, benchmarks, rounds):
    """Time for one benchmark in one process: finding the iterations, and what a benchmark does
    outside the time it takes, come to several times what is asked for."""
    share = budget / max(1, benchmarks * rounds) / 8
    return min(MOST_SECONDS, max(LEAST_SECONDS, share))


MOST_QUICK_BYTES = 1 << 20
QUICK_POINTS = 4


def thin_out(names):
    """What the quick mode runs of a program's benchmarks: of each family, those whose arguments are
    at most 1 MiB, and of these the first, the last and two between; whole, what a map needs."""
    families = {}
    for name in names:
        numbers = [int(part) for part in name.split("/")[1:] if part.isdigit()]
        if max(numbers, default=0) <= MOST_QUICK_BYTES:
            families.setdefault(family_of(name), []).append(name)
    kept = set()
    for name, family in families.items():
        if name.split("/")[0] in plan.CLIMBS:
            kept.update(family)
            continue
        last = len(family) - 1
        kept.update(family[round(last * k / (QUICK_POINTS - 1))] for k in range(QUICK_POINTS))
    return [name for name in names if name in kept]


def split(names, most=16):
    """Parts of at most `most` names for one process each; neighbours go to different parts."""
    parts = -(-len(names) // most)
    return [names[i::parts] for i in range(parts)]


def exact_filter(names):
    return "^(%s)$" % "|".join(re.escape(name).replace("\\-", "-") for name in names)


def read_run(text):
    """Reads --benchmark_format=json.  Returns (context, {name: row}); a row has `samples_ns`.

    Aggregates are skipped: medians are taken here, over all processes.  An error that a benchmark
    reports is kept in its row.
    """
    try:
        document = json.loads(text)
        rows, context = document["benchmarks"], document.get("context", {})
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadOutput("printed no benchmark JSON") from None
    merged = {}
    if not isinstance(context, dict) or not isinstance(rows, list):
        raise BadOutput("printed no benchmark JSON")
    for row in rows:
        if not isinstance(row, dict):
            raise BadOutput("printed a benchmark that is none")
        if row.get("run_type") == "aggregate":
            continue
        name = row.get("run_name") or row.get("name")
        if not name or not isinstance(name, str):
            raise BadOutput("printed a benchmark without a name")
        into = merged.setdefault(name, {"samples_ns": [], "counters": {}, "label": "", "error": ""})
        if row.get("error_occurred"):
            into["error"] = row.get("error_message", "error")
            continue
        unit = row.get("time_unit", "ns")
        try:
            into["samples_ns"].append(float(row["real_time"]) * NS[unit])
        except (KeyError, TypeError, ValueError, OverflowError):
            raise BadOutput("%s has no real_time in a known unit" % name.split("\n")[0]) from None
        into["label"] = row.get("label", into["label"])
        into["counters"].update({k: v for k, v in row.items() if is_counter(k, v)})
    return context, merged


STANDARD_KEYS = {"family_index", "per_family_instance_index", "repetitions", "repetition_index",
                 "threads", "iterations", "real_time", "cpu_time"}


def is_counter(key, value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) \
        and key not in STANDARD_KEYS


def merge_rounds(rounds):
    """[{name: row}] of one program to {name: {rounds, counters, label, error}}."""
    merged = {}
    for i, rows in enumerate(rounds):
        for name, row in rows.items():
            into = merged.setdefault(name, {"rounds": [[] for _ in rounds], "counters": {},
                                            "layouts": [None for _ in rounds], "label": "",
                                            "error": ""})
            into["rounds"][i] = list(row["samples_ns"])
            into["layouts"][i] = row.get("layout")
            into["counters"].update(row["counters"])
            into["label"] = row["label"] or into["label"]
            into["error"] = row["error"] or into["error"]
    return merged


def size_of(name):
    """The last whole number among a name's arguments: its size in bytes, by our convention."""
    numbers = [part for part in name.split("/")[1:] if part.isdigit()]
    return int(numbers[-1]) if numbers else None


def family_of(name):
    """The name without its numeric arguments and google-benchmark's own suffixes."""
    parts = name.split("/")
    kept = [p for p in parts[1:] if not p.isdigit() and p not in ("manual_time", "real_time")]
    return "/".join(parts[:1] + kept)


def run(program, names, seconds, timeout, env):
    """Runs the named benchmarks once; returns (context, {name: row})."""
    argv = [program, "--benchmark_format=json", "--benchmark_min_time=%g" % seconds,
            "--benchmark_filter=" + exact_filter(names)]
    outcome = child.run(argv, timeout, env=env)
    if outcome.timed_out:
        raise BadOutput("did not end within %.0f s" % timeout)
    if outcome.code != 0:
        said = [line for line in outcome.stderr.splitlines() if line.strip()]
        raise BadOutput("ended with %d%s" % (outcome.code, ": " + said[-1] if said else ""))
    return read_run(outcome.stdout)
