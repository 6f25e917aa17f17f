"""The planted bugs: fuzz/ladder/TIER-NAME.patch.

A patch opens with a header of `key: value` lines that a line `---` ends:

    tier    words, bounds, registers or lifetime
    what    the mistake, in a sentence
    suites  tests of //tests that could see it; slow_test:FILTER for some cases of a slow one
    fuzz    fuzz targets that could see it; the line may be missing
    must    the detectors that have to see it: test, asan, ubsan, tsan, replay, proof, fuzz:TARGET
"""

import os
import re
import subprocess
from dataclasses import dataclass

TIERS = {
    "words": "word arithmetic",
    "bounds": "bounds and sizes",
    "registers": "registers, red zone, half-done instructions",
    "lifetime": "concurrency and lifetime",
}
KEYS = ("tier", "what", "suites", "fuzz", "must")
DETECTOR = re.compile(r"test|asan|ubsan|tsan|replay|proof|(fuzz|afl):\w+")


@dataclass(frozen=True)
class Patch:
    name: str      # TIER-NAME
    path: str
    tier: str
    what: str
    suites: tuple
    fuzz: tuple
    must: tuple
    files: tuple   # that it changes


def parse(path, text):
    """Returns (patch, what is wrong with its header)."""
    name = os.path.basename(path).rsplit(".", 1)[0]
    head, bar, diff = text.partition("\n---\n")
    fields, wrong = {}, [] if bar else ["no line --- after the header"]
    for line in head.split("\n"):
        key, colon, value = line.partition(": ")
        if not colon or key not in KEYS or key in fields:
            wrong.append("not a line of a header: " + line)
        fields[key] = value.strip()
    wrong += ["no " + key for key in KEYS if key != "fuzz" and not fields.get(key)]
    words = {key: tuple(fields.get(key, "").split()) for key in ("suites", "fuzz", "must")}
    tier = fields.get("tier", "")
    if tier not in TIERS or not name.startswith(tier + "-"):
        wrong.append("its name does not begin with its tier")
    for detector in words["must"]:
        if not DETECTOR.fullmatch(detector):
            wrong.append("not a detector: " + detector)
        elif ":" in detector and detector.split(":")[1] not in words["fuzz"]:
            wrong.append("%s must see it, and is not in its fuzz:" % detector)
    files = tuple(re.findall(r"^\+\+\+ b/(\S+)", diff, re.M))
    wrong += [] if files else ["changes nothing"]
    return Patch(name, path, tier, fields.get("what", ""), words["suites"], words["fuzz"],
                 words["must"], files), wrong


def read_all(folder):
    """Returns ([patch], [one line per mistake]), by tier and then by name."""
    found, wrong = [], []
    for file in sorted(os.listdir(folder)):
        path = os.path.join(folder, file)
        if not file.endswith(".patch"):
            wrong.append("%s: not a .patch" % file)
            continue
        with open(path, encoding="utf-8") as f:
            patch, mistakes = parse(path, f.read())
        found.append(patch)
        wrong += ["%s: %s" % (file, mistake) for mistake in mistakes]
    order = list(TIERS)
    return sorted(found, key=lambda p: (order.index(p.tier) if p.tier in order else -1,
                                        p.name)), wrong


def apply(patch, root, *options):
    """Runs patch(1) in a tree; returns what it says if it refuses, else None.  Without fuzz: the
    lines around the mistake have to be what they were."""
    with open(patch.path, "rb") as f:
        done = subprocess.run(["patch", "-p1", "-F0", "-s", "-f", "-r", "-", *options], cwd=root,
                              stdin=f, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
    said = done.stdout.decode("utf-8", "replace").strip().split("\n")
    return None if done.returncode == 0 else said[-1] or "patch failed"
