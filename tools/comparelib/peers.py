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

from comparelib import builder, child, servers, verdict

OURS = "//bench/peers:stacklab"
FLAGS = ["-O2", "-g", "-fno-omit-frame-pointer", "-I."]
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

# name, arguments, what it is when a figure of it is wanted by that name
MEASURES = (
    ("create", ("create", 5000)),
    ("switch", ("switch", 40000)),
    ("deep1m", ("deep", 1 << 20)),
    ("deep64m", ("deep", 64 << 20)),
    ("hot", ("hot", 2000)),
    ("parked", ("parked", 10000)),
    ("used", ("used", 10000)),
)
# What a crash in the default configuration is tried with again, where a stack's size can be set.
LARGER = {"deep1m": 2 << 20, "deep64m": 80 << 20, "hot": 128 << 10, "used": 128 << 10}
TIMEOUT = 20


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
        return run_parked(argv, number)
    outcome = child.run(argv, TIMEOUT)
    lines = list(verdict.read_lines(outcome.stdout))
    if outcome.code != 0 or outcome.timed_out or not lines:
        raise Failed(_ended(outcome.code, outcome.timed_out, verdict.last_line(outcome.stderr)))
    return lines[-1]


def run_parked(argv, number):
    """Bytes per parked task, by part."""
    with servers.Program(argv) as program:
        late = []

        def end():
            late.append(True)
            child.kill_group(program.pid)

        timer = threading.Timer(TIMEOUT, end)
        timer.start()
        try:
            if program.line() != "begun":
                raise Failed("fails: it did not begin")
            before = program.memory()
            program.go_on()
            if program.line() != "parked":
                raise Failed("fails: it did not park")
            after = program.memory()
        except (servers.Failed, OSError):
            code = program.process.wait()
            raise Failed(_ended(code, bool(late), "")) from None
        finally:
            timer.cancel()
        parts = ("resident", "page_tables", "mappings")
        row = {part: (after[part] - before[part]) / number for part in parts}
        return dict(row, total=sum(row.values()))


def figures(measure, result):
    """What is kept of a result: name to number."""
    if measure == "hot":
        times = sorted(result["ns_by_depth"])
        usual = statistics.median(times)
        return {"hot_usual_ns": usual, "hot_worst_ns": times[-1],
                "hot_depths": sum(t > 1.5 * usual for t in times) / len(times)}
    if measure.startswith("deep"):
        return {measure + "_first_ns": result["first_ns"],
                measure + "_second_ns": result["second_ns"]}
    if measure in ("parked", "used"):
        return {"%s_%s" % (measure, part): n for part, n in result.items()}
    return {measure + "_ns": result["ns"]}


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


def measure(found, rounds, progress=lambda text: None):
    """The rows of the report: figures are medians over the rounds, notes say what failed."""
    samples = {peer.name: {} for peer in found}
    notes = {peer.name: {} for peer in found}
    hopeless = set()
    for number in range(rounds):
        for name, work in MEASURES:
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
             "figures": {k: statistics.median(v) for k, v in samples[p.name].items()}}
            for p in found]


def document(root, out, rounds=3, progress=lambda text: None, wanted=lambda name: True):
    """Builds and measures: {"rounds": .., "peers": [row]}, for whoever reports it."""
    found = [peer for peer in build(root, out) if wanted(peer.name)]
    return {"rounds": rounds, "vma_bytes": servers.VMA_BYTES,
            "peers": measure(found, rounds, progress)}


# ---- As text ---------------------------------------------------------------------------------
# title, measure, figure, its scale
COLUMNS = (
    ("create", "create", "create_ns", 1), ("switch", "switch", "switch_ns", 1),
    ("parked", "parked", "parked_total", 1024), ("used", "used", "used_total", 1024),
    ("1 MiB", "deep1m", "deep1m_first_ns", 1e3), ("again", "deep1m", "deep1m_second_ns", 1e3),
    ("64 MiB", "deep64m", "deep64m_first_ns", 1e6), ("again", "deep64m", "deep64m_second_ns", 1e6),
    ("hot", "hot", "hot_usual_ns", 1), ("worst", "hot", "hot_worst_ns", 1),
)


def _figure(row, name, key, scale):
    """With a mark where the default configuration does not do it."""
    mark = "*" if name in row["notes"] else ""
    if key not in row["figures"]:
        note = row["notes"].get(name, "")
        return ("hang" if "hangs" in note else "crash" if "crashes" in note else "fail") if note \
            else "-"
    value = row["figures"][key] / scale
    return ("%.0f" if value >= 100 else "%.1f") % value + mark


def render(doc):
    """The table, as lines."""
    yield ("create, switch, hot: ns; parked, used: KiB each of 10,000, with page tables and "
           "mappings; 1 MiB: us; 64 MiB: ms")
    yield "*: crashes in its default configuration; the figure is with a stack that is large enough"
    form = "%-27s" + " %8s" * len(COLUMNS)
    yield form % (("",) + tuple(c[0] for c in COLUMNS))
    for row in doc["peers"]:
        if row["missing"]:
            yield "%-27s %s" % (row["name"], row["missing"])
        else:
            yield form % ((row["name"],) + tuple(
                _figure(row, *column[1:]) for column in COLUMNS))
    for row in doc["peers"]:
        for name, note in row["notes"].items():
            yield "  %s, %s: %s" % (row["name"], name, note)
