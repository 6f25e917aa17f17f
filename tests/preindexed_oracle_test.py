#!/usr/bin/python3
"""Compares rt_preindexed_decode with LLVM's disassembler, on words of every kind.

Bits 31 to 21 and 11 to 10 tell the loads and stores apart: all their values are tried, with the
other bits from a fixed seed, and those of the decoded classes many times.
"""

import collections
import os
import random
import re
import shutil
import subprocess
import sys

LLVM_MC = "/usr/bin/llvm-mc-19"
# What preindexed.h says is not decoded.
LEFT_OUT = re.compile(r"ldra[ab]|ld[1-4]r?|st[1-4]|ldiapp|stilp|ldapr|stlr|cpy\w+|set\w+")
WRITES_BACK = re.compile(r"\[(x\d+|sp)(, [^\]]*)?(\]!|\], (#|x))")
CLASSES = ((0x3b200400, 0x38000400), (0x3a800000, 0x28800000), (0xff200400, 0xd9200400))
ROUNDS, OF_A_CLASS = 4, 8000
BYTES = {"w": 4, "x": 8, "b": 1, "h": 2, "s": 4, "d": 8, "q": 16}


def words():
    some = random.Random(1)
    for _ in range(ROUNDS):
        for high in range(1 << 11):
            for low in range(4):
                yield high << 21 | some.getrandbits(21) & ~0xc00 | low << 10
    for mask, value in CLASSES:
        for _ in range(OF_A_CLASS):
            word = some.getrandbits(32) & ~mask | value
            # Every second time with the base among the destinations.
            yield word if some.random() < 0.5 else word & ~0x1f | word >> 5 & 0x1f


def disassemble(listed):
    """Of each word: its text, or None, and whether LLVM warns that it is not predictable."""
    lines = "".join("0x%02x 0x%02x 0x%02x 0x%02x\n" % tuple(word.to_bytes(4, "little"))
                    for word in listed)
    run = subprocess.run([LLVM_MC, "--disassemble", "-triple=aarch64", "-mattr=+all"], input=lines,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    invalid, warned = set(), set()
    for line, what in re.findall(r"^<stdin>:(\d+):\d+: warning: (invalid|potentially undefined)",
                                 run.stderr, re.M):
        (invalid if what == "invalid" else warned).add(int(line) - 1)
    texts = [line.strip() for line in run.stdout.split("\n")
             if line.strip() and not line.strip().startswith(".")]
    if len(texts) + len(invalid) != len(listed):
        sys.exit("%d words, %d texts, %d invalid" % (len(listed), len(texts), len(invalid)))
    texts = iter(texts)
    return [(None if i in invalid else next(texts), i in warned) for i in range(len(listed))]


def number(register):
    return 31 if register in ("sp", "xzr", "wzr") else int(register[1:])


def accessed(mnemonic, registers):
    """Bytes of memory, by the words of the assembler."""
    fixed = {"stg": 16, "stzg": 16, "st2g": 32, "stz2g": 32, "ldpsw": 8, "ldrsw": 4}
    if mnemonic in fixed:
        return fixed[mnemonic]
    if mnemonic[-1] in "bh":
        return BYTES[mnemonic[-1]]
    return len(registers) * BYTES[registers[0][0]]


def expected(text):
    """What rt_preindexed_decode is to say of an instruction, as the program prints it."""
    found = re.fullmatch(r"(\w+)\s+(.*), \[(\w+)(?:, #(-?\d+)\]!|\], #(-?\d+))", text or "")
    if not found or LEFT_OUT.fullmatch(found[1]):
        return "-"
    mnemonic, registers, base = found[1], found[2].split(", "), found[3]
    loads = mnemonic.startswith("ld") and base != "sp" and any(
        r[0] in "wx" and not r.endswith("zr") and number(r) == number(base) for r in registers)
    return "%d %s %d %d %d" % (number(base), found[4] or found[5], accessed(mnemonic, registers),
                               found[4] is not None, loads)


def main(program):
    if not shutil.which(LLVM_MC):
        print("SKIPPED: no " + LLVM_MC)
        return 0
    listed = list(words())
    run = subprocess.run([program], input="".join("%08x\n" % word for word in listed), text=True,
                         stdout=subprocess.PIPE, check=True)
    got = run.stdout.split("\n")[:-1]
    wrong, seen = [], collections.Counter()
    for word, (text, warned), line in zip(listed, disassemble(listed), got, strict=True):
        want = expected(text)
        # LLVM warns of more: of stores of a base, and of loads of one register twice.  And of less:
        # of no load with a sign to 64 bits.
        silent = re.match(r"ldrs[bhw]\s+x", text or "")
        if want != line or (line.endswith(" 1") and not warned and not silent):
            wrong.append("%08x %s: %s, not %s" % (word, text, line, want))
        if line != "-":
            seen[(text or "invalid").split()[0]] += 1
        elif text and WRITES_BACK.search(text) and not LEFT_OUT.fullmatch(text.split()[0]):
            wrong.append("%08x %s: writes its base back" % (word, text))
    print("%d words; with write-back: %s" % (len(listed), ", ".join(
        "%s %d" % row for row in sorted(seen.items()))))
    print("\n".join(wrong[:20]))
    print("%d wrong" % len(wrong))
    missing = {"ldr", "str", "ldp", "stp", "ldpsw", "stgp", "stg", "st2g", "stzg", "stz2g", "ldrb",
               "strb", "ldrsb", "ldrh", "strh", "ldrsh", "ldrsw"} - set(seen)
    if missing:
        print("never tried: " + ", ".join(sorted(missing)))
    return 1 if wrong or missing else 0


if __name__ == "__main__":
    sys.exit(main(os.path.join(os.path.dirname(sys.argv[0]), "preindexed_program")))
