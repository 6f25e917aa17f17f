#!/usr/bin/python3
"""runtime/arch/arch.h refuses processors that it is not written for, in a sentence."""

import shutil
import subprocess
import sys
import unittest

HEADER = "runtime/arch/arch.h"
SENTENCE = "stacklab is for 64-bit processors: x86-64, AArch64 and RISC-V. i386 is out of scope"
COMPILERS = [name for name in ("clang-19", "gcc-12") if shutil.which(name)]


def compile_with(*command):
    return subprocess.run(list(command) + ["-I.", "-fsyntax-only", "-x", "c", HEADER],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Arch(unittest.TestCase):
    def check_refused(self, *command):
        ran = compile_with(*command)
        self.assertNotEqual(ran.returncode, 0)
        # Before any header of the system's, which may not be there.
        first = next(line for line in ran.stdout.split("\n") if "error" in line)
        self.assertIn(SENTENCE, first)

    def test_i386_is_out_of_scope(self):
        for compiler in COMPILERS:
            with self.subTest(compiler):
                self.check_refused(compiler, "-m32")

    def test_so_are_pointers_of_32_bits_on_a_64_bit_processor(self):
        for compiler in COMPILERS:
            with self.subTest(compiler):
                self.check_refused(compiler, "-mx32")

    @unittest.skipUnless("clang-19" in COMPILERS, "no clang-19")
    def test_so_is_any_other_processor(self):
        for target in "arm-linux-gnueabihf", "riscv32-linux-gnu", "powerpc64le-linux-gnu":
            with self.subTest(target):
                self.check_refused("clang-19", "--target=" + target)

    def test_this_machine_is_not(self):
        for compiler in COMPILERS:
            with self.subTest(compiler):
                ran = compile_with(compiler)
                self.assertEqual(ran.returncode, 0, ran.stdout)


if __name__ == "__main__":
    if not COMPILERS:
        print("SKIPPED: neither clang-19 nor gcc-12")
        sys.exit(0)
    unittest.main(verbosity=2)
