"""Other runtimes and coroutine libraries on the same work, by one clock and one account of memory.
A peer takes part where its package is installed; where it is not, its row says what to install.
That one crashes or hangs in its default configuration is a result.

The work is in bench/peers and bench/go/peer.go; build() makes the programs with the system's
compilers, ours with Bazel, and measure() runs them interleaved, each measure in a process of its
own.
"""

import json
import os
import shutil
import statistics
import subprocess
import threading
from dataclasses import dataclass

from comparelib import builder, child, servers, verdict, words

OURS = "//bench/peers:stacklab"
FLAGS = ["-O2", "-DNDEBUG", "-g", "-fno-omit-frame-pointer", "-I."]
CLANG = ["clang-19", "-std=gnu17"] + FLAGS
CLANGXX = ["clang++-19", "-std=c++17"] + FLAGS
# The linker has to be gold: it makes checked code that calls the C library ask for 1 MiB more.
SPLIT = ["gcc", "-std=gnu17", "-fsplit-stack", "-fuse-ld=gold"] + FLAGS


@dataclass(frozen=True)
class Source:
    """How a peer in C or C++ is made."""
    name: str
    source: str
    packages: tuple = ()
    compiler: tuple = tuple(CLANG)
    libraries: tuple = ()


SOURCES = (
    Source("Boost.Context", "boost_context.cc", ("libboost-context-dev",), tuple(CLANGXX),
           ("-lboost_context",)),
    Source("Boost.Fiber", "boost_fiber.cc", ("libboost-fiber-dev", "libboost-context-dev"),
           tuple(CLANGXX), ("-lboost_fiber", "-lboost_context")),
    Source("libgcc split stacks", "splitstack.c", ("gcc", "binutils"), tuple(SPLIT)),
    Source("State Threads", "state_threads.c", ("libst-dev",), libraries=("-lst",)),
    Source("GNU Pth", "pth.c", ("libpth-dev",), libraries=("-lpth",)),
    Source("ucontext", "ucontext.c"),
    Source("pthreads", "pthreads.c"),
)

# name, arguments
MEASURES = (
    ("create", ("create", 5000)),
    ("switch", ("switch", 40000)),
    ("deep1m", ("deep", 1 << 20)),
    ("deep64m", ("deep", 64 << 20)),
    ("hot", ("hot", 2000)),
    ("parked", ("parked", 10000)),
    ("used", ("used", 5000)),
)
# What a crash in the default configuration is tried with again, where a stack's size can be set.
LARGER = {"deep1m": 2 << 20, "deep64m": 80 << 20, "hot": 512 << 10, "used": 128 << 10}
TIMEOUT = 20
BANDS = tuple(4 << 10 << i for i in range(7))  # of depths, in bytes, for the loop at the end


@dataclass
class Peer:
    name: str
    argv: list          # of the program, with its variant; None: why says what is missing
    why: str = ""
    about: str = ""
    sized: bool = True  # --stack is understood


def installed(packages):
    """Those that dpkg does not have."""
    if not packages:
        return []
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n", *packages],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    have = done.stdout.decode().split("\n")
    return [p for p in packages if "installed " + p not in have]


# ---- Building --------------------------------------------------------------------------------
def compile_peer(root, out, source):
    """Returns (program, "") or (None, why not)."""
    missing = installed(source.packages)
    if missing:
        return None, "not installed: apt-get install " + " ".join(missing)
    program = os.path.join(out, source.source.split(".")[0])
    # The driver is C, whatever the peer is.
    compiler = list(source.compiler)
    driver = program + "_driver.o"
    c = compiler if not source.source.endswith(".cc") else CLANG
    steps = [list(c) + ["-c", "bench/peers/driver.c", "-o", driver],
             compiler + ["bench/peers/" + source.source, driver, "-o", program, "-pthread"]
             + list(source.libraries)]
    for argv in steps:
        done = child.run(argv, 300, cwd=root)
        if done.code != 0:
            return None, "does not build: " + verdict.last_line(done.stderr)
    return program, ""


def variants(name, program):
    """A Peer for each way in which the program can be run."""
    outcome = child.run([program, "variants"], TIMEOUT)
    try:
        said = json.loads(outcome.stdout)
    except ValueError:
        return [Peer(name, None, "does not run: " + verdict.last_line(outcome.stderr))]
    return [Peer("%s %s" % (name, v), [program, "--variant", v], about=said["about"])
            for v in said["variants"]] or [Peer(name, [program], about=said["about"])]


def build(root, out):
    """All peers, ours first, those that cannot take part with the reason."""
    os.makedirs(out, exist_ok=True)
    built = builder.build(root, [OURS], os.path.join(out, "peers.log"))
    found = variants("stacklab", built[OURS]) if OURS in built else [
        Peer("stacklab", None, "does not build: see peers.log")]
    if shutil.which("go"):
        version = child.run(["go", "version"], TIMEOUT).stdout.split()
        found.append(Peer("Go", [builder.build_go(root), "-peer"], sized=False,
                          about=version[2] if len(version) > 2 else "go"))
    else:
        found.append(Peer("Go", None, "not installed: apt-get install golang-go"))
    for source in SOURCES:
        program, why = compile_peer(root, out, source)
        found += variants(source.name, program) if program else [Peer(source.name, None, why)]
    return found


# ---- Measuring -------------------------------------------------------------------------------
class Failed(Exception):
    """It crashed or hung: one line."""


def _ended(code, timed_out, said):
    if timed_out:
        return "hangs"
    if code < 0:
        return "crashes: %s" % verdict.signal_name(-code)
    return "fails: %s" % (said or "exit code %d" % code)


def run_once(argv, measure):
    """The figures of one process."""
    what, number = measure
    argv = argv + [what, str(number)]
    if what in ("parked", "used"):
        return run_parked(argv, number, what == "used")
    outcome = child.run(argv, TIMEOUT)
    lines = list(verdict.read_lines(outcome.stdout))
    if outcome.code != 0 or outcome.timed_out or not lines:
        raise Failed(_ended(outcome.code, outcome.timed_out, verdict.last_line(outcome.stderr)))
    return lines[-1]


def _each(before, after, number):
    """Bytes for each of them, by part."""
    parts = ("resident", "page_tables", "mappings")
    row = {part: (after[part] - before[part]) / number for part in parts}
    return dict(row, total=sum(row.values()))


def _parked_dialogue(program, number, used):
    if program.line() != "begun":
        raise Failed("fails: it did not begin")
    before = program.memory()
    program.go_on()
    if program.line() != "parked":
        raise Failed("fails: it did not park")
    row = _each(before, program.memory(), number)
    if used:
        program.go_on()
        if program.line() != "shrunk":
            raise Failed("fails: it did not shrink")
        row["shrunk"] = _each(before, program.memory(), number)["total"]
        program.go_on()
        row.update(json.loads(program.line()))
    return row


def run_parked(argv, number, used):
    """Bytes per parked task, by part; of used ones also what is left when they have given memory
    back, and the times of that and of their descents."""
    with servers.Program(argv) as program:
        late = []

        def end():
            late.append(True)
            child.kill_group(program.pid)

        timer = threading.Timer(TIMEOUT, end)
        timer.start()
        try:
            return _parked_dialogue(program, number, used)
        except (servers.Failed, OSError, ValueError):
            code = program.process.wait()
            raise Failed(_ended(code, bool(late), "")) from None
        finally:
            timer.cancel()


def by_band(step, times):
    """{bound: the worst time at a depth below it that is not below the one before}"""
    worst = {}
    for i, t in enumerate(times):
        bound = next((b for b in BANDS if i * step < b), BANDS[-1])
        worst[bound] = max(t, worst.get(bound, 0))
    return worst


def figures(measure, result):
    """What is kept of a result: name to number."""
    if measure == "hot":
        times = sorted(result["ns_by_depth"])
        usual = statistics.median(times)
        row = {"hot_usual_ns": usual, "hot_worst_ns": times[-1],
               "hot_depths": sum(t > 1.5 * usual for t in times) / len(times)}
        row.update(("hot_below_%d_ns" % bound, t)
                   for bound, t in by_band(result["step"], result["ns_by_depth"]).items())
        return row
    if measure.startswith("deep"):
        return {measure + "_first_ns": result["first_ns"],
                measure + "_second_ns": result["second_ns"]}
    return {"%s_%s" % (measure, key): n for key, n in result.items()}


def _attempt(peer, name, measure, notes):
    """Runs the measure as the peer comes, and where that fails once more with a larger stack."""
    try:
        return run_once(peer.argv, measure)
    except Failed as error:
        notes[name] = str(error)
    if name not in LARGER or not peer.sized:
        return None
    try:
        # Programs take --stack before what they are to do.
        stack = ["--stack", str(LARGER[name])]
        return run_once(peer.argv[:1] + stack + peer.argv[1:], measure)
    except Failed as error:
        notes[name] += "; with %d KiB: %s" % (LARGER[name] >> 10, error)
        return None


def spread(values):
    """Half of what lies between the least and the most, by the median."""
    median = statistics.median(values)
    return (max(values) - min(values)) / 2 / median if median else 0


def measure(found, rounds, progress=lambda text: None, measures=MEASURES):
    """The rows of the report: figures are medians over the rounds, notes say what failed."""
    samples = {peer.name: {} for peer in found}
    notes = {peer.name: {} for peer in found}
    hopeless = set()
    for number in range(rounds):
        for name, work in measures:
            # Who comes first changes.
            for peer in found[number % len(found):] + found[:number % len(found)]:
                if not peer.argv or (peer.name, name) in hopeless:
                    continue
                progress("round %d of %d: %s, %s" % (number + 1, rounds, name, peer.name))
                result = _attempt(peer, name, work, notes[peer.name])
                if result is None:
                    hopeless.add((peer.name, name))
                    continue
                for key, value in figures(name, result).items():
                    samples[peer.name].setdefault(key, []).append(value)
    return [{"name": p.name, "about": p.about, "missing": p.why, "notes": notes[p.name],
             "samples": samples[p.name],
             "figures": {k: statistics.median(v) for k, v in samples[p.name].items()},
             "spread": {k: spread(v) for k, v in samples[p.name].items()}}
            for p in found]


def document(root, out, rounds=3, progress=lambda text: None, wanted=lambda name: True,
             measured=lambda name: True):
    """Builds and measures: {"rounds": .., "peers": [row]}, for whoever reports it."""
    found = [peer for peer in build(root, out) if wanted(peer.name)]
    work = [m for m in MEASURES if measured(m[0])]
    return {"rounds": rounds, "vma_bytes": servers.VMA_BYTES, "measures": [m[0] for m in work],
            "peers": measure(found, rounds, progress, work)}


# ---- As tables -------------------------------------------------------------------------------
@dataclass(frozen=True)
class Column:
    title: str
    figure: str
    form: callable = words.short_time

    @property
    def measure(self):
        return self.figure.split("_")[0]


@dataclass(frozen=True)
class Table:
    title: str
    about: str
    columns: tuple


TABLES = (
    Table("Tasks", "Parked: bytes for each of 10,000, with page tables and mappings.", (
        Column("create", "create_ns"), Column("switch", "switch_ns"),
        Column("parked", "parked_total", words.short_size),
        Column("1 MiB deep", "deep1m_first_ns"), Column("again", "deep1m_second_ns"),
        Column("64 MiB deep", "deep64m_first_ns"), Column("again", "deep64m_second_ns"))),
    Table("Memory given back", "5,000 tasks that have been 64 KiB deep and wait: bytes for each "
          "before and after they give memory back (go_shrink; Go collects), where they can; the "
          "time of that by their number; their first descent, and the one after that.", (
              Column("waiting", "used_total", words.short_size),
              Column("after", "used_shrunk", words.short_size),
              Column("giving", "used_shrink_ns"), Column("first", "used_first_ns"),
              Column("again", "used_again_ns"))),
    Table("Hot split", "One call with a frame of 1 KiB, in a loop of 2,000: at the usual depth, "
          "and at the worst one of each band of depths, where the stack or a segment ends.", (
              Column("usual", "hot_usual_ns"), *(
                  Column("to %d K" % (b >> 10), "hot_below_%d_ns" % b) for b in BANDS))),
)


def tables(doc):
    """Those of which something was measured."""
    return [t for t in TABLES if any(c.measure in doc["measures"] for c in t.columns)]


def failure(row, column):
    """Why there is no figure, or none as the peer comes; None: it did as it should."""
    return row["notes"].get(column.measure)


def cell(row, column):
    """A figure as text, with its spread, and a mark where the default configuration does not do
    it; one word where there is none."""
    note, value = failure(row, column), row["figures"].get(column.figure)
    if value is None:
        tried_again = any(key.startswith(column.measure + "_") for key in row["figures"])
        return note.split(":")[0].split(";")[0] if note and not tried_again else "-"
    wide = row["spread"].get(column.figure, 0)
    return "%s%s%s" % (column.form(value), " ±%.0f%%" % (100 * wide) if wide else "",
                       "*" if note else "")


def render(doc):
    """The tables, as lines."""
    yield "Medians of %s, ± half of the range." % words.number(doc["rounds"], "round")
    yield "*: crashes in its default configuration; the figure is with a stack that is large enough"
    for table in tables(doc):
        yield ""
        yield "%s.  %s" % (table.title.upper(), table.about)
        form = "%-30s" + " %14s" * len(table.columns)
        yield form % (("",) + tuple(c.title for c in table.columns))
        for row in doc["peers"]:
            if row["missing"]:
                yield "%-30s %s" % (row["name"], row["missing"])
            else:
                yield form % ((row["name"],) + tuple(cell(row, c) for c in table.columns))
    notes = ["  %s, %s: %s" % (row["name"], name, note)
             for row in doc["peers"] for name, note in row["notes"].items()]
    yield from [""] * bool(notes) + notes
