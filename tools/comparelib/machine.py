"""What the figures were measured on, and with: stands beside every table."""

import datetime
import json
import os
import re
import resource
import subprocess


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def _output(argv, cwd=None):
    try:
        done = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              stdin=subprocess.DEVNULL, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def _field(text, pattern):
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip().strip('"') if found else "unknown"


def cpu_model():
    info = _read("/proc/cpuinfo")
    model = _field(info, r"^model name\s*:\s*(.*)$")
    return model + (" (virtual)" if re.search(r"^flags\s*:.*\bhypervisor\b", info, re.M) else "")


def commit(root):
    short = _output(["git", "rev-parse", "--short=12", "HEAD"], root)
    if not short:
        return "unknown"
    dirty = _output(["git", "status", "--porcelain", "--untracked-files=no"], root)
    return short + (" with local changes" if dirty else "")


def compile_flags(root, target, bazel="bazel"):
    """The flags of one C file of the target, as Bazel would pass them; paths left out."""
    text = _output([bazel, "aquery", "-c", "opt", "--output=jsonproto",
                    "mnemonic(CppCompile, %s)" % target], root)
    try:
        arguments = json.loads(text)["actions"][0]["arguments"]
    except (ValueError, KeyError, IndexError):
        return "unknown"
    skipped = re.compile(r"-D__(DATE|TIME|TIMESTAMP)__|-MD|-MF|-frandom-seed|-no-canonical|"
                         r"-fcolor|-Wno-builtin|-DDOCUMENT")
    # Each once, at its last place, which is the one that counts.
    kept = [a for a in arguments[1:]
            if re.match(r"-(O|f|D|std|W|m|-target)", a) and not skipped.match(a)]
    return " ".join(reversed(list(dict.fromkeys(reversed(kept)))))


def describe(root, target, listing):
    memory = _field(_read("/proc/meminfo"), r"^MemTotal:\s*(\d+)")
    return {
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "memory_gib": round(int(memory) / 2**20, 1) if memory.isdigit() else "unknown",
        "kernel": " ".join(os.uname()[i] for i in (0, 2, 4)),
        "system": _field(_read("/etc/os-release"), r"^PRETTY_NAME=(.*)$"),
        "page_bytes": listing.get("page_bytes", os.sysconf("SC_PAGESIZE")),
        "huge_pages": _field(_read("/sys/kernel/mm/transparent_hugepage/enabled"), r"\[(\w+)\]"),
        "clock": _read("/sys/devices/system/clocksource/clocksource0/current_clocksource").strip()
                 or "unknown",
        "compiler": listing.get("compiler", "unknown"),
        "flags": compile_flags(root, target),
        "libraries": dict(listing.get("libraries", {}), libc=os.confstr("CS_GNU_LIBC_VERSION")),
        "commit": commit(root),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "load": " ".join("%.2f" % v for v in os.getloadavg()),
    }


class Others:
    """What the CPUs did from its making on that was neither for us nor for our children."""

    def __init__(self):
        self.begin = self._used()

    @staticmethod
    def _used():
        ticks = [int(n) for n in _read("/proc/stat").split("\n", 1)[0].split()[1:9]]
        idle = ticks[3] + ticks[4] if ticks else 0  # idle and iowait; the last is steal
        own = sum(sum(resource.getrusage(who)[:2])
                  for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(ticks), sum(ticks) - idle, own * os.sysconf("SC_CLK_TCK")

    def share(self):
        """A share of all that the CPUs could have done; 0 where /proc does not say."""
        whole, busy, own = (b - a for a, b in zip(self.begin, self._used()))
        return max(0.0, busy - own) / whole if whole else 0.0


def one_line(m):
    return "%s, %s CPUs; %s; %s-byte pages; %s; commit %s; %s" % (
        m["cpu"], m["cpus"], m["kernel"], m["page_bytes"], m["compiler"], m["commit"], m["date"])
