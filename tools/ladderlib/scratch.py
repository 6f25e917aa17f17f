"""A copy of the tree with one Bazel output base, kept from bug to bug and from run to run."""

import fcntl
import filecmp
import os
import shutil
import subprocess
import xml.etree.ElementTree

from comparelib import builder
from comparelib.plan import BadInput
from ladderlib import patches

PACKAGE = "ladder_build"  # in the copy, of what build.bzl makes
HEAD = """load("//tools:ladderlib/build.bzl", "program_with")

"""
RULE = """program_with(
    name = "%s",
    testonly = True,
    binary = "%s",
    features_wanted = [%s],
)

"""


class NotBuilt(Exception):
    """A patch that does not apply or does not build; one line."""


def sources(root):
    """The files of a tree, relative to it: not what Bazel or the tools have made there."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in (".git", "out", PACKAGE)
                      and not os.path.islink(os.path.join(folder, name))]
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.islink(path) and name != ".git":
                yield os.path.relpath(path, root)


def copy(root, to):
    """Makes `to` a copy of the tree; what is the same already is not touched."""
    wanted = set(sources(root))
    for path in set(sources(to)) - wanted:
        os.remove(os.path.join(to, path))
    for path in wanted:
        source, target = os.path.join(root, path), os.path.join(to, path)
        if os.path.exists(target) and filecmp.cmp(source, target, shallow=False):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)


class Scratch:
    """folder/tree is the copy, folder/base what Bazel keeps of it, folder/tmp for what is run."""

    def __init__(self, root, folder, log):
        self.tree, self.tmp = os.path.join(folder, "tree"), os.path.join(folder, "tmp")
        self.base, self.log = os.path.join(folder, "base"), log
        for path in (self.tree, self.tmp):
            os.makedirs(path, exist_ok=True)
        self.lock = open(os.path.join(folder, "lock"), "w")  # until we end
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput("another tools/ladder runs in %s" % folder) from None
        copy(root, self.tree)

    def bazel(self, command, *arguments):
        return ["bazel", "--output_base=" + self.base, command, *arguments]

    def query(self, labels):
        """What the BUILD files say of tests: {label: {"args": [], "tags": [], "env": {}}}."""
        done = subprocess.run(
            self.bazel("query", "--output=xml", "set(%s)" % " ".join(labels)), cwd=self.tree,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)
        if done.returncode != 0:
            errors = [line for line in done.stderr.split("\n") if line.startswith("ERROR")]
            raise BadInput("bazel query: %s" % (errors or ["no reason given"])[0])
        return {rule.get("name"): read_rule(rule)
                for rule in xml.etree.ElementTree.fromstring(done.stdout).iter("rule")}

    def declare(self, programs):
        """Tells Bazel of all programs that will be built: {name: (label, features)}."""
        folder = os.path.join(self.tree, PACKAGE)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "BUILD"), "w") as f:
            f.write(HEAD)
            for name, (label, features) in sorted(programs.items()):
                f.write(RULE % (name, label, ", ".join('"%s"' % x for x in features)))

    def build(self, names):
        """Builds programs that were declared: {name: path}."""
        labels = {"//%s:%s" % (PACKAGE, name): name for name in names}
        events = os.path.join(self.tmp, "events")
        # Nobody else may depend on a test; and a sandbox costs more than what runs in it here.
        command = self.bazel("build", "--nocheck_visibility", "--spawn_strategy=local",
                             "--symlink_prefix=/", "--keep_going",
                             "--build_event_json_file=" + events, *sorted(labels))
        with open(self.log, "a", encoding="utf-8") as log:
            log.write("$ %s\n" % " ".join(command))
            log.flush()
            builder.call(command, self.tree, log)
        with open(events, encoding="utf-8") as f:
            built = builder.read_events(f)
        missing = sorted(labels[label] for label in set(labels) - set(built))
        if missing:
            raise NotBuilt("%s does not build: see %s" % (missing[0], self.log))
        return {labels[label]: os.path.realpath(path) for label, path in built.items()}

    def plant(self, patch):
        error = patches.apply(patch, self.tree)
        if error:
            raise NotBuilt("does not apply: %s" % error)

    def take_out(self, patch):
        error = patches.apply(patch, self.tree, "-R")
        if error:
            raise NotBuilt("cannot be taken out again: %s" % error)

    def end(self):
        # A server would live for hours.
        subprocess.call(self.bazel("shutdown"), cwd=self.tree, stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def read_rule(rule):
    said = {"args": [], "tags": [], "env": {}}
    for part in rule:
        if part.tag == "list" and part.get("name") in ("args", "tags"):
            said[part.get("name")] = [item.get("value") for item in part]
        if part.tag == "dict" and part.get("name") == "env":
            said["env"] = {pair[0].get("value"): pair[1].get("value") for pair in part}
    return said
