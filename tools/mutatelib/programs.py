"""Bazel: building the tests, and linking them once more with sources that hold their mutants.

Bazel builds everything as it always does.  Then the commands that it used, which it tells, are run
again for the sources of the folder under test alone: compiled from their rewritten texts, put into
libraries, and linked in place of the libraries that Bazel made.
"""

import glob
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from comparelib.plan import BadInput
from mutatelib import schemata, sites

FOLDER = "runtime/stack"
# What is about stacks, and quick.
TESTS = """adapt_test adjustwords_guard_test adjustwords_test copystack_test
    fault_handler_test fault_test growth_end_test growth_test inplace_test
    profile_steps_test profile_table_test profile_test prologue_test quarantine_race_test
    quarantine_test regfile_test sanitize_test segment_sizes_test segment_test shrink_test
    shrink_turn_test signal_mprotect_test signal_test stack_debug_test stack_mprotect_test
    stack_race_test stack_slots_mprotect_test stack_slots_test stack_start_test stack_steps_test
    stack_test""".split()
REPLAYS = "copystack fault stackpool".split()
# Of their BUILD file.
ENVIRONMENT = {"signal_mprotect_test": {"GO_GUARDKIND": "mprotect"}}


@dataclass
class Program:
    name: str
    argv: list
    googletest: bool = True
    env: dict = field(default_factory=dict)


@dataclass
class Build:
    """What Bazel says of one configuration."""
    config: str      # of .bazelrc; "": none
    folder: str      # Bazel's execution root, which all its paths are relative to
    compile: dict    # {source: its command}
    link: dict       # {name of a test: its command}


def bazel(root, arguments, log):
    """Runs bazel; returns what it prints."""
    try:
        with open(log, "a", encoding="utf-8") as f:
            done = subprocess.run(["bazel"] + arguments, cwd=root, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=f, text=True)
    except FileNotFoundError:
        raise BadInput("bazel is not installed: run tools/setup") from None
    if done.returncode != 0:
        raise BadInput("bazel %s failed: see %s" % (arguments[0], os.path.relpath(log)))
    return done.stdout


def labels():
    """{name: label} of the tests to run."""
    found = {name: "//tests:" + name for name in TESTS}
    found.update({name + "_replay": "//fuzz:%s_replay" % name for name in REPLAYS})
    return found


def after(words, option):
    return words[words.index(option) + 1]


def command(action):
    """The command of an action; the file of arguments that it also names says the same again."""
    return [word for word in action.get("arguments", []) if not word.startswith("@")]


def ask(root, config, tests, log):
    """What Bazel would run; returns a Build."""
    options = ["--config=" + config] if config else []
    wanted = "mnemonic('Cpp(Compile|Link)', //%s/... + set(%s))" % (
        FOLDER, " ".join(tests.values()))
    answer = json.loads(bazel(root, ["aquery", "--output=jsonproto"] + options + [wanted], log))
    folder = bazel(root, ["info", "execution_root"], log).strip()
    compile_, link = {}, {}
    for action in answer.get("actions", []):
        words = command(action)
        if action["mnemonic"] == "CppCompile" and "-c" in words:
            compile_[after(words, "-c")] = words
        elif action["mnemonic"] == "CppLink" and "-o" in words:  # else an archive
            link[os.path.basename(after(words, "-o"))] = words
    compile_ = {path: words for path, words in compile_.items()
                if path.startswith(FOLDER + "/") and path.endswith(".c")}
    return Build(config, folder, compile_, link)


def front_end(command):
    """The command of a compilation without what it compiles and what it writes."""
    words, kept = iter(command), []
    for word in words:
        if word in ("-c", "-o", "-MF"):
            next(words)
        elif word not in ("-MD", "-Werror") and not word.startswith("-frandom-seed"):
            kept.append(word)
    return kept


def read(path):
    with open(path, encoding="latin-1") as f:  # a character for each byte, as clang counts
        return f.read()


def find_mutants(root, builds):
    """({source: sites}, mutants) of what all of the builds compile: some code is of one alone."""
    found = {}
    for path in sorted(builds[0].compile):
        text, by_place = read(os.path.join(root, path)), {}
        for build in builds:
            functions = sites.parse(path, front_end(build.compile[path]), root)
            for site in sites.find(path, text, functions):
                by_place.setdefault((site.start, site.end), site)
        found[path] = [by_place[place] for place in sorted(by_place)]
    return found, sites.number(found)


def run(command, folder):
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, errors="replace")
    if done.returncode != 0:
        raise BadInput("%s: %s" % (os.path.basename(command[0]), " ".join(
            [line for line in done.stdout.split("\n") if "error:" in line][:1]) or done.stdout))


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="latin-1") as f:
        f.write(text)
    return path


def write_sources(root, out, found, nmutants):
    write(os.path.join(out, "src", "mutant.h"), schemata.HEADER)
    write(os.path.join(out, "src", "mutant.c"), schemata.chooser(nmutants))
    for path, sites_ in found.items():
        write(os.path.join(out, "src", path),
              schemata.rewrite(read(os.path.join(root, path)), sites_))


def library_of(command):
    """The library that an object of Bazel's goes into."""
    package, name = re.match(r"(.*)/_objs/([^/]+)/", after(command, "-o")).groups()
    return "%s/lib%s.a" % (package, name)


def compile_all(build, out, found, jobs):
    """Compiles the rewritten sources; returns {library of Bazel's: ours} and the chooser."""
    source, into = os.path.join(out, "src"), os.path.join(out, build.config or "plain")
    os.makedirs(into, exist_ok=True)
    commands, members = [], {}
    for path in found:
        target = os.path.join(into, path.replace("/", "_") + ".o")
        # -O1: frames stay small whatever lies beside the original; assertions stay.
        commands.append(front_end(build.compile[path]) + [
            "-w", "-O1", "-include", os.path.join(source, "mutant.h"), "-c",
            os.path.join(source, path), "-o", target])
        members.setdefault(library_of(build.compile[path]), []).append(target)
    chooser = os.path.join(into, "mutant.o")
    commands.append([commands[0][0], "-O1", "-fPIC", "-c", os.path.join(source, "mutant.c"), "-o",
                     chooser])
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda command: run(command, build.folder), commands))
    libraries = {}
    for library, objects in members.items():
        ours = os.path.join(into, os.path.basename(library))
        if os.path.exists(ours):
            os.unlink(ours)
        run(["llvm-ar-19", "rcs", ours] + objects, build.folder)
        libraries[library] = ours
    return libraries, chooser


def link_all(root, build, out, libraries, chooser, jobs):
    """Links the tests with them; returns Programs."""
    programs, commands = [], []
    into = os.path.join(out, build.config or "plain")
    for name, command in sorted(build.link.items()):
        words = [libraries.get(word, word) for word in command]
        path = words[words.index("-o") + 1] = os.path.join(into, name)
        commands.append(words + [chooser])
        argv, is_replay = [path], name.endswith("_replay")
        if is_replay:
            inputs = sorted(glob.glob(os.path.join(root, "fuzz", "corpus", name[:-7], "*")))
            argv.append(write(path + ".manifest", "".join(each + "\n" for each in inputs)))
        programs.append(Program(name, argv, not is_replay, ENVIRONMENT.get(name, {})))
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda command: run(command, build.folder), commands))
    return programs


def sanitizer_options(root):
    """The environment that .bazelrc gives to tests."""
    with open(os.path.join(root, ".bazelrc"), encoding="utf-8") as f:
        return dict(re.findall(r"^build --test_env=(\w+)=(.*)$", f.read(), re.M))


def build_tests(root, build, tests, log):
    """Bazel's own build, which the links take all other libraries from."""
    options = ["--config=" + build.config] if build.config else []
    bazel(root, ["build"] + options + list(tests.values()), log)


def make(root, build, out, found, tests, log, jobs):
    """Programs that hold all the mutants."""
    build_tests(root, build, tests, log)
    libraries, chooser = compile_all(build, out, found, jobs)
    return link_all(root, build, out, libraries, chooser, jobs)
