"""A server as a child process, what /proc says of it, and what wrk says about it."""

import os
import re
import resource
import select
import subprocess

from comparelib import child

# What a mapping takes in the kernel, about: by /proc/slabinfo of Linux 6.18 on x86-64 the sizes of
# vm_area_struct (192), anon_vma (104), anon_vma_chain (64), and a share of a maple_node (256).
VMA_BYTES = 400


class Failed(Exception):
    """A program did not do its part; one line that says what."""


def allow_files():
    """Lets the programs that we start have as many open files as they may; returns how many."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


class Program:
    """A child from its first line of output until the end of the block."""

    def __init__(self, argv, env=None):
        self.name = os.path.basename(argv[0])
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=env, start_new_session=True)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        child.kill_group(self.pid)
        self.process.wait()
        try:
            self.process.stdin.close()
        except BrokenPipeError:  # a line that it was killed before it read
            pass
        self.process.stdout.close()

    def line(self, seconds=None):
        """Its next line, which it may take that long to say."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            raise Failed("%s said nothing for %g s" % (self.name, seconds))
        said = self.process.stdout.readline().decode().strip()
        if not said:
            raise Failed("%s ended early, with %d" % (self.name, self.process.wait()))
        return said

    def go_on(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def check(self):
        if self.process.poll() is not None:
            raise Failed("%s ended by itself, with %d" % (self.name, self.process.returncode))

    def memory(self):
        return memory(self.pid)

    def cpu_seconds(self):
        fields = _read(self.pid, "stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def port_in(line):
    """The port that "listening on 127.0.0.1:8080" ends with."""
    found = re.search(r":(\d+)$", line)
    if not found:
        raise Failed("a server said %r, and no port" % line)
    return found[1]


def _read(pid, name):
    with open("/proc/%d/%s" % (pid, name), encoding="ascii", errors="replace") as f:
        return f.read()


def _number(text, name):
    found = re.search(r"^%s:\s*(\d+)" % name, text, re.M)
    if not found:
        raise Failed("/proc has no %s here" % name)
    return int(found[1])


def memory(pid):
    """Bytes in RAM (its share of what it shares), of page tables, of mappings; and threads."""
    status = _read(pid, "status")
    vmas = _read(pid, "maps").count("\n")
    return {"threads": _number(status, "Threads"),
            "resident": _number(_read(pid, "smaps_rollup"), "Pss") << 10,
            "page_tables": _number(status, "VmPTE") << 10,
            "mappings": vmas * VMA_BYTES, "maps": vmas}


def total(m):
    return m["resident"] + m["page_tables"] + m["mappings"]


UNITS = {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}


def parse_wrk(text):
    """What `wrk --latency` prints; errors are those of sockets and answers other than 2xx, 3xx."""
    def find(pattern):
        found = re.search(pattern, text, re.M)
        if not found:
            raise Failed("wrk printed something else: %r" % text[-200:])
        return found

    def quantile(percent):
        found = find(r"^\s*%d%%\s+([\d.]+)(us|ms|s|m)$" % percent)
        return float(found[1]) * UNITS[found[2]]

    errors = {}
    sockets = re.search(r"Socket errors: (.*)", text)
    if sockets:
        for part in sockets[1].split(","):
            kind, count = part.split()
            errors[kind] = int(count)
    answers = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if answers:
        errors["answers"] = int(answers[1])
    return {"requests": int(find(r"^\s*(\d+) requests in")[1]),
            "per_second": float(find(r"^Requests/sec:\s*([\d.]+)")[1]),
            "p50_ms": quantile(50), "p99_ms": quantile(99),
            "errors": {kind: n for kind, n in errors.items() if n > 0}}
