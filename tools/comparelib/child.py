"""One child process at a time: its time limit, its output, and that nothing of it outlives us.

A child leads a process group of its own, so that killing the group takes its children along, and
a Ctrl-C on the terminal reaches us alone.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass

KEPT_BYTES = 64 << 20  # of stdout; a program gone wild is cut off, not swallowed whole


@dataclass
class Outcome:
    """What is known once a child has ended."""
    argv: list
    code: int          # exit code; negative: the number of the signal that ended it
    timed_out: bool
    stdout: str
    stderr: str
    seconds: float
    peak_rss_kib: int


def kill_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


@contextlib.contextmanager
def deferred_interrupts():
    """Holds SIGINT and SIGTERM back: one that came while a child is being made would be raised
    after the fork and before anyone knows whom to kill."""
    came = []
    # One that is ignored, or ends us at once, is not ours to hold back.
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if callable(signal.getsignal(n))]
    before = {number: signal.signal(number, lambda n, frame: came.append((n, frame)))
              for number in numbers}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _deliver(came):
    for number, frame in came:
        signal.getsignal(number)(number, frame)


def _collect(process, deadline):
    """Reads both pipes until they end or the deadline passes; returns ({fd: bytes}, timed out)."""
    chunks = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for pipe in chunks:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            wait = deadline - time.monotonic()
            if wait <= 0:
                return chunks, True
            for key, _ in selector.select(wait):
                data = os.read(key.fd, 1 << 16)
                if data and len(chunks[key.fileobj]) < KEPT_BYTES:
                    chunks[key.fileobj] += data
                elif not data:
                    selector.unregister(key.fileobj)
    return chunks, False


def _reap(process, deadline):
    """Waits for the child itself, which may go on after it has closed its pipes."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            return status, usage, False
        if time.monotonic() > deadline:
            kill_group(process.pid)
            _, status, usage = os.wait4(process.pid, 0)
            return status, usage, True
        time.sleep(0.001)


def run(argv, timeout, env=None, cwd=None):
    """Runs argv to its end, or for `timeout` seconds; never raises for what the child does."""
    begin = time.monotonic()
    deadline = begin + timeout
    process, reaped = None, False
    try:
        with deferred_interrupts() as came:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=env, cwd=cwd,
                                       start_new_session=True)
        _deliver(came)
        chunks, timed_out = _collect(process, deadline)
        if timed_out:
            kill_group(process.pid)
        status, usage, late = _reap(process, deadline)
        reaped = True
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if process:
            # The leader is dead by now or dies here; what it started is in its group.
            kill_group(process.pid)
            if not reaped:
                process.wait()
            process.stdout.close()
            process.stderr.close()
    text = [chunks[pipe].decode("utf-8", "replace") for pipe in (process.stdout, process.stderr)]
    return Outcome(list(argv), process.returncode, timed_out or late, text[0], text[1],
                   time.monotonic() - begin, usage.ru_maxrss)
