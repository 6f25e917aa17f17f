"""The document as figures: each drawn twice, on a light and on a dark ground, as SVG for the report
and (the light one) as PNG for other uses.  They are narrow: what is legible on a phone.
"""

import io
import os
import re

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as pyplot  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter  # noqa: E402

from comparelib import by_ms, crossover, programs, results, stats  # noqa: E402
from comparelib.parked import PARTS  # noqa: E402
from comparelib.plan import CLIMBS, THREAD  # noqa: E402
from comparelib.words import percent, short_ratio, short_size, short_time  # noqa: E402

# Okabe and Ito's colours, told apart with any kind of sight; the marker differs as well.
COLORS = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#9a8700", "#8f6bd1"]
DARK_COLORS = ["#ff8a47", "#5db3f0", "#35d0a5", "#eda0cc", "#ffbf3d", "#8fd3ff", "#e8dc50",
               "#b79df0"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
GROUNDS = {"light": ("#ffffff", "#1b1f24", "#8a929b", "#e3e6ea", COLORS),
           "dark": ("#14181d", "#e6e9ed", "#8b949e", "#2b3138", DARK_COLORS)}
# What the machine charges for the parts, from baseline_bench; drawn where it was run.
PHYSICAL = [("BM_Memcpy", "memcpy of the same bytes", ":"),
            ("BM_MapTouchUnmap", "mmap, touch, munmap", "-."),
            ("BM_SignalRoundTrip/madvise", "one fault and back", "--")]


class Ink:
    """The colours of one ground, and a figure's making and saving."""

    def __init__(self, name):
        self.ground, self.text, self.muted, self.grid, self.colors = GROUNDS[name]

    def style(self, strategies, growth):
        names = [s["name"] for s in strategies]
        if growth not in names:
            return {"color": self.muted, "marker": "x", "linestyle": "-"}
        i = names.index(growth)
        return {"color": self.colors[i % len(self.colors)], "marker": MARKERS[i % len(MARKERS)]}

    def figure(self, height=3.7, rows=1):
        """A figure and its axes, or a list of them where there are rows."""
        figure, grid = pyplot.subplots(rows, figsize=(5.2, height), layout="constrained")
        figure.patch.set_facecolor(self.ground)
        for axes in [grid] if rows == 1 else grid:
            self._dress(axes)
        return figure, grid

    def _dress(self, axes):
        axes.set_facecolor(self.ground)
        for spine in axes.spines.values():
            spine.set_color(self.grid)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.tick_params(colors=self.text, which="both", labelsize=9)
        axes.grid(True, color=self.grid, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.xaxis.label.set_color(self.text)
        axes.yaxis.label.set_color(self.text)

    def title(self, axes, text):
        axes.set_title(text, fontsize=10, loc="left", color=self.text)

    def legend(self, axes, **options):
        options = dict({"fontsize": 8, "frameon": False, "labelcolor": self.text}, **options)
        axes.legend(**options)


def _time_axis(axis):
    axis.set_major_formatter(FuncFormatter(
        lambda v, _: re.sub(r"\.0+ ", " ", short_time(v)) if v > 0 else ""))
    axis.set_minor_formatter(NullFormatter())


def _size_axis(axes, sizes):
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.xaxis.set_major_formatter(FuncFormatter(
        lambda v, _: short_size(int(v)).replace("iB", "")))


def _micro_row(document, name):
    return next((m for m in document["micro"] if m["name"] == name), None)


def _growth_names(document):
    return [s["name"] for s in document["strategies"]] + [THREAD]


def _size_lines(document, ink, axes, row):
    """One line with its interval per strategy.  Returns whether anything was drawn."""
    drawn = False
    for growth in _growth_names(document):
        points = []
        for size in row["sizes"]:
            cell = row["cells_by_size"][str(size)].get(growth)
            if cell and cell["time_ns"]:
                points.append((size, cell["time_ns"]["median"], cell["time_ns"]["ci"]))
        if not points:
            continue
        drawn = True
        style = ink.style(document["strategies"], growth)
        label = "plain thread" if growth == THREAD else growth
        axes.plot([p[0] for p in points], [p[1] for p in points], label=label, markersize=4.5,
                  linewidth=1.6, **style)
        axes.fill_between([p[0] for p in points], [p[2][0] for p in points],
                          [p[2][1] for p in points], color=style["color"], alpha=0.18, linewidth=0)
    return drawn


def _physical_lines(document, ink, axes, sizes):
    for family, label, line in PHYSICAL:
        rows = [b for b in document["benchmarks"]
                if b["family"] == family and b["time_ns"] and b["size"] in sizes + [None]]
        if not rows:
            continue
        if rows[0]["size"] is None:
            xs, ys = [sizes[0], sizes[-1]], [rows[0]["time_ns"]["median"]] * 2
        else:
            rows.sort(key=lambda b: b["size"])
            xs, ys = [b["size"] for b in rows], [b["time_ns"]["median"] for b in rows]
        axes.plot(xs, ys, color=ink.muted, linestyle=line, linewidth=1.1, label=label)


def _by_size(document, ink, name, xlabel, title):
    row = _micro_row(document, name)
    if not row:
        return None
    figure, axes = ink.figure(height=4.3)
    if not _size_lines(document, ink, axes, row):
        pyplot.close(figure)
        return None
    if name == "step":
        _physical_lines(document, ink, axes, row["sizes"])
    axes.set_yscale("log")
    _time_axis(axes.yaxis)
    _size_axis(axes, row["sizes"])
    axes.set_xlabel(xlabel, fontsize=9)
    ink.title(axes, title)
    ink.legend(axes, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return figure


def draw_step(document, ink):
    return _by_size(document, ink, "step", "size of the stack that is full",
                    "One growth step, by stack size: median time")


def draw_climb(document, ink):
    return _by_size(document, ink, "climb", "depth reached, from an 8 KiB stack",
                    "A climb in 128-byte frames and back: median time")


def draw_tail(document, ink):
    row = _micro_row(document, "step")
    if not row:
        return None
    cells = row["cells_by_size"][str(min(row["sizes"]))]
    shown = [g for g in _growth_names(document) if g in cells and cells[g]["time_ns"]]
    if not shown:
        return None
    figure, axes = ink.figure(height=4.3)
    for growth in shown:
        points = stats.tail(cells[growth]["rounds_ns"])
        style = dict(ink.style(document["strategies"], growth), marker="")
        axes.step([p[0] for p in points], [p[1] for p in points], where="post", linewidth=1.6,
                  label="plain thread" if growth == THREAD else growth, **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    _time_axis(axes.xaxis)
    axes.set_ylim(top=1.3)
    axes.yaxis.set_major_locator(FixedLocator([1, 0.5, 0.1, 0.01, 0.001]))
    axes.yaxis.set_minor_locator(FixedLocator([]))
    names = {1: "all", 0.5: "p50", 0.1: "p90", 0.01: "p99", 0.001: "p99.9"}
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: names.get(round(v, 4), "")))
    axes.set_xlabel("time of one step", fontsize=9)
    axes.set_ylabel("share of steps that took longer", fontsize=9)
    ink.title(axes, "One growth step from %s: the whole distribution"
              % short_size(min(row["sizes"])))
    ink.legend(axes, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)
    return figure


def draw_workloads(document, ink):
    rows = document["workloads"]
    names = [s["name"] for s in document["strategies"]]
    if not any(row["cells"][n]["ratio"] for row in rows for n in names if n in row["cells"]):
        return None
    each = 0.14 + 0.08 * len(names)  # inches for a workload
    figure, axes = ink.figure(height=1.5 + each * len(rows))
    for i, growth in enumerate(names):
        offset = (i - (len(names) - 1) / 2) * 0.64 / len(names)
        style = ink.style(document["strategies"], growth)
        points = [(k + offset, row["cells"][growth]["ratio"]) for k, row in enumerate(rows)
                  if growth in row["cells"] and row["cells"][growth]["ratio"]]
        ys, xs = [p[0] for p in points], [p[1]["value"] for p in points]
        # The interval of a median ratio need not hold the ratio of the medians: never below 0.
        errors = [[max(0, p[1]["value"] - p[1]["ci"][0]) for p in points],
                  [max(0, p[1]["ci"][1] - p[1]["value"]) for p in points]]
        axes.errorbar(xs, ys, xerr=errors, fmt=style["marker"], color=style["color"],
                      markersize=4, elinewidth=1.1, label=growth)
    axes.axvline(1, color=ink.muted, linewidth=1, linestyle="--")
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("time relative to a plain thread (left is faster)", fontsize=9)
    ink.title(axes, "Libraries on 8 KiB stacks; no mark: not survived")
    below = -0.5 / (0.2 + each * len(rows))  # half an inch, in heights of the axes
    ink.legend(axes, loc="upper center", bbox_to_anchor=(0.4, below), ncols=2)
    return figure


def draw_calls(document, ink):
    """From the usual single call to the 999th of 1000, one line per program and strategy."""
    rows = [(programs.title(row, int(size)), cells) for row in document["programs"]
            for size, cells in row["cells_by_size"].items()
            if any(c.get("calls_ns") for c in cells.values())]
    if not rows:
        return None
    names = _growth_names(document)
    each = 0.14 + 0.08 * len(names)  # inches for a program
    figure, axes = ink.figure(height=1.8 + each * max(4, len(rows)))
    for i, growth in enumerate(names):
        offset = (i - (len(names) - 1) / 2) * 0.64 / len(names)
        style = ink.style(document["strategies"], growth)
        found = [(k + offset, cells[growth]["calls_ns"]) for k, (_, cells) in enumerate(rows)
                 if growth in cells and cells[growth].get("calls_ns")]
        ends = [max([c["p50"]] + [c[q] for q in stats.BEYOND if stats.has_quantile(c, q)])
                for _, c in found]
        axes.hlines([y for y, _ in found], [c["p50"] for _, c in found], ends,
                    color=style["color"], linewidth=1.1)
        axes.plot([c["p50"] for _, c in found], [y for y, _ in found], linestyle="",
                  marker=style["marker"], color=style["color"], markersize=4,
                  label="plain thread" if growth == THREAD else growth)
        found = [(y, c) for y, c in found if stats.has_quantile(c, "p99")]
        axes.plot([c["p99"] for _, c in found], [y for y, _ in found], linestyle="", marker="|",
                  color=style["color"], markersize=5)
    axes.set_xscale("log")
    _time_axis(axes.xaxis)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("time of a single call that may grow a stack", fontsize=9)
    ink.legend(axes, loc="upper center",
               bbox_to_anchor=(0.4, -0.5 / (0.2 + each * max(4, len(rows)))),
               ncols=3)
    return figure


# ---- Where which is cheapest -------------------------------------------------------------------
def _map(document, ink, axes, cells, names):
    frames, depths = crossover.axes(cells)
    for k, frame in enumerate(frames):
        for i, depth in enumerate(depths):
            found = cells.get((frame, depth), [])
            found = [(n, row) for n, row in found if names is None or n in names]
            first = crossover.cheapest(found)
            if not first:
                continue
            times = [row["time_ns"]["median"] for _, row in found]
            axes.add_patch(pyplot.Rectangle(
                (i - 0.48, k - 0.46), 0.96, 0.92, linewidth=1.4, alpha=0.3,
                facecolor=ink.style(document["strategies"], first[0])["color"]))
            after = ("or %d more" % (len(first) - 1) if len(first) > 1 else
                     "next x %s" % short_ratio(times[1] / times[0]) if len(times) > 1 else "")
            axes.text(i, k, "%s\n%s\n%s" % (
                first[0].replace("+", "+\n"), short_time(times[0]), after), ha="center",
                va="center", fontsize=7, color=ink.text, linespacing=1.15)
    axes.grid(False)
    axes.set_xlim(-0.5, len(depths) - 0.5)
    axes.set_ylim(-0.5, len(frames) - 0.5)
    axes.set_xticks(range(len(depths)), [short_size(d) for d in depths])
    axes.set_yticks(range(len(frames)), [short_size(f) for f in frames])
    axes.tick_params(length=0)
    axes.set_ylabel("frame", fontsize=9)


def draw_crossover(document, ink):
    maps = [(what, crossover.read(document, family)) for family, what in CLIMBS.items()]
    maps = [(what, cells) for what, cells in maps if cells]
    still = [s["name"] for s in document["strategies"] if not s["moves"]]
    panels = [(what, cells, None) for what, cells in maps]
    if len(still) > 1 and len(still) < len(document["strategies"]):
        panels += [("no stack moves; " + what, cells, still) for what, cells in maps]
    if not panels:
        return None
    figure, grid = ink.figure(2.3 * len(panels), len(panels))
    for axes, (what, cells, names) in zip([grid] if len(panels) == 1 else grid, panels):
        _map(document, ink, axes, cells, names)
        ink.title(axes, what[0].upper() + what[1:])
    figure.supxlabel("depth reached, from an 8 KiB stack", fontsize=9, color=ink.text)
    return figure


# ---- Growth on several Ms at once ---------------------------------------------------------------
def draw_by_ms(document, ink):
    pools = by_ms.read(document)
    if not pools:
        return None
    figure, grid = ink.figure(0.6 + 2.7 * len(pools), len(pools))
    panels = [grid] if len(pools) == 1 else grid
    for axes, (pool, found) in zip(panels, pools.items()):
        for name, points in found.items():
            ms = sorted(points)
            axes.plot(ms, [points[m].climb_ns() for m in ms], label=name, markersize=4.5,
                      linewidth=1.6, **ink.style(document["strategies"], name))
        counts = sorted({m for points in found.values() for m in points})
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_locator(FixedLocator(counts))
        axes.xaxis.set_minor_locator(FixedLocator([]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: "%d" % v))
        axes.set_yscale("log")
        _time_axis(axes.yaxis)
        ink.title(axes, "A climb from 8 to 256 KiB, " + by_ms.POOLS.get(pool, pool))
    panels[-1].set_xlabel("Ms that climb at once", fontsize=9)
    ink.legend(panels[-1], loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=3)
    return figure


# ---- Memory -----------------------------------------------------------------------------------
def draw_memory(document, ink):
    rows = sorted(document.get("memory") or [], key=lambda r: r["bytes"]["total"]["median"])
    if not rows:
        return None
    figure, axes = ink.figure(height=1.3 + 0.36 * len(rows))
    left = [0.0] * len(rows)
    looks = zip(PARTS, (ink.colors[1], ink.colors[4], ink.colors[3]), ("", "////", "...."))
    for part, color, hatch in looks:
        widths = [r["bytes"][part]["median"] for r in rows]
        axes.barh(range(len(rows)), widths, left=left, color=color, hatch=hatch, height=0.62,
                  edgecolor=ink.ground, linewidth=0, label=part.replace("_", " "))
        left = [a + max(0, b) for a, b in zip(left, widths)]
    for k, (end, row) in enumerate(zip(left, rows)):
        axes.text(end, k, "  {:,.0f}".format(row["bytes"]["total"]["median"]), va="center",
                  fontsize=8, color=ink.text)
    axes.set_yticks(range(len(rows)), [r["growth"] for r in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 1.18 * max(left))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: "{:,.0f}".format(v)))
    axes.grid(False, axis="y")
    axes.set_xlabel("bytes per parked goroutine", fontsize=9)
    ink.legend(axes, loc="upper center", bbox_to_anchor=(0.4, -0.5 / (0.2 + 0.36 * len(rows))),
               ncols=3)
    return figure


# ---- Layouts ----------------------------------------------------------------------------------
def draw_layouts(document, ink):
    found = results.spreads(document)
    if not found:
        return None
    figure, axes = ink.figure(height=3.4)
    least = 1e-4
    for key, label, color, line in (
            ("a", "link order", ink.colors[0], "-"), ("b", "environment size", ink.colors[1], "--"),
            ("rest", "what remains", ink.muted, ":")):
        shares = sorted(max(least, s[key]) for _, s in found)
        axes.step(shares, [(k + 1) / len(shares) for k in range(len(shares))], where="post",
                  color=color, linestyle=line, linewidth=1.7, label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(
        lambda v, _: "none" if v <= least else percent(v)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: "%.0f%%" % (100 * v)))
    axes.set_xlabel("moves a result by (standard deviation)", fontsize=9)
    axes.set_ylabel("share of results", fontsize=9)
    ink.legend(axes, loc="lower right")
    return figure


FIGURES = {"crossover": draw_crossover, "memory": draw_memory, "growth_step": draw_step,
           "step_distribution": draw_tail, "climb": draw_climb, "workloads": draw_workloads,
           "calls": draw_calls, "growth_by_ms": draw_by_ms, "layouts": draw_layouts}


def _svg(figure):
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def draw_all(document, out):
    """Writes NAME.png and NAME.svg to the folder; returns {name: {"light": svg, "dark": svg}}.

    A figure that has nothing to show is left out.
    """
    drawn = {}
    with matplotlib.rc_context({"svg.hashsalt": "compare", "font.family": "DejaVu Sans",
                                "hatch.linewidth": 0.8}):
        for name, draw in FIGURES.items():
            for ground in GROUNDS:
                figure = draw(document, Ink(ground))
                if figure is None:
                    break
                drawn.setdefault(name, {})[ground] = _svg(figure)
                if ground == "light":
                    figure.savefig(os.path.join(out, name + ".png"), dpi=160)
                    figure.savefig(os.path.join(out, name + ".svg"))
                pyplot.close(figure)
            if name not in drawn:
                _forget(out, name)
    return drawn


def _forget(out, name):
    """A plot of an earlier run would be taken for one of this."""
    for suffix in (".png", ".svg"):
        path = os.path.join(out, name + suffix)
        if os.path.exists(path):
            os.unlink(path)
