#!/usr/bin/python3
"""A workload program that does what its workload is called; speaks the real one's protocol."""

import json
import os
import signal
import sys
import time

LISTING = {
    "compiler": "none", "page_bytes": 4096, "libraries": {"fake": "1"},
    "strategies": [{"name": "newest", "moves": True}, {"name": "still", "moves": False}],
    "workloads": [
        {"name": name, "library": "fake", "does": name, "kind": "library",
         "checkpoint_bytes": 1024, "sizes": []}
        for name in ("right", "wrong", "crashes", "hangs", "refuses", "babbles", "quits")
    ] + [{"name": "step", "library": "fake", "does": "step", "kind": "initial",
          "checkpoint_bytes": 1024, "sizes": [8192, 16384]},
         {"name": "hot", "library": "fake", "does": "hot", "kind": "program", "many": False,
          "thread": True, "iterations": 16, "checkpoint_bytes": 0, "quick_sizes": 1,
          "sizes": [4096, 8192]},
         {"name": "tree", "library": "fake", "does": "tree", "kind": "program", "many": True,
          "thread": False, "iterations": 0, "checkpoint_bytes": 0, "quick_sizes": 1,
          "sizes": [100, 1000]}],
}


def option(name):
    return sys.argv[sys.argv.index(name) + 1]


def result(wrong):
    right = [0 if i < wrong else 1 for i in range(4)]
    return {"workload": option("--workload"), "growth": option("--growth"), "ok": not wrong,
            "repetitions": 4, "wrong": wrong, "expected": "aa", "got": "bb", "stack_used": 900,
            "checkpoint_bytes": 1024, "growths": 4, "growths_by_fault": 4, "bytes_copied": 4096,
            "memory": {"start": [1000, 100, 2], "gathered": [9000, 900, 12],
                       "settled": [3000, 900, 7], "high_water": 9500},
            "calls": 4, "calls_ns": [10, 20, 30, 1000],
            "ns": [100, 110, 105, 120], "left": [500, 600, 700, 800], "right": right}


def main():
    if "--list" in sys.argv:
        print(json.dumps(LISTING))
        return 0
    what = option("--workload")
    if option("--growth") == "thread":
        what = "right"
    print(json.dumps({"repetition": 0, "left": 500}), flush=True)
    if what == "crashes":
        print("about to fall", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "hangs":
        if os.fork() == 0:  # a child of its own, which must not outlive it
            time.sleep(600)
        time.sleep(600)
    if what == "refuses":
        print("workloads: go_spawn: no growth strategy has that name", file=sys.stderr)
        return 3
    if what == "babbles":
        print("{not json")
        return 0
    if what == "quits":
        return 0
    print(json.dumps(result(2 if what == "wrong" else 0)))
    return 1 if what == "wrong" else 0


if __name__ == "__main__":
    sys.exit(main())
