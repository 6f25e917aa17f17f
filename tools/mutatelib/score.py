"""The table, and the document that is written as mutants.json."""

STATES = ("killed", "explained", "survived")


def state(mutant, verdict, explained):
    if verdict.killed:
        return "killed"
    return "explained" if mutant.key() in explained else "survived"


def share(killed, total):
    return 100 * killed / total if total else 100.0


def count(mutants, verdicts, explained):
    """{file: figures}, and under "" those of all."""
    figures = {}
    for mutant in mutants:
        verdict = verdicts[mutant.number]
        for name in (mutant.file, ""):
            row = figures.setdefault(name, dict.fromkeys(
                ("mutants", "killed", "asan", "explained", "survived", "unreached"), 0))
            row["mutants"] += 1
            row[state(mutant, verdict, explained)] += 1
            row["asan"] += verdict.killed and verdict.stage == "asan"
            row["unreached"] += not verdict.killed and verdict.reached_by == 0
    for row in figures.values():
        row["raw"] = share(row["killed"], row["mutants"])
        row["score"] = share(row["killed"], row["mutants"] - row["explained"])
    return figures


def listing(mutants, verdicts, explained):
    """The survivors, as lines."""
    lines = []
    for wanted, title in (("explained", "explained"), ("survived", "survived")):
        rows = [m for m in mutants if state(m, verdicts[m.number], explained) == wanted]
        lines += ["", "%s: %d" % (title, len(rows))] if rows else []
        where = None
        for mutant in rows:
            if where != (mutant.file, mutant.function):
                where = mutant.file, mutant.function
                lines.append("%s %s" % where)
            lines.append("  " + mutant.shown)
            if wanted == "explained":
                lines.append("    " + explained[mutant.key()].reason)
            elif verdicts[mutant.number].reached_by == 0:
                lines.append("    line %d; no test reaches it" % mutant.line)
            else:
                lines.append("    line %d; %d of %d cases that reach it were run" % (
                    mutant.line, verdicts[mutant.number].ran, verdicts[mutant.number].reached_by))
    return lines


def table(figures):
    heads = "mutants", "killed", "asan", "explained", "survived", "raw", "score"
    lines = ["%-34s" % "file" + "".join("%10s" % head for head in heads)]
    for name in sorted(figures, key=lambda name: (name == "", name)):
        row = figures[name]
        lines.append("%-34s" % (name or "all") + "".join(
            "%9.1f%%" % row[head] if head in ("raw", "score") else "%10d" % row[head]
            for head in heads))
    return lines


def document(mutants, verdicts, explained, figures, problems, about):
    def plain(mutant):
        verdict = verdicts[mutant.number]
        row = {"file": mutant.file, "function": mutant.function, "line": mutant.line,
               "mutant": mutant.shown, "state": state(mutant, verdict, explained)}
        if verdict.killed:
            row.update(by=verdict.by, how=verdict.how, stage=verdict.stage)
        else:
            row.update(cases=verdict.ran, reached_by=verdict.reached_by)
        if row["state"] == "explained":
            row["reason"] = explained[mutant.key()].reason
        return row

    return {**about, "problems": problems,
            "files": {name or "all": figures[name] for name in figures},
            "mutants": [plain(mutant) for mutant in mutants]}
