"""Goroutines in gdb 11 or later: source this file; docs/debugging.md tells of the commands.

A goroutine that does not run has its registers on its stack (runtime/arch/x86_64/switch.S).  To
show its frames nothing is written to the process, so that cores do as well and nothing can be left
behind: an unwinder says that what called the selected thread's innermost frame is the goroutine,
and a frame filter leaves that one frame out of backtraces.
"""

import contextlib
import itertools
import re
import time

import gdb
import gdb.unwinder

USAGE = "goroutine N|all [COMMAND], or goroutine off (see help goroutine)"

# By the beginning of gdb's name of a processor: the words at a saved SP, in order, the stack
# pointer, how far that is above the saved SP on resumption, and what holds pthread_self().
ARCHITECTURES = {
    "i386:x86-64": (("r15", "r14", "r13", "r12", "rbx", "rbp", "rip"), "rsp", "fs_base"),
}
WORD = 8

chosen = None  # the Choice in force
calls_allowed = True  # what the user had said before that


# ---- What the runtime knows --------------------------------------------------------------------

def architecture():
    name = gdb.newest_frame().architecture().name()
    for prefix, what in ARCHITECTURES.items():
        if name.startswith(prefix):
            return what
    raise gdb.GdbError("Goroutines cannot be shown on %s." % name)


def layout():
    """rt_layout of runtime/sched/layout.c, which leads to everything else."""
    if not gdb.selected_inferior().threads():
        raise gdb.GdbError("There is no process and no core to look at.")
    symbol = gdb.lookup_global_symbol("rt_layout") or gdb.lookup_static_symbol("rt_layout")
    if symbol:
        return symbol.value()
    try:
        gdb.parse_and_eval("&rt_layout")
    except gdb.error:
        raise gdb.GdbError("This program has no stacklab runtime, or no symbols.")
    raise gdb.GdbError("The runtime was built without debug information: layout.c needs -g.")


def nanotime(sched, det):
    """(the runtime's clock, whether it is that late and not later)"""
    connection = getattr(gdb.selected_inferior(), "connection", None)
    if not det["on"] and connection and connection.type == "native":
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC), True
    return int(sched["coarse_now"]), bool(det["on"])


class Goroutine:
    def __init__(self, g, status):
        self.number = int(g["gs"]["goid"])
        self.status = status
        self.sp = int(g["gs"]["sp"])
        self.stack = g["gs"]["stack"]
        self.growth = g["gs"]["growth"]
        self.growths = int(g["gs"]["ngrowths"])
        self.reason = int(g["waitreason"])
        self.since = int(g["waitsince"])
        self.fn = g["fn"]
        self.m = g["m"]
        self.state = None  # in words
        self.runs = False  # on a thread

    def owns(self, address):
        return int(self.stack["slot_lo"]) <= address <= int(self.stack["hi"])

    def function(self):
        found = re.search(r"<(.*)>", self.fn.format_string(symbols=True))
        return found.group(1) if found else hex(int(self.fn))


def goroutines():
    """All that have neither ended nor yet to be made, by number."""
    root = layout()
    sched, det = root["sched"].dereference(), root["det"].dereference()
    status_type = {field.name: field.enumval for field in root["gstatus"].type.fields()}
    running = [status_type[name] for name in ("RT_GRUNNING", "RT_GSYSCALL", "RT_GCOPYSTACK")]
    now, exact = nanotime(sched, det)
    found = []
    chunk = sched["chunks"]
    while chunk:
        whole = chunk.dereference()
        whole.fetch_lazy()  # one read, not one for each field
        for i in range(whole["g"].type.range()[1] + 1):
            g = whole["g"][i]
            status = int(g["status"]) & ~status_type["RT_GSCAN"]
            if status in (status_type["RT_GDEAD"], status_type["RT_GIDLE"]):
                continue
            goroutine = Goroutine(g, status)
            goroutine.runs = status in running
            if status == status_type["RT_GWAITING"]:
                goroutine.state = "%s, %.1f s%s" % (
                    root["waitreason_names"][goroutine.reason].string(),
                    max(0, now - goroutine.since) / 1e9, "" if exact else " or more")
            else:
                goroutine.state = root["gstatus_names"][status].string()
            found.append(goroutine)
        chunk = whole["next"]
    if not found:
        raise gdb.GdbError("No goroutines: no go_run is running.")
    return sorted(found, key=lambda g: g.number)


# ---- Threads -----------------------------------------------------------------------------------

@contextlib.contextmanager
def same_place():
    """Comes back to the selected thread and frame, unless the process has run in between."""
    thread, choice, stops = gdb.selected_thread(), chosen, Choice.resumed
    level = gdb.selected_frame().level()
    try:
        yield
    finally:
        if stops == Choice.resumed:
            thread.switch()
            set_chosen(choice)
            frame_at(level).select()


def frame_at(level):
    frame = gdb.newest_frame()
    while frame.level() < level and frame.older():
        frame = frame.older()
    return frame


def frames():
    frame = gdb.newest_frame()
    while frame:
        yield frame
        frame = frame.older()


def threads():
    """gdb's threads by their pthread_self()."""
    found = {}
    with same_place():
        for thread in gdb.selected_inferior().threads():
            if not thread.is_running():
                thread.switch()
                set_chosen(None)
                found[int(gdb.newest_frame().read_register(architecture()[2]))] = thread
    return found


def thread_of(goroutine, known):
    if not goroutine.runs or not goroutine.m:
        return None
    return known.get(int(goroutine.m["self"]["handle"]))


def current_number(all_of_them, known):
    """Of the goroutine that commands are about now; None if the thread runs none."""
    if applies():
        return chosen.number
    for g in all_of_them:
        if thread_of(g, known) == gdb.selected_thread():
            return g.number
    return None


# ---- Choosing one ------------------------------------------------------------------------------

class Choice:
    """A goroutine that does not run, in place of what called a thread's innermost frame."""

    resumed = 0  # how often the process has

    def __init__(self, goroutine):
        registers, self.sp_name, _ = architecture()
        if goroutine.sp == 0:
            raise gdb.GdbError("Goroutine %d has yet to begin: it will call %s."
                               % (goroutine.number, goroutine.function()))
        if goroutine.sp % WORD or not goroutine.owns(goroutine.sp):
            raise gdb.GdbError("Goroutine %d is between two states: its registers are not saved."
                               % goroutine.number)
        newest = gdb.newest_frame()
        self.number = goroutine.number
        self.ptid = gdb.selected_thread().ptid
        self.thread_sp = int(newest.read_register(self.sp_name))
        self.thread_pc = int(newest.read_register(registers[-1]))
        self.sp = goroutine.sp
        memory = gdb.selected_inferior().read_memory(self.sp, WORD * len(registers)).tobytes()
        self.saved = {name: memory[WORD * i:WORD * (i + 1)] for i, name in enumerate(registers)}
        self.saved[self.sp_name] = (self.sp + len(memory)).to_bytes(WORD, "little")
        self.pc_name = registers[-1]

    def is_of(self, frame):
        """Whether this is the thread's innermost frame."""
        return (int(frame.read_register(self.sp_name)) == self.thread_sp and
                int(frame.read_register(self.pc_name)) == self.thread_pc)


def applies():
    thread = gdb.selected_thread()
    return chosen is not None and thread is not None and thread.ptid == chosen.ptid


def set_chosen(choice):
    global chosen, calls_allowed
    if choice is chosen:
        return
    # A call of one of the program's functions lets everything else run, and the goroutine may be
    # elsewhere when it returns: gdb 13 fails with an internal error when it misses the frame.
    if chosen is None:
        calls_allowed = gdb.parameter("may-call-functions")
    allow = calls_allowed and choice is None
    gdb.execute("set may-call-functions " + ("on" if allow else "off"), to_string=True)
    chosen = choice
    frame_filter.enabled = choice is not None
    gdb.invalidate_cached_frames()


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class Unwinder(gdb.unwinder.Unwinder):
    def __init__(self):
        super().__init__("stacklab goroutines")

    def __call__(self, pending):
        if not applies() or not chosen.is_of(pending):
            return None
        # Below the goroutine's frames, wherever the thread's stack lies: or gdb would think that
        # frames go in circles.
        sp_type = pending.read_register(chosen.sp_name).type
        info = pending.create_unwind_info(FrameId(
            gdb.Value(chosen.sp).cast(sp_type), pending.read_register(chosen.pc_name)))
        for name, value in chosen.saved.items():
            info.add_saved_register(name, gdb.Value(value, pending.read_register(name).type))
        return info


class FrameFilter:
    """Leaves out the frame of the thread, which is not the goroutine's."""

    def __init__(self):
        self.name = "stacklab goroutines"
        self.priority = 100
        self.enabled = False
        gdb.frame_filters[self.name] = self

    def filter(self, decorated):
        if not applies():
            return decorated
        return itertools.dropwhile(lambda d: chosen.is_of(d.inferior_frame()), decorated)


def is_runtime(frame):
    where = gdb.execute("info symbol %d" % frame.pc(), to_string=True)
    return re.search(r" in section rt_text\b", where) is not None


def enter(goroutine, known):
    """Makes a goroutine's frames those of the selected thread, and selects its innermost frame
    that is not the runtime's; for one that runs, its thread's innermost."""
    set_chosen(None)
    thread = thread_of(goroutine, known)
    if thread:
        thread.switch()
        # Between a switch and the step to another state, the saved registers are still the truth.
        if any(goroutine.owns(int(f.read_register(architecture()[1]))) for f in frames()):
            gdb.newest_frame().select()
            return
    elif goroutine.runs:
        raise gdb.GdbError("Goroutine %d runs on a thread that gdb cannot stop." % goroutine.number)
    set_chosen(Choice(goroutine))
    its_own = list(itertools.dropwhile(chosen.is_of, itertools.islice(frames(), 64)))
    if its_own:
        next((f for f in its_own if not is_runtime(f)), its_own[0]).select()


def on_resume(event):
    """The saved registers will not be right any more."""
    Choice.resumed += 1
    set_chosen(None)


# ---- Commands ----------------------------------------------------------------------------------

def size(n):
    """As the options of go.h say it."""
    for shift, unit in (30, "G"), (20, "M"), (10, "K"):
        if n and n % (1 << shift) == 0:
            return "%d%s" % (n >> shift, unit)
    return str(n)


@contextlib.contextmanager
def one_line():
    """What cannot be read is told as gdb tells it, not as an exception of Python."""
    try:
        yield
    except gdb.error as error:
        raise gdb.GdbError(str(error))


class InfoGoroutines(gdb.Command):
    """List all goroutines: number, state, thread, first function, and stack (its strategy, size,
how often it has grown, where it lies).
The current one is marked: that of `goroutine N`, or what the selected thread runs."""

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError("It takes no argument: %s" % argument)
        with one_line():
            self.show()

    def show(self):
        all_of_them, known = goroutines(), threads()
        current = current_number(all_of_them, known)
        rows = [("  Num", "State", "Thread", "Function", "Strategy", "Size", "Grown", "Stack")]
        for g in all_of_them:
            thread = thread_of(g, known)
            lo, hi = int(g.stack["lo"]), int(g.stack["hi"])
            rows.append(("%s %d" % ("*" if g.number == current else " ", g.number), g.state,
                         str(thread.num) if thread else "", g.function(),
                         g.growth["name"].string(), size(hi - lo), str(g.growths),
                         "%#x-%#x" % (lo, hi)))
        widths = [max(map(len, column)) for column in zip(*rows)]
        for row in rows:
            gdb.write("  ".join(map(str.ljust, row, widths)).rstrip() + "\n")


class GoroutineCommand(gdb.Command):
    """Look at a goroutine's frames.
  goroutine              say which one is current
  goroutine N            make goroutine N current: backtrace, frame, up, info locals are about it
  goroutine off          back to what the thread itself does
  goroutine N COMMAND    one command on goroutine N, such as: goroutine 5 bt
  goroutine all COMMAND  the same for each goroutine
When the process goes on, no goroutine is current but what the threads run."""

    def __init__(self):
        super().__init__("goroutine", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        with one_line():
            self.do(argument)

    def do(self, argument):
        which, _, command = argument.strip().partition(" ")
        if which == "off" and not command:
            if chosen:
                set_chosen(None)
                gdb.newest_frame().select()
        elif which == "return":  # of hook-return
            if applies():
                raise gdb.GdbError("A goroutine that waits cannot be made to return.")
        elif which == "all" and command:
            self.each(command)
        elif re.fullmatch(r"\d+", which):
            self.one(int(which), command.strip())
        elif not which:
            self.say()
        else:
            raise gdb.GdbError("Usage: " + USAGE)

    def say(self):
        all_of_them, known = goroutines(), threads()
        current = current_number(all_of_them, known)
        for g in all_of_them:
            if g.number == current:
                gdb.write("[Current goroutine is %d (%s)]\n" % (g.number, g.state))
                return
        gdb.write("[The current thread runs no goroutine]\n")

    def one(self, number, command):
        g = next((g for g in goroutines() if g.number == number), None)
        if g is None:
            raise gdb.GdbError("No goroutine %d." % number)
        if command:
            with same_place():
                enter(g, threads())
                gdb.execute(command)
            return
        thread, level = gdb.selected_thread(), gdb.selected_frame().level()
        before = chosen
        try:
            enter(g, threads())
        except gdb.GdbError:
            thread.switch()
            set_chosen(before)
            frame_at(level).select()
            raise
        gdb.write("[Switching to goroutine %d (%s)]\n" % (g.number, g.state))
        gdb.execute("frame")

    def each(self, command):
        all_of_them, known = goroutines(), threads()
        for g in all_of_them:
            gdb.write("\nGoroutine %d (%s) of %s:\n" % (g.number, g.state, g.function()))
            stops = Choice.resumed
            with same_place():
                try:
                    enter(g, known)
                    gdb.execute(command)
                except (gdb.error, gdb.GdbError) as error:
                    gdb.write("%s\n" % error)
            if stops != Choice.resumed:
                raise gdb.GdbError("The process went on at goroutine %d." % g.number)


def define_hook(command, does):
    """Has gdb do that before a command, unless the user has a hook for it."""
    try:
        gdb.execute("show user hook-" + command, to_string=True)
    except gdb.error:
        gdb.execute("define hook-%s\n%s\nend" % (command, does))


frame_filter = FrameFilter()
gdb.unwinder.register_unwinder(None, Unwinder(), replace=True)
gdb.events.cont.connect(on_resume)
gdb.events.exited.connect(on_resume)
InfoGoroutines("info goroutines", gdb.COMMAND_STATUS)
InfoGoroutines("goroutines", gdb.COMMAND_STATUS)
GoroutineCommand()
# Steps are the thread's, from its own innermost frame on; `return` would give it the registers of
# the goroutine.
for stepping in ("step", "next", "stepi", "nexti", "until", "advance", "finish", "jump"):
    define_hook(stepping, "goroutine off")
define_hook("return", "goroutine return")
# The runtime's own signal, several a second: it interrupts whoever has run for 10 ms.
gdb.execute("handle SIGURG nostop noprint pass", to_string=True)
