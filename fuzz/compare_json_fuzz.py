#!/usr/bin/python3
"""Any bytes as a compare.json, and as what a benchmark prints: the readers of tools/comparelib
answer with a document, or say in one line what is wrong (BadInput, BadOutput).  They never end
otherwise, and what they have taken for a document can be read to its end.

An input is the text of the one or the other; both readers get it.
"""

import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "tools")]

from comparelib import changes, gbench, plan, results  # noqa: E402

UNDER_TEST = (changes, gbench, results)
# Words of the documents, for the mutator.
WORDS = ["kind", "stacklab compare", "schema", "2", "workloads", "micro", "benchmarks", "cells",
         "name", "run_name", "real_time", "time_unit", "ns", "rounds_ns", "layouts", "verdict",
         "detail", "ok", "time_ns", "hazards", "rows", "cells_by_size", "baseline", "memory",
         "machine", "run", "mode", "link", "padding", "run_type", "aggregate", "error_occurred",
         "null", "[]", "{}", "true", "-1", "0", "1e999", "NaN", "Infinity", '"x"', "[1]"]


def is_one_line(error):
    text = str(error)
    return bool(text) and "\n" not in text


def check_document(data):
    with tempfile.NamedTemporaryFile(dir=os.environ.get("TEST_TMPDIR")) as f:
        f.write(data)
        f.flush()
        try:
            document = changes.load(f.name)
        except plan.BadInput as error:
            assert is_one_line(error), "BadInput says %r" % str(error)
            return
    for name, result in results.read(document).items():
        assert name == result.name and any(result.rounds), name
        assert result.processes() <= len(result.rounds)
    for kind, _ in results.verdicts(document).values():
        assert isinstance(kind, str), kind
    results.spreads(document)
    assert changes.where(document)["mode"] == document["run"]["mode"]


def check_output(data):
    try:
        context, rows = gbench.read_run(data.decode("utf-8", "replace"))
    except gbench.BadOutput as error:
        assert is_one_line(error), "BadOutput says %r" % str(error)
        return
    assert isinstance(context, dict)
    for name, row in rows.items():
        assert isinstance(name, str) and all(isinstance(x, float) for x in row["samples_ns"]), name


def test_one_input(data):
    check_document(data)
    check_output(data)


if __name__ == "__main__":
    import fuzzer
    sys.exit(fuzzer.main("compare_json", test_one_input, UNDER_TEST, WORDS, sys.argv[1:]))
