"""Bazel: which benchmark programs there are, building everything, and where the results lie.

A benchmark program takes part by carrying the tag "compare" in //bench; that tag is the list.
"""

import json
import os
import shutil
import signal
import subprocess
from urllib.parse import unquote, urlparse

from comparelib import child
from comparelib.plan import BadInput

WORKLOADS = "//bench/workloads:workloads"
PARKED = "//bench:parked"
QUERY = r'attr("tags", "[\[ ]compare[,\]]", //bench/...)'


def call(argv, cwd, log):
    """Runs argv with its output in the log; stops it gently on Ctrl-C.  Returns the exit code."""
    process = subprocess.Popen(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                               start_new_session=True)
    try:
        return process.wait()
    except BaseException:
        # Bazel's client passes the signal on to its server, which then stops what it started.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def setup(root, log_path, purpose="compare"):
    """Installs what is missing for it, where the tree has the tool for that."""
    tool = os.path.join(root, "tools", "setup")
    if not os.access(tool, os.X_OK):
        return
    with open(log_path, "w", encoding="utf-8") as log:
        if call([tool, "--for", purpose], root, log) != 0:
            raise BadInput("tools/setup failed: %s" % _last_line(log_path))


def _last_line(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        lines = [line.strip() for line in f if line.strip()]
    return lines[-1] if lines else "no output; see " + path


def find_benchmarks(root, bazel="bazel"):
    """Returns the labels of the benchmark programs."""
    try:
        done = subprocess.run([bazel, "query", "--output=label", QUERY], cwd=root,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
    except FileNotFoundError:
        raise BadInput("bazel is not installed: run tools/setup") from None
    if done.returncode != 0:
        errors = [line for line in done.stderr.decode("utf-8", "replace").splitlines()
                  if line.startswith("ERROR")]
        raise BadInput("bazel query failed: %s" % (errors[0] if errors else "no reason given"))
    return sorted(done.stdout.decode().split())


def read_events(lines):
    """From a build event file: {label: path of its program} of the targets that were built."""
    built = {}
    for line in lines:
        event = json.loads(line)
        label = event.get("id", {}).get("targetCompleted", {}).get("label")
        completed = event.get("completed", {})
        if label and completed.get("success"):
            outputs = [unquote(urlparse(o["uri"]).path)
                       for o in completed.get("importantOutput", []) if "uri" in o]
            programs = [path for path in outputs if os.access(path, os.X_OK)]
            if programs:
                built[label] = programs[0]
    return built


def build(root, labels, log_path, bazel="bazel", options=()):
    """Builds the labels, as many as can be.  Returns {label: program}; the log has the rest."""
    events = log_path + ".events"
    with open(log_path, "a" if options else "w", encoding="utf-8") as log:
        call([bazel, "build", "-c", "opt", "--keep_going", "--build_event_json_file=" + events,
               *options] + labels, root, log)
    try:
        with open(events, encoding="utf-8") as f:
            return read_events(f)
    except OSError:
        return {}
    finally:
        if os.path.exists(events):
            os.unlink(events)


# What the linker puts into another order: functions, but the runtime's (runtime/text.h) by file.
# Not *: constructors keep their order.
SHUFFLED = (".text*", "rt_text", ".rodata*", ".data*", ".bss*")


def build_links(root, labels, seeds, folder, log_path, bazel="bazel"):
    """Links the labels once as they are and once per seed with their sections shuffled, into the
    folder.  Returns {label: [program of each link]} of those that all links made."""
    links = {label: [] for label in labels}
    for seed in [None] + list(seeds):
        options = ["--linkopt=-Wl,--shuffle-sections=%s=%d" % (sections, seed)
                   for sections in SHUFFLED if seed is not None]
        built = build(root, labels, log_path, bazel, options)
        into = os.path.join(folder, "as-built" if seed is None else "%d" % seed)
        os.makedirs(into, exist_ok=True)
        for label, program in built.items():
            copy = os.path.join(into, os.path.basename(program))
            shutil.copy(program, copy)
            links.setdefault(label, []).append(copy)
    return {label: found for label, found in links.items() if len(found) == len(seeds) + 1}


def build_go(root):
    """Builds bench/go with the system's Go, without a network; returns the program."""
    out = os.path.join(root, "out")
    program = os.path.join(out, "gobench")
    env = dict(os.environ, GO111MODULE="off", GOENV="off", GOFLAGS="",
               GOCACHE=os.path.join(out, "gocache"))
    done = child.run(["go", "build", "-o", program, "./bench/go"], 600, env=env, cwd=root)
    if done.timed_out or done.code != 0:
        said = done.stderr.strip().splitlines()
        raise BadInput("go build: %s" % (said[-1] if said else "failed"))
    return program
