"""survivors.txt: the mutants that no test can kill, because they do what the original does.

    FILE FUNCTION
      a mutant, as tools/mutate prints it
      another
        why they are the same, in words

It is matched by text: a line moves with its code, and ends with it.  A line that names no mutant,
or one that a test kills after all, is an error.
"""

import os
from dataclasses import dataclass

from comparelib.plan import BadInput

PATH = os.path.join(os.path.dirname(os.path.realpath(__file__)), "survivors.txt")


@dataclass
class Explained:
    key: tuple   # Mutant.key()
    line: int
    reason: str


def read(path=PATH):
    """Returns {key: Explained}."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    found, waiting, where = {}, [], None
    for number, line in enumerate(lines, 1):
        indent, words = len(line) - len(line.lstrip()), line.strip()
        if not words or line.startswith("#"):
            continue
        if indent == 0:
            where = tuple(words.split())
            if len(where) != 2:
                raise BadInput("%s:%d: wants a file and a function" % (path, number))
        elif indent == 2 and where:
            if waiting and waiting[-1].reason:
                waiting = []
            entry = Explained(where + (words,), number, "")
            if entry.key in found:
                raise BadInput("%s:%d: is there twice" % (path, number))
            found[entry.key] = entry
            waiting.append(entry)
        elif indent >= 4 and waiting:
            for entry in waiting:
                entry.reason = (entry.reason + " " + words).strip()
        else:
            raise BadInput("%s:%d: belongs to nothing" % (path, number))
    for entry in found.values():
        if not entry.reason:
            raise BadInput("%s:%d: without a reason" % (path, entry.line))
    return found


def check(explained, mutants, verdicts, wanted):
    """What is wrong with the list, as lines; wanted: which functions were looked at."""
    survive = {mutant.key() for mutant in mutants if not verdicts[mutant.number].killed}
    killed = {mutant.key(): verdicts[mutant.number].by for mutant in mutants
              if verdicts[mutant.number].killed}
    problems = []
    for key, entry in explained.items():
        if key in survive or not wanted(key):
            continue
        what = "is killed by %s" % killed[key] if key in killed else "names no mutant"
        problems.append("survivors.txt:%d: %s: %s" % (entry.line, what, key[2]))
    return problems
