#!/usr/bin/python3
"""Checks the style of the sources below the current folder; prints what is wrong, and fails.

Each check is a generator of (line number, what is wrong); 0 stands for the whole file.  The tree is
what Bazel laid out for the test: the files that each package declares as its `sources`.
"""

import os
import re
import sys

MAX_WIDTH = 100
TABLE = "bench/hazards/expected.txt"  # is as wide as there are strategies
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70
MAX_CONDITIONALS_PER_1000 = 5

C_FILES = (".c", ".h", ".S", ".cc")
CODE_FILES = C_FILES + (".py", ".bzl", ".sh", ".go")
TEXT_FILES = CODE_FILES + (".md", ".BUILD", ".bazelrc", ".txt")
TEXT_NAMES = ("BUILD", "WORKSPACE")
LEFTOVERS = (".orig", ".rej", ".bak", "~")  # of patch, of editors

# Where code for one system or one processor belongs.
PORTING_FOLDERS = ("runtime/os/", "runtime/arch/")

CONDITIONAL = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif)\b(.*)")
PORTING_MACRO = re.compile(
    r"\b(__linux__|__APPLE__|__FreeBSD__|_WIN32|_WIN64|_MSC_VER|__MINGW\w*"
    r"|__x86_64__|__i386__|__aarch64__|__arm__|__riscv\w*|__SSE\w*|__AVX\w*|__ARM_\w*)\b")
HOME_PATH = re.compile(r"(?<![\w.*])/(work|root|home|Users)/\w")
SLEEP = re.compile(r"\b(u|nano|clock_nano)?sleep(_for|_until)?\s*\(")
SUBJECT = re.compile(r"(?:tests|fuzz|bench)/(?:.*/)?(\w+)_(?:test|fuzz|bench)\.(?:c|cc|py)$")

DECLARATION = """packages that do not show their sources to this test: %s
  Add to their BUILD files
    filegroup(
        name = "sources",
        srcs = glob(["**"]),
        visibility = ["//tests/tidiness:__pkg__"],
    )
  and their names to PACKAGES in tests/tidiness/BUILD."""


def is_text(path):
    name = os.path.basename(path)
    if name in TEXT_NAMES or name.endswith(TEXT_FILES):
        return True
    with open(path, "rb") as f:
        return f.read(2) == b"#!"


def in_porting_folder(path):
    return path.startswith(PORTING_FOLDERS)


def check_lines(path, lines):
    for number, line in enumerate(lines, 1):
        # A table or a link in Markdown cannot be broken.
        breakable = path != TABLE and not (
            path.endswith(".md") and re.search(r"^\s*\||://", line))
        if len(line) > MAX_WIDTH and breakable:
            yield number, "%d columns: at most %d" % (len(line), MAX_WIDTH)
        if line != line.rstrip():
            yield number, "blank at the end of the line"
        if "\t" in line and path.endswith(C_FILES):
            yield number, "tab"
        if HOME_PATH.search(line):
            yield number, "path of one machine"


def check_length(path, lines):
    if path.endswith(CODE_FILES) and len(lines) > MAX_FILE_LINES:
        yield 0, "%d lines: at most %d" % (len(lines), MAX_FILE_LINES)


def check_opening(path, lines):
    if path.endswith(C_FILES) and not (lines and lines[0].startswith(("//", "/*"))):
        yield 1, "does not open with a comment that says what the file is for"


def check_functions(path, lines):
    """Measures functions by the shape of our code: `) {` opens one, `}` in column 1 closes it."""
    if not path.endswith((".c", ".h", ".cc")):
        return
    first = None  # the line where the declaration that we are in began
    in_braces = is_function = False
    for number, line in enumerate(lines, 1):
        code = re.sub(r"\s*//.*", "", line)
        if in_braces:
            if not code.startswith("}"):
                continue
            if is_function and number - first >= MAX_FUNCTION_LINES:
                yield first, "function of %d lines: at most %d" % (
                    number - first + 1, MAX_FUNCTION_LINES)
            in_braces, first = False, None
        elif not code or code.startswith(("#", "extern \"C\" {", "namespace", "}")):
            first = None
        else:
            first = first or number
            if code.endswith("{"):
                in_braces, is_function = True, re.search(r"\)[\w\s]*\{$", code) is not None
            elif code.endswith((";", "}")):
                first = None


def conditionals(path, lines):
    """Yields (number, condition) of each conditional but include guards and __cplusplus."""
    guard = re.sub(r"\W", "_", path).upper()
    for number, line in enumerate(lines, 1):
        found = CONDITIONAL.match(line)
        if found and found[2].strip() not in ("__cplusplus", "defined(__cplusplus)"):
            if not (found[1] == "ifndef" and guard in found[2]):
                yield number, found[2]


def check_portability(path, lines):
    if path.endswith(C_FILES) and not in_porting_folder(path):
        for number, condition in conditionals(path, lines):
            if PORTING_MACRO.search(condition):
                yield number, "condition on a system or processor outside " + " and ".join(
                    PORTING_FOLDERS)


def check_sleep(path, lines):
    if path.startswith("tests/") and path.endswith(C_FILES):
        for number, line in enumerate(lines, 1):
            if SLEEP.search(line):
                yield number, "sleeps: wait for the state itself"


def check_stem(path, stems):
    """A test is called after what it exercises: copystack_test, or copystack_order_test."""
    found = SUBJECT.match(path)
    if found:
        words = found[1].split("_")
        subjects = {"_".join(words[:n + 1]) for n in range(len(words))}
        if not subjects & stems:
            yield 0, "neither runtime/ nor tests/tidiness/stems.txt has a %s" % found[1]


LINE_CHECKS = (check_lines, check_length, check_opening, check_functions, check_portability,
               check_sleep)


def find_files(root):
    seen = set()
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            # Bazel adds links of its own, as to this program under the name of its test.
            target = os.path.realpath(os.path.join(root, path))
            if os.path.exists(target) and target not in seen:
                seen.add(target)
                yield path


def known_stems(paths, listed):
    stems = {os.path.basename(path).split(".")[0] for path in paths if path.startswith("runtime/")}
    return stems | {line.split(":")[0] for line in listed if line and not line.startswith("#")}


def undeclared_packages(tree, declared):
    """Yields the packages of the source tree that have no BUILD file among the declared files."""
    for folder, folders, names in os.walk(tree):
        package = os.path.relpath(folder, tree)
        # Not what Bazel makes, nor other repositories: they have a WORKSPACE of their own.
        folders[:] = [name for name in folders if not name.startswith((".", "bazel-"))
                      and not os.path.exists(os.path.join(folder, name, "WORKSPACE"))]
        if "BUILD" in names and os.path.normpath(os.path.join(package, "BUILD")) not in declared:
            yield package


def check_tree(root, source_tree=None):
    """Returns (problems, two lines that sum up) for the files below root."""
    paths = list(find_files(root))
    problems = [path + ": left behind by a tool" for path in paths if path.endswith(LEFTOVERS)]
    porting = astray = elsewhere = lines_elsewhere = 0
    contents = {}
    for path in paths:
        if is_text(os.path.join(root, path)):
            with open(os.path.join(root, path), encoding="utf-8") as f:
                contents[path] = f.read().split("\n")
            if contents[path][-1] == "":
                contents[path].pop()
            else:
                problems.append("%s: no newline at the end" % path)
    stems = known_stems(paths, contents.get("tests/tidiness/stems.txt", []))
    for path, lines in contents.items():
        found = [hit for check in LINE_CHECKS for hit in check(path, lines)]
        found += check_stem(path, stems)
        astray += len(list(check_portability(path, lines)))
        problems += ["%s:%d: %s" % (path, number, what) for number, what in sorted(found)]
        if path.endswith(C_FILES):
            count = len(list(conditionals(path, lines)))
            porting += count if in_porting_folder(path) else 0
            elsewhere += 0 if in_porting_folder(path) else count
            lines_elsewhere += 0 if in_porting_folder(path) else len(lines)
    if elsewhere * 1000 >= MAX_CONDITIONALS_PER_1000 * max(lines_elsewhere, 1000):
        problems.append("%d preprocessor conditionals in %d lines: fewer than %d in 1,000" % (
            elsewhere, lines_elsewhere, MAX_CONDITIONALS_PER_1000))
    if source_tree:
        packages = sorted(undeclared_packages(source_tree, set(paths)))
        problems += [DECLARATION % ", ".join(packages)] if packages else []
    folders = " and ".join(PORTING_FOLDERS)
    summary = ("%d files; preprocessor conditionals: %d in %s, %d in %d lines elsewhere\n"
               "%d conditionals on a system or processor outside %s" % (
                   len(contents), porting, folders, elsewhere, lines_elsewhere, astray, folders))
    return problems, summary


def main():
    # The declared WORKSPACE is a link into the source tree; where it is not (remote execution),
    # it stands alone, and there is nothing to compare with.
    tree = os.path.dirname(os.path.realpath("WORKSPACE"))
    problems, summary = check_tree(".", tree)
    for problem in problems:
        print(problem)
    print(summary)
    print("%d problems" % len(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
