"""What became of a trial, and what became of it over several runs.

    ok            every repetition gave the checksum of a plain thread
    wrong result  at least one did not, and the process lived to say so
    crashed       a signal ended the process
    hung          the time limit ended it
    refused       the runtime declined with an error (exit code 3): nothing ran
    failed        anything else: the program did not keep to its own protocol
"""

import json
import signal
from dataclasses import dataclass

OK, WRONG, CRASHED, HUNG, REFUSED, FAILED = (
    "ok", "wrong result", "crashed", "hung", "refused", "failed")
# From the most to the least telling: what a set of runs is called when they differ.
SEVERITY = [CRASHED, HUNG, WRONG, FAILED, REFUSED, OK]

EXIT_WRONG, EXIT_REFUSED = 1, 3


@dataclass
class Verdict:
    kind: str
    detail: str     # one line for people
    result: dict    # the program's last line, {} if there was none
    peak_rss_kib: int = 0
    layout: dict = None  # of the process: measure.Layouts


def read_lines(text):
    """Yields the JSON objects of a program's output; a torn last line is skipped."""
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def last_line(text):
    """The last line that says something, cut to a length that a table can hold."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[-1] if len(lines[-1]) <= 240 else lines[-1][:237] + "..."


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def _where(lines):
    """Which repetition was under way, from the line that announces each."""
    under_way = [line for line in lines if "repetition" in line]
    if not under_way:
        return "before the first repetition"
    at = under_way[-1]
    left = ", entered with %d bytes of stack left" % at["left"] if "left" in at else ""
    return "in repetition %d%s" % (at["repetition"] + 1, left)


def _wrong_detail(result):
    wrong, total = result.get("wrong", 0), result.get("repetitions", 0)
    text = "%d of %d repetitions wrong" % (wrong, total)
    left = [l for l, right in zip(result.get("left", []), result.get("right", [])) if not right]
    if left:
        text += ", entered with %s bytes of stack left" % (
            "%d" % left[0] if min(left) == max(left) else "%d to %d" % (min(left), max(left)))
    if result.get("got") == result.get("expected"):
        return text + "; the checksum was right, the caller's frames were not"
    return text + "; checksum %s, expected %s" % (result.get("got"), result.get("expected"))


def judge(outcome):
    """Turns a child's Outcome into a Verdict."""
    lines = list(read_lines(outcome.stdout))
    result = lines[-1] if lines and "ok" in lines[-1] else {}
    said = last_line(outcome.stderr)
    rss = outcome.peak_rss_kib
    if outcome.timed_out:
        return Verdict(HUNG, "no end after %.0f s, %s" % (outcome.seconds, _where(lines)), {}, rss)
    if outcome.code < 0:
        detail = "%s %s" % (signal_name(-outcome.code), _where(lines))
        return Verdict(CRASHED, detail + ("; last words: " + said if said else ""), {}, rss)
    if outcome.code == EXIT_REFUSED:
        return Verdict(REFUSED, said or "no reason given", {}, rss)
    if outcome.code == EXIT_WRONG and result and not result["ok"]:
        return Verdict(WRONG, _wrong_detail(result), result, rss)
    if outcome.code == 0 and result and result["ok"]:
        return Verdict(OK, "", result, rss)
    reason = "exit code %d%s" % (outcome.code, "" if result else " and no result")
    return Verdict(FAILED, reason + (": " + said if said else ""), {}, rss)


def merge(verdicts):
    """Returns (kind, detail) of several runs of one trial: the worst kind, and how often."""
    kind = min((v.kind for v in verdicts), key=SEVERITY.index)
    if kind == OK:
        return kind, ""
    same = [v for v in verdicts if v.kind == kind]
    return kind, "%d of %d runs: %s" % (len(same), len(verdicts), same[0].detail)
