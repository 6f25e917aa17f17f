// os.h: everything the runtime asks of the operating system.  One folder per system implements
// it; nothing outside runtime/os calls the system for memory, threads, waiting or faults.
//
// Functions that can fail return 0 or a negative GO_E* code of go.h.  Those marked [signal-safe]
// may be called from the fault handler: they take no lock and call nothing that does.
#ifndef STACKLAB_RUNTIME_OS_OS_H_
#define STACKLAB_RUNTIME_OS_OS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- Memory -----------------------------------------------------------------------------------

// os_pagesize returns the size of a page in bytes: a power of two, at least 4096.  Asked once
// and cached; any number of threads may make the first call at the same time.  [signal-safe]
// A larger one that the environment names, GO_PAGESIZE, up to OS_PAGESIZE_MAX, is the page of
// everything below: for tests, of what the runtime does where pages are larger than here.
enum { OS_PAGESIZE_MAX = 64 << 10 };
size_t os_pagesize(void);

// What a fresh reservation allows: nothing until os_commit, or reading and writing at once.
enum os_access { OS_ACCESS_NONE, OS_ACCESS_READWRITE };

// os_reserve maps `bytes` (a multiple of the page size) of private zero pages that take no memory
// until touched, at `hint` where that is free and not NULL, elsewhere otherwise.
// Returns the address, or NULL with *error set to GO_EMAP or GO_EMAPCOUNT.  [signal-safe]
void *os_reserve(void *hint, size_t bytes, enum os_access access, int *error);

// os_release unmaps whole pages.  It cannot fail on what os_reserve returned.  [signal-safe]
void os_release(void *addr, size_t bytes);

// os_commit makes reserved pages readable and writable (mprotect).  GO_EGUARD or GO_EMAPCOUNT.
// [signal-safe]
int os_commit(void *addr, size_t bytes);

// os_forbid makes pages inaccessible (mprotect), which may split their mapping in three.
// GO_EGUARD or GO_EMAPCOUNT.  [signal-safe]
int os_forbid(void *addr, size_t bytes);

// os_guard_install makes pages inaccessible without splitting their mapping; what they held is
// gone.  os_guard_remove undoes it and leaves zero pages.  Linux 6.13: madvise(2)
// MADV_GUARD_INSTALL; GO_EGUARD where the system or the memory (mlock) does not allow it.
// [signal-safe]
int os_guard_install(void *addr, size_t bytes);
int os_guard_remove(void *addr, size_t bytes);
// os_guard_supported tells whether os_guard_install works here; asked once, cached.
bool os_guard_supported(void);

// os_discard gives the memory of readable pages back; they read as zero afterwards (Windows: or as
// before, for a while).  It cannot fail.  [signal-safe]
void os_discard(void *addr, size_t bytes);

// os_populate makes pages resident, so that the first touch does not fault into the kernel.
// A hint: it cannot fail.
void os_populate(void *addr, size_t bytes);

// os_stack_commit makes [lo, lo + bytes) usable as a stack, and what lies below the end of it, as
// far as nothing is mapped there; memory reserved with OS_ACCESS_NONE.  paged: it may be so only as
// it is touched, downwards from its end and by whoever runs on it, where the system can do that.
// Above may be the rest of the stack, which then has become larger; whoever is on it goes on.
// GO_EGUARD or GO_EMAPCOUNT, and it is as it was.  os_stack_forbid undoes it for a whole stack, and
// gives its memory back; os_stack_shrink for its lower end, the rest stays a stack: it stays whole
// where that fails, but for what the lower end held.  [signal-safe]
// Linux: os_commit; os_discard and os_forbid.
int os_stack_commit(void *lo, size_t bytes, bool paged);
int os_stack_forbid(void *lo, size_t bytes);
int os_stack_shrink(void *lo, size_t bytes);

// os_stack_limit returns down to where the stack [lo, hi) is usable without the system's help now,
// if the system keeps that with the thread that runs on it; else 0.
uintptr_t os_stack_limit(uintptr_t lo, uintptr_t hi);

// os_stack_guard_least returns the bytes below a stack that the system needs there.
size_t os_stack_guard_least(void);

// os_movepages moves the pages of [from, from + bytes) to `to` and leaves zero pages behind.
// Both are page-aligned, do not overlap, and are readable and writable.  What `to` held is gone.
// Returns 0, or GO_EMAP / GO_EMAPCOUNT with nothing changed.  [signal-safe]
int os_movepages(void *to, void *from, size_t bytes);

// os_alloc_aligned returns `bytes` of memory, a multiple of `align`, which is a power of two; NULL:
// there is none.  os_free_aligned gives it back.
void *os_alloc_aligned(size_t align, size_t bytes);
void os_free_aligned(void *p);

// os_memory_short tells whether the system, or a group of processes that this one is accounted
// to, has less than a tenth of its memory left.  root: what stands before the paths of the system's
// files, "" but in tests.  False where it cannot tell.
bool os_memory_short(const char *root);

// ---- Threads, waiting -------------------------------------------------------------------------

struct os_thread {
  uint64_t handle;
};
// os_thread_start runs fn(arg) on a new thread with a default stack.  GO_ETHREAD.
int os_thread_start(struct os_thread *t, void (*fn)(void *), void *arg);
void os_thread_join(struct os_thread *t);
void os_thread_self(struct os_thread *t);  // the calling thread; not to be joined by this handle

// os_thread_stack tells where the calling thread's own stack lies; 0 bytes if unknown.
void os_thread_stack(void **lo, size_t *bytes);

// os_wait sleeps until os_wake is called on the word, unless *word is no longer `expected`; it
// may also return for no reason.  os_wake wakes up to n sleepers.  [signal-safe: os_wake]
void os_wait(_Atomic uint32_t *word, uint32_t expected);
void os_wake(_Atomic uint32_t *word, int n);

// os_wait_for is os_wait for at most `ns` nanoseconds.
void os_wait_for(_Atomic uint32_t *word, uint32_t expected, int64_t ns);

int os_ncpu(void);                    // CPUs this process may run on, at least 1
const char *os_getenv(const char *);  // NULL if unset

// os_print writes a message to stderr; os_abort ends the process with SIGABRT.  [signal-safe]
void os_print(const char *message, size_t bytes);
__attribute__((noreturn)) void os_abort(void);

// ---- Last words -------------------------------------------------------------------------------

// os_backtrace prints the calls that led here, one or two lines each, from the frame whose pc is
// `from` on: the pc of an os_fault, a return address.  With names of functions where there are
// symbols, and lines where there is debug information.  No malloc and no lock of the program's, but
// for the dynamic linker's; at most 100 frames.  Takes 16 KiB of stack.
void os_backtrace(uintptr_t from);

// os_symbol writes the name of the function that holds pc; if it has none, its place in the file it
// is of, as "libx.so+0x10"; else its address.
void os_symbol(uintptr_t pc, char *out, size_t bytes);

// os_line writes where in the source of its function pc is, as "file.c:12": where that calls a
// function that was inlined, the line of the call.  Nothing without debug information.
void os_line(uintptr_t pc, char *out, size_t bytes);

// os_callers stores up to `most` addresses of the calls that led here, innermost first, from the
// frame whose pc is `from` on: each lies within the instruction that is being run there.  *n, which
// begins at 0, counts them as they come, so that it holds when a fault ends this (os_guarded); it
// ends at most + 1 where there are more.  Takes no lock and no memory: signal-safe where
// os_callers_init, called once before, answers true; it does so unless the C library is too old.
bool os_callers_init(void);
void os_callers(uintptr_t from, uintptr_t *out, int most, int *n);

// os_guarded calls fn(arg), which only reads, and answers false if a memory fault ended that.
// While os_fault_install's handler is there.
bool os_guarded(void (*fn)(void *), void *arg);

// os_quit_install calls fn for each SIGQUIT, on the thread that gets it, with the interrupted pc;
// a thread that may use no thread-local variable then (macOS) ends the process itself, with a line.
// If the program handles or ignores that signal already, it stays so.  GO_ETHREAD.
int os_quit_install(void (*fn)(uintptr_t pc));
// os_thread_quit sends SIGQUIT to a thread that has called os_thread_self and has not ended; false
// if fn would not be called.
bool os_thread_quit(const struct os_thread *t);
// os_quit ends the process as SIGQUIT does where nobody handles it.
__attribute__((noreturn)) void os_quit(void);

// ---- Files ------------------------------------------------------------------------------------

// os_read and os_write do what read(2) and write(2) do at the file's own position where offset is
// negative, else what pread(2) and pwrite(2) do; a signal does not interrupt them.  Bytes done, or
// GO_ESYSTEM - errno.
int64_t os_read(int fd, void *buffer, size_t bytes, int64_t offset);
int64_t os_write(int fd, const void *buffer, size_t bytes, int64_t offset);

// os_create makes a file for writing, or empties the one that is there: its descriptor, or
// GO_ESYSTEM - errno.  os_close closes a descriptor.
int os_create(const char *path);
void os_close(int fd);

// ---- Polling, time ----------------------------------------------------------------------------

int64_t os_nanotime(void);  // CLOCK_MONOTONIC in nanoseconds, never 0.  [signal-safe]
void os_usleep(uint32_t us);

// One poller per process: descriptors that have become readable or writable.
enum { OS_POLLIN = 1, OS_POLLOUT = 2, OS_POLLHUP = 4 };
struct os_pollevent {
  void *data;     // of os_netpoll_open
  uint32_t mode;  // OS_POLLIN and OS_POLLOUT; errors and hang-ups are both;
                  // OS_POLLHUP: one of those, or urgent data
};
int os_netpoll_init(void);   // GO_EPOLL
void os_netpoll_done(void);  // nobody uses it any more
// os_netpoll_open watches fd, which does not block: each time it becomes readable or writable, one
// event with `data`, which is not NULL (epoll(7): edge-triggered).  0 or -errno.
int os_netpoll_open(int fd, void *data);
int os_netpoll_close(int fd);
// os_netpoll waits up to `ns` nanoseconds (0: not at all; negative: without limit) for events and
// returns how many it has stored, at most `most`; none after os_netpoll_break and signals.
int os_netpoll(struct os_pollevent *out, int most, int64_t ns);
// os_netpoll_break wakes the thread that sleeps in os_netpoll, or the next to try.
void os_netpoll_break(void);

// ---- Faults -----------------------------------------------------------------------------------

// os_fault_elsewhere tells whether the handler of a fault runs on a stack of its own.  Where it
// runs on the one that ran out, it can make that larger, but not move it.
bool os_fault_elsewhere(void);

// A memory fault, as the handler sees it, on the alternate signal stack where there is one.
struct os_fault {
  uintptr_t addr;  // the address that could not be accessed
  uintptr_t sp;    // the interrupted stack pointer
  uintptr_t pc;
  void *context;   // the system's register file, for os_fault_regs
  bool fatal;      // nobody else handles such faults: unless ours, this one ends the process
};

// os_fault_handler_fn answers true if the fault is dealt with and the instruction is to run
// again; false sends it on to the handler that was installed before, or to the default action.
typedef bool (*os_fault_handler_fn)(struct os_fault *fault);

// os_fault_install routes SIGSEGV and SIGBUS to fn, over whatever handles them now; where that is
// our handler already, only fn changes.  A program that puts one new handler after another over
// ours is refused in the end.  One thread at a time.  GO_ETHREAD.
int os_fault_install(os_fault_handler_fn fn);

// os_fault_pc_sp reads pc and sp again, after the registers have been changed.  [signal-safe]
void os_fault_pc_sp(struct os_fault *fault);

// os_fault_regs fills the arch's view of the interrupted registers.  [signal-safe]
struct rt_regfile;
void os_fault_regs(const struct os_fault *fault, struct rt_regfile *out);

// ---- Interrupting a thread --------------------------------------------------------------------

// os_preempt_handler_fn answers true if the interruption was ours, whatever came of it; false sends
// it on to whoever handled SIGURG before.  On the alternate signal stack; at->addr means nothing.
typedef bool (*os_preempt_handler_fn)(struct os_fault *at);

// os_preempt_supported tells whether threads can be interrupted here.
bool os_preempt_supported(void);

// os_preempt_install routes SIGURG (Go's sigPreempt: nobody else cares for spurious ones) to fn,
// and finds the program's own text.  One thread at a time.  GO_ETHREAD.
int os_preempt_install(os_preempt_handler_fn fn);

// os_thread_preempt interrupts a thread that has called os_thread_self and has not ended.
void os_thread_preempt(const struct os_thread *t);

// os_own_text tells whether pc lies in the code of the program itself: not in a shared library, nor
// in a stub of the linker's on the way to one, which the runtime's calls pass through as well; and
// not if the program is linked statically, where libc cannot be told from it.  [signal-safe]
bool os_own_text(uintptr_t pc);

// os_runtime_text tells whether pc lies in the section that text.h puts the runtime's code in.
// [signal-safe]
bool os_runtime_text(uintptr_t pc);

// os_preempt_call makes the interrupted code find itself calling fn, below `redzone` bytes under
// its SP; os_fault_regs and os_fault_pc_sp work on `at` as on a fault.  [signal-safe]
void os_preempt_call(const struct os_fault *at, void (*fn)(void), size_t redzone);

// An alternate signal stack for the calling thread, large enough for the vector state of this
// CPU (getauxval(AT_MINSIGSTKSZ)).  disable restores what the thread had before.
// enable: GO_EMAP, GO_EMAPCOUNT or GO_ETHREAD, with nothing changed.
struct os_sigstack {
  void *base;
  size_t bytes;
  void *old_base;
  size_t old_bytes;
  int old_flags;
};
int os_sigstack_enable(struct os_sigstack *s);
void os_sigstack_disable(struct os_sigstack *s);

#ifdef __cplusplus
}
#endif
#endif
