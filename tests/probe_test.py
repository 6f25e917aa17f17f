#!/usr/bin/python3
"""The static probes are in the program, with their arguments: by the ELF notes that tools read."""

import os
import re
import shutil
import subprocess
import sys
import unittest

PROGRAM = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""),
                       "tests/trace_program")

# Name: how many arguments.  docs/observing.md says which.
PROBES = {"goroutine__create": 2, "goroutine__end": 1, "park": 2, "ready": 1, "preempt": 1,
          "growth": 4, "syscall__enter": 1, "syscall__exit": 1, "handoff": 1, "steal": 3,
          "netpoll": 2}

NOTE = re.compile(r"Provider: (\S+)\s+Name: (\S+)\s+Location: (\S+), Base: \S+, Semaphore: (\S+)\s+"
                  r"Arguments: *(.*)")


def has_sdt():
    """Asks the compiler that builds the runtime."""
    clang = shutil.which("clang-19", path="/usr/bin")
    return clang and subprocess.run([clang, "-E", "-x", "c", "-"], check=False,
                                    input=b"#include <sys/sdt.h>\n",
                                    stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL).returncode == 0


class Probes(unittest.TestCase):
    def setUp(self):
        readelf = shutil.which("readelf") or shutil.which("llvm-readelf-19")
        if not readelf:
            self.skipTest("no readelf")
        if not has_sdt():
            self.skipTest("no <sys/sdt.h>: the runtime was built without probes")
        text = subprocess.run([readelf, "-n", PROGRAM], stdout=subprocess.PIPE, check=True).stdout
        self.notes = NOTE.findall(text.decode())

    def test_all_of_them_and_no_other(self):
        ours = [n for n in self.notes if n[0] == "stacklab"]
        self.assertEqual({n[1] for n in ours}, set(PROBES))

    def test_each_has_its_arguments(self):
        for _, name, location, _, arguments in self.notes:
            self.assertEqual(len(arguments.split()), PROBES[name], (name, arguments))
            self.assertNotEqual(int(location, 16), 0)

    def test_none_has_a_semaphore(self):
        self.assertEqual({int(n[3], 16) for n in self.notes}, {0})


if __name__ == "__main__":
    program = unittest.main(verbosity=2, exit=False)
    skipped = program.result.skipped
    for test, why in skipped:
        print("SKIPPED: %s: %s" % (test.id(), why))  # for tools/test
    sys.exit(not program.result.wasSuccessful())
