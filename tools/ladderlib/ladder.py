"""The ladder: every detector on the tree as it is, then on one planted bug after the other."""

import hashlib
import json
import os
import time

from ladderlib import detectors, scratch

SCHEMA = 1
CLEAN = {"silent": "is silent", "cut": "is silent until it is cut off", "found": "SEES ONE"}


def key_of(patch, options):
    """What a result depends on, but for the tree."""
    with open(patch.path, "rb") as f:
        text = f.read()
    how = json.dumps([options.seconds, options.seeds, sorted(options.detectors)])
    return hashlib.sha256(text + how.encode()).hexdigest()


class Ladder:
    def __init__(self, copy, planted, options, say):
        self.copy, self.planted, self.options, self.say = copy, planted, options, say
        self.rules = copy.query(sorted({"//tests:" + s.split(":")[0]
                                       for p in planted for s in p.suites}))
        self.parts = {p.name: detectors.parts_for(p, options.detectors, self.rules, copy.tree)
                      for p in planted}
        self.runner = detectors.Runner(copy.tree, copy.tmp, self.rules)
        self.usual = {seed: {} for seed in self.seeds()}
        copy.declare({part.program: (part.label, part.features)
                      for parts in self.all_parts() for part in parts if part.program})

    def seeds(self, detector=""):
        return range(1, 2 if detector in detectors.SEEDLESS else self.options.seeds + 1)

    def all_parts(self):
        return [parts for by_detector in self.parts.values() for parts in by_detector.values()]

    def build(self, part_lists):
        return self.copy.build({p.program for parts in part_lists for p in parts if p.program})

    def check_clean(self, seconds):
        """Notes how long each takes where no bug is planted.  Returns [a line for each that sees
        one all the same]."""
        self.say("building %s" % self.copy.tree)
        programs = self.build(self.all_parts())
        each = sorted({part for parts in self.all_parts() for part in parts},
                      key=lambda part: (part.item, part.detector))
        alarms = []
        for i, part in enumerate(each):
            for seed in self.seeds(part.detector):
                ran = self.runner.run(part, programs.get(part.program), seconds, seed)
                if ran.status == "found":
                    alarms.append("without a bug, %s %s with seed %d: %s" % (
                        part.detector, part.item, seed, ran.says))
                if ran.status == "silent":
                    self.usual[seed][part.detector, part.item] = ran.seconds
            self.say("without a bug %d/%d: %s %s %s, %.1f s" % (
                i + 1, len(each), part.detector, part.item, CLEAN[ran.status], ran.seconds))
        return alarms

    def climb(self, patch):
        """Plants one, and lets every detector look; returns its entry of the document."""
        by_detector = self.parts[patch.name]
        began = time.monotonic()
        self.copy.plant(patch)
        try:
            programs = self.build(by_detector.values())
            built = time.monotonic() - began
            found = {name: [detectors.look(self.runner, programs, parts, self.options.seconds,
                                           seed, self.usual[seed]) for seed in self.seeds(name)]
                     for name, parts in by_detector.items()}
        finally:
            self.copy.take_out(patch)
        return {"name": patch.name, "tier": patch.tier, "what": patch.what,
                "files": list(patch.files), "must": list(patch.must),
                "key": key_of(patch, self.options), "build_seconds": round(built, 1),
                "detectors": found}

    def summary(self, entry):
        seen = []
        for name, runs in entry["detectors"].items():
            times = ["%.1f" % run["seconds"] if run["found"] else "-" for run in runs]
            seen.append("%s %s" % (name, " ".join(times)))
        return "%s (%.0f s to build)" % (", ".join(seen), entry["build_seconds"])


def kept(path, planted, options):
    """{name: entry} of an earlier run's results that still stand."""
    try:
        with open(path, encoding="utf-8") as f:
            document = json.load(f)
    except (OSError, ValueError):
        return {}
    keys = {patch.name: key_of(patch, options) for patch in planted}
    return {entry["name"]: entry for entry in document.get("patches", [])
            if document.get("schema") == SCHEMA and keys.get(entry["name"]) == entry["key"]}


def run(copy, planted, options, about, say):
    """Climbs it.  Returns (document, [one line per error]); writes results.json step by step."""
    path = os.path.join(options.out, "results.json")
    done = kept(path, planted, options) if options.resume else {}
    rest = [patch for patch in planted if patch.name not in done]
    document = {"schema": SCHEMA, "limit": options.seconds, "seeds": options.seeds, **about,
                "patches": []}
    errors = []
    if rest:
        ladder = Ladder(copy, rest, options, say)
        errors = ladder.check_clean(options.seconds)
        if errors:  # nothing that they say of a bug could be believed
            return document, errors
    for i, patch in enumerate(rest):
        try:
            done[patch.name] = ladder.climb(patch)
        except scratch.NotBuilt as error:
            errors.append("%s: %s" % (patch.name, error))
            say(errors[-1])
            continue
        say("%d/%d %s: %s" % (i + 1, len(rest), patch.name, ladder.summary(done[patch.name])))
        document["patches"] = [done[p.name] for p in planted if p.name in done]
        with open(path, "w", encoding="utf-8") as f:
            json.dump(document, f, indent=1)
            f.write("\n")
    document["patches"] = [done[p.name] for p in planted if p.name in done]
    return document, errors
