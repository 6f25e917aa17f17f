#!/usr/bin/python3
"""The runtime for macOS, which is compiled here and cannot be linked or run: what can be seen.

Argument: the file of macho_archives, each line of which is a processor and an archive.
"""

import collections
import glob
import re
import subprocess
import sys
import unittest

CONTRACTS = ["runtime/os/os.h", "runtime/os/socket.h", "runtime/arch/arch.h",
             "runtime/arch/adjusters.h", "runtime/go*.h"]
DECLARATIONS = "runtime/os/darwin/declarations/**/*.h"
# What linkers, compilers and the dynamic linker bring; and of libSystem what has no header.
BROUGHT = re.compile(r"_?_Unwind_\w+|_tlv_bootstrap|section\$(start|end)\$__TEXT\$rt_text"
                     r"|__ulock_(wait|wake)|(__)?bzero|memset_pattern16"
                     r"|__stack_chk_(fail|guard)|__cpu_(model|indicator_init)")
PROTOTYPE = re.compile(r"^(?!static|typedef|return)\w[\w \*\n]*?[ \*](\w+)\([^{}]*?\);", re.M)
FORMATS = {"arm64": "Mach-O arm64", "x86_64": "Mach-O 64-bit x86-64"}


def tool(name, *arguments):
    command = ["/usr/bin/llvm-%s-19" % name] + list(arguments)
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if ran.returncode != 0:
        raise AssertionError("%s: %s" % (" ".join(command), ran.stderr))
    return ran.stdout


def functions_in(patterns):
    """The functions that C headers declare and do not define."""
    names = set()
    for pattern in patterns:
        for path in glob.glob(pattern, recursive=True):
            with open(path) as f:
                text = f.read()
            text = re.sub(r"//.*|/\*.*?\*/", "", text)
            text = re.sub(r"^\s*#.*(\\\n.*)*", "", text, flags=re.M)
            text = re.sub(r"\s*__attribute__\(\(.*?\)\)+(;| )", r"\n\1", text, flags=re.S)
            text = re.sub(r"\s*;", ";", re.sub(r"\n ", "\n", text))
            inline = set(re.findall(r"^static inline [^;{=]*?(\w+)\(", text, re.M))
            names |= set(PROTOTYPE.findall(text)) - inline
    return names


class Darwin(unittest.TestCase):
    archives = collections.defaultdict(list)  # by processor

    def symbols(self, paths):
        """(defined, undefined) names, as C has them: Mach-O puts a _ before each."""
        defined, undefined = set(), set()
        for line in tool("nm", "--extern-only", "--format=posix", *paths).split("\n"):
            found = re.match(r"(\S+) (\w)\b", line)
            if found:
                (undefined if found[2] == "U" else defined).add(re.sub("^_", "", found[1]))
        return defined, undefined - defined

    def test_both_processors_are_here(self):
        self.assertEqual(sorted(self.archives), ["arm64", "x86_64"])

    def test_every_object_is_of_its_processor(self):
        for cpu, paths in self.archives.items():
            with self.subTest(cpu):
                headers = tool("readobj", "--file-headers", *paths)
                formats = re.findall(r"^Format: (.*)", headers, re.M)
                self.assertGreater(len(formats), 60)
                self.assertEqual(set(formats), {FORMATS[cpu]})

    def test_every_function_of_the_contracts_is_defined(self):
        wanted = functions_in(CONTRACTS)
        for name in "os_wait", "os_tcp_send", "rt_gloop", "rt_onstack", "go_spawn", "os_netpoll":
            self.assertIn(name, wanted)
        self.assertGreater(len(wanted), 150)
        for cpu, paths in self.archives.items():
            with self.subTest(cpu):
                self.assertEqual(wanted - self.symbols(paths)[0], set())

    def test_nothing_is_asked_of_the_system_but_what_is_declared(self):
        declared = functions_in([DECLARATIONS])
        for name in "kevent", "mmap", "pthread_create", "_dyld_get_image_header", "__error":
            self.assertIn(name, declared)
        for cpu, paths in self.archives.items():
            with self.subTest(cpu):
                undefined = self.symbols(paths)[1]
                self.assertIn("kevent", undefined)
                self.assertEqual({name for name in undefined - declared
                                  if not BROUGHT.fullmatch(name)}, set())

    def test_all_code_is_in_the_section_of_the_runtime(self):
        for cpu, paths in self.archives.items():
            with self.subTest(cpu):
                sections = tool("objdump", "--section-headers", *paths)
                sizes = collections.Counter()
                row = r"^ *\d+ (\S+) +([0-9a-f]+) [0-9a-f]{16}"
                for name, size in re.findall(row, sections, re.M):
                    sizes[name] += int(size, 16)
                self.assertGreater(sizes["rt_text"], 20000)
                self.assertEqual(sizes["__text"], 0)

    def test_the_current_goroutine_is_a_thread_local_variable(self):
        for cpu, paths in self.archives.items():
            with self.subTest(cpu):
                symbols = tool("objdump", "--syms", *paths)
                self.assertRegex(symbols, r"__DATA,__thread_vars _rt_tls_g\n")
                self.assertRegex(symbols, r"__DATA,__thread_bss _rt_tls_g\$tlv\$init\n")

    def test_the_systems_register_is_left_alone(self):
        code = tool("objdump", "-d", "--no-show-raw-insn", *self.archives["arm64"])
        self.assertGreater(len(re.findall(r"\bx8\b", code)), 1000)
        self.assertEqual(re.findall(r".*\b[wx]18\b.*", code), [])

    def test_both_have_a_red_zone(self):
        for cpu, paths in self.archives.items():
            with self.subTest(cpu):
                regfile = [path for path in paths
                           if re.search(r"/lib(aarch64|x86_64)(\.pic)?\.a$", path)]
                data = tool("objdump", "-s", "--section=__const", *regfile)
                where = re.search(r"^_rt_arch_redzone_bytes \w ([0-9a-f]+)",
                                  tool("nm", "--format=posix", *regfile), re.M)
                row = r"^ 0*%x ([0-9a-f]{8}) ([0-9a-f]{8})" % int(where[1], 16)
                line = re.search(row, data, re.M)
                self.assertEqual(line and line[1] + line[2], "8000000000000000", data)


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        for line in f:
            cpu, path = line.split()
            Darwin.archives[cpu].append(path)
    unittest.main(argv=sys.argv[:1], verbosity=2)
