"""What libFuzzer is to the targets in C, for those in Python: a corpus, mutations, the lines that
an input reaches, and the same options and lines of output, as far as tools/fuzz needs them.

    -runs=N -max_total_time=SECONDS -seed=N   when to stop; -runs=0: only the corpus
    -merge=1 INTO FROM...                     copies to INTO what reaches lines that it does not
    FILE...                                   runs these inputs; a folder: fuzzes from what is there
"""

import hashlib
import json
import os
import random
import sys
import time
import traceback

TEST_SECONDS = 10


class Coverage:
    """The lines of some modules that have run."""

    def __init__(self, modules):
        self.files = {module.__file__ for module in modules}
        self.seen = set()
        self.fresh = False

    def _line(self, frame, event, _):
        key = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and key not in self.seen:
            self.seen.add(key)
            self.fresh = True
        return self._line

    def _call(self, frame, _event, _arg):
        return self._line if frame.f_code.co_filename in self.files else None

    def run(self, function, data):
        """Returns whether data reached a line for the first time."""
        self.fresh = False
        sys.settrace(self._call)
        try:
            function(data)
        finally:
            sys.settrace(None)
        return self.fresh


def change_value(value, rng, words):
    """A JSON value with something in it replaced, taken out or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        changed = dict(value)
        how = rng.randrange(6)
        if how == 0:
            del changed[key]
        elif how == 1:
            changed[rng.choice(words)] = changed.pop(key)
        else:
            changed[key] = change_value(value[key], rng, words)
        return changed
    if isinstance(value, list) and value and rng.random() < 0.9:
        changed, i = list(value), rng.randrange(len(value))
        how = rng.randrange(6)
        if how == 0:
            del changed[i]
        elif how == 1:
            changed.insert(i, changed[i])
        else:
            changed[i] = change_value(value[i], rng, words)
        return changed
    word = rng.choice(words)
    try:
        return json.loads(word)
    except ValueError:
        return word


def mutate(data, other, rng, words):
    for _ in range(1 + rng.randrange(3)):
        how = rng.randrange(8)
        at = rng.randrange(len(data) + 1)
        if how < 5:
            try:
                data = json.dumps(change_value(json.loads(data), rng, words)).encode()
                continue
            except (ValueError, RecursionError):
                how = 5 + rng.randrange(3)
        if how == 5:
            data = data[:at] + rng.choice(words).encode() + data[at:]
        elif how == 6:
            data = data[:at] + data[at + 1 + rng.randrange(8):]
        else:
            data = data[:at] + other[rng.randrange(len(other) + 1):]
    return data


def read(path):
    with open(path, "rb") as f:
        return f.read()


def files_in(folders):
    return [os.path.join(folder, name) for folder in folders for name in sorted(os.listdir(folder))]


def fail(name, data, prefix):
    path = "%scrash-%s" % (prefix, hashlib.sha1(data).hexdigest())
    with open(path, "wb") as f:
        f.write(data)
    sys.stderr.write("==%d== ERROR: %s\n" % (os.getpid(), name))
    traceback.print_exc()
    sys.stderr.write("SUMMARY: %s\nTest unit written to %s\n" % (name, path))
    return 1


def fuzz(name, function, coverage, words, options, folders):
    """Runs what is in the folders, then mutations of it; what is new goes to the first."""
    rng = random.Random(int(options.get("seed", 0)) or None)
    seconds = float(options.get("max_total_time", 0))
    most = int(options.get("runs", -1))
    started = shown = time.monotonic()
    corpus, data, n = [b"{}"], b"", 0

    def status(word):
        rate = n / max(time.monotonic() - started, 1e-9)
        print("#%d\t%s cov: %d ft: %d corp: %d/%db exec/s: %d" % (
            n, word, len(coverage.seen), len(coverage.seen), len(corpus), len(data), rate),
              flush=True)

    try:
        for path in files_in(folders):
            data = read(path)
            coverage.run(function, data)
            corpus.append(data)
        status("INITED")
        while n != most and not (seconds and time.monotonic() - started > seconds):
            data = mutate(rng.choice(corpus), rng.choice(corpus), rng, words)
            n += 1
            if coverage.run(function, data):
                corpus.append(data)
                with open(os.path.join(folders[0], hashlib.sha1(data).hexdigest()), "wb") as f:
                    f.write(data)
                status("NEW")
            if time.monotonic() - shown > 4:
                shown = time.monotonic()
                status("pulse")
    except Exception:  # whatever the target lets out is a finding
        return fail(name, data, options.get("artifact_prefix", ""))
    status("DONE")
    print("stat::number_of_executed_units: %d" % n)
    return 0


def merge(function, coverage, into, folders):
    for path in files_in([into]):
        coverage.run(function, read(path))
    for path in sorted(files_in(folders), key=os.path.getsize):
        data = read(path)
        if coverage.run(function, data):
            with open(os.path.join(into, hashlib.sha1(data).hexdigest()), "wb") as f:
                f.write(data)
    return 0


def replay(function, paths):
    for path in paths:
        data = read(path)
        print("%s (%d bytes)" % (path, len(data)), flush=True)
        function(data)
    print("replayed %d inputs" % len(paths))
    return 0


def places(name, options):
    """Fills in where findings go, as the launcher of the targets in C does; returns the folders."""
    tree = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if tree:
        out = os.path.join(tree, "out", "fuzz", name)
        new, seeds = os.path.join(out, "corpus"), os.path.join(tree, "fuzz", "corpus", name)
        os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", tree))
    else:
        out = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR") or os.environ.get("TEST_TMPDIR", ".")
        new = os.path.join(os.environ.get("TEST_TMPDIR", "."), "corpus")
        seeds = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", name)
        options.setdefault("seed", "1")
        options.setdefault("runs", "3000")
        options.setdefault("max_total_time", str(TEST_SECONDS))
    os.makedirs(new, exist_ok=True)
    options.setdefault("artifact_prefix", out + "/")
    return [new, seeds]


def main(name, function, modules, words, argv):
    options = dict(word[1:].split("=", 1) for word in argv if word.startswith("-") and "=" in word)
    paths = [word for word in argv if not word.startswith("-")]
    coverage = Coverage(modules)
    here = places(name, options)
    folders = [path for path in paths if os.path.isdir(path)]
    if options.get("merge") == "1":
        return merge(function, coverage, folders[0], folders[1:])
    if "replay" in options:
        return replay(function, files_in(here[1:]))
    if paths and not folders:
        return replay(function, paths)
    return fuzz(name, function, coverage, words, options, folders or here)
