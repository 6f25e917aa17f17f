// go.h: the public interface of stacklab, and the only header that its users include.
//
// Goroutines in C: thousands of tasks on small stacks, run by a few threads (Go's G, M and P).
// What happens when a small stack runs out is chosen per goroutine, by name: docs/strategies.md.
//
// Words used below
//   goroutine   code running on a stack that go_spawn or go_run made
//   moving      a growth strategy that copies the stack elsewhere: pointers to locals kept outside
//               the stack (heap, globals, other stacks) go stale: docs/hazards.md
//   park        give up the thread until another goroutine makes this one runnable
//
// Every function that can fail returns 0 or a negative GO_E* code; go_strerror names it.
#ifndef STACKLAB_RUNTIME_GO_H_
#define STACKLAB_RUNTIME_GO_H_

#include <stddef.h>
#include <stdint.h>
#include "runtime/go_api.h"

GO_API_BEGIN

enum {
  GO_OK = 0,
  GO_EINVAL = -1,     // an argument or option is out of its documented range
  GO_ENOMEM = -2,     // no memory for runtime structures
  GO_EMAP = -3,       // the system refused to map memory for a stack
  GO_EGUARD = -4,     // the system refused to make the guard of a stack
  GO_EMAPCOUNT = -5,  // the process has reached vm.max_map_count
  GO_ELIMIT = -6,     // the stack would be larger than its limit
  GO_ETHREAD = -7,    // the system refused to start a thread or to give it a signal stack
  GO_ENOTG = -8,      // must be called on a goroutine, or must not be
  GO_EMOVES = -9,     // a pointer into the caller's own stack, which may move, would be shared
  GO_ESTRATEGY = -10, // no growth strategy has that name, or it cannot do this here
  GO_ECLOSED = -11,   // the channel, listener or stream is closed
  GO_EAGAIN = -12,    // it would have to wait, and was asked not to
  GO_ETIMEDOUT = -13, // its deadline has passed
  GO_ECANCELED = -14, // the context was cancelled
  GO_EPOLL = -15,     // the system refused to make a poller
  GO_EDEADLOCK = -16, // every goroutine waits for another; only a deterministic go_run answers so
  GO_ENOHOST = -17,   // a host name has no address, or it could not be asked for
  GO_EPANIC = -18,    // a goroutine of the scope has ended by go_panic or go_goexit
  GO_ESYSTEM = -1000, // and below: the system's errno is GO_ESYSTEM - code
};

// go_strerror returns a one-line English sentence for a GO_* code; never NULL.  Any stack.
const char *go_strerror(int code);

// ---- Options ---------------------------------------------------------------------------------
// A field that is 0 or NULL takes its value from the environment variable beside it, and where
// that is not set, the default.  A size is in bytes; in the environment it may end in K, M or G.
struct go_config {
  int maxprocs;               // GOMAXPROCS        goroutines run at once: 1..256 [online CPUs;
                              //                   1 with a seed]
  const char *growth;         // GO_GROWTH         strategy of goroutines that name none [reserve]
  size_t stack_initial;       // GO_STACKINITIAL   first size of a growing stack [8K]
  size_t stack_max;           // GO_STACKMAX       no stack grows beyond this: up to 1G [1G]
                              //                   (whole pages of it, but at least one)
  size_t stack_reserve;       // GO_STACKRESERVE   address range per goroutine of `reserve` and
                              //                   `inplace` [256M]
  size_t stack_hybrid;        // GO_STACKHYBRID    that of `hybrid`, beyond which it moves [1M]
  size_t stack_guard;         // GO_STACKGUARD     least no-access bytes below a stack [64K]
  const char *guard_kind;     // GO_GUARDKIND      auto, madvise (Linux 6.13) or mprotect [auto]
  const char *stack_debug;    // GO_STACKDEBUG     quarantine,poison,forcemove: any of them [none]
  const char *stack_shrink;   // GO_STACKSHRINK    when goroutines that wait give memory back:
                              //                   never, or by commas: a time (100ms, 2s), pressure
                              //                   (the system is short of memory) [never]
  const char *stack_adapt;    // GO_STACKADAPT     begin with what goroutines of the same function
                              //                   have grown to: off, on (up to 256K), or up to
                              //                   so many bytes, from 8K to 1G [off]
  const char *asyncpreempt;   // GO_ASYNCPREEMPT   on, off: interrupt who runs for 10 ms [on]
  const char *traceback;      // GO_TRACEBACK      of whom to tell when the process fails: none,
                              //                   single (who failed) or all goroutines [all]
  const char *trace;          // GO_TRACE          file to write what happens to, for
                              //                   ui.perfetto.dev: docs/observing.md [none]
  const char *stack_profile;  // GO_STACKPROFILE   file to write what made stacks grow to:
                              //                   go_profile.h, docs/observing.md [none]
  uint32_t stack_profile_rate;  // GO_STACKPROFILE_RATE  record one growth in so many [1]
  uint64_t seed;              // GO_SEED           run deterministically: see below [0: do not]
  uint32_t fail_every;        // GO_FAILEVERY      with a seed, one in so many of the runtime's
                              //                   allocations fails [0: none]
};

// How one goroutine is made; a field that is 0 or NULL means the process default.
struct go_spawn_options {
  const char *growth;         // strategy by name
  size_t stack_initial;       // bytes, a power of two from one page up; larger than a page: exact
  size_t stack_max;           // bytes; the stack never grows beyond it
};

// ---- Running ---------------------------------------------------------------------------------
// go_run starts the scheduler, runs fn(arg) as the first goroutine and returns when fn has
// returned; config may be NULL.  Goroutines that have not ended by then are dropped where they
// are parked; one that never parks again keeps go_run from returning.  Call it on an ordinary
// thread, one go_run at a time (GO_ENOTG otherwise); it may be called again later.
// Errors, with fn not called: GO_EINVAL (a bad option, described on stderr), GO_ENOTG, GO_ENOMEM,
// GO_EMAP, GO_EGUARD, GO_EMAPCOUNT, GO_ETHREAD.  Where only the first thread can be had, it runs
// everything.
int go_run(const struct go_config *config, void (*fn)(void *), void *arg);

// With a seed, go_run is deterministic: one goroutine runs at a time, the clock is virtual and
// jumps to the next timer when nothing else can go on, and every choice (which goroutine runs next,
// where one is interrupted, which ready case a select takes, when a timer fires, which allocation
// fails) comes from the seed.  The same program, seed and options do the same again, as long as the
// program itself does: what it reads of the world outside (files, sockets, real clocks, addresses)
// is not replayed.  Calls that block hold everything up, and a deadlock makes go_run return
// GO_EDEADLOCK instead of ending the process.  A deadline of INT64_MAX never comes: whoever waits
// for nothing else is in a deadlock.
//
// GOMAXPROCS is 1 unless it is asked for, whatever CPUs there are, and one thread runs everything.
// If more is asked for, there are as many Ps and the threads for them, of which one at a time runs;
// go_gomaxprocs changes their number as ever.  A run that begins with one P keeps to that.
//
// go_schedule_digest returns a number made of every choice of the last deterministic go_run, or of
// the one that runs: equal numbers, equal schedules.  Any stack.
uint64_t go_schedule_digest(void);

// go_spawn makes a goroutine that runs fn(arg); options may be NULL.  Goroutine only; does not
// park.  An arg that points into the caller's own stack while that stack may move is refused
// with GO_EMOVES, because the callee would read it after it has gone.
// Errors: GO_ENOTG, GO_EINVAL, GO_ESTRATEGY, GO_ELIMIT, GO_EMOVES; without memory GO_ENOMEM,
// GO_EMAP, GO_EGUARD, GO_EMAPCOUNT: it may succeed again once other goroutines have ended.
//
// The stack has its addresses from then on, and its memory once the goroutine runs: many that are
// short share few stacks.  A system that has no page tables left by then, and no mappings either,
// ends the process with one line.
int go_spawn(const struct go_spawn_options *options, void (*fn)(void *), void *arg);

// go_yield lets other runnable goroutines run first.  Goroutine only; parks.
void go_yield(void);

// go_self returns the number of the calling goroutine, from 1; 0 on any other stack.
uint64_t go_self(void);

// go_gomaxprocs sets how many goroutines run at once and returns the value before; n <= 0 only
// asks, as does any n in a deterministic run that began with one P; n is capped at 256.  Goroutine
// only.  Does not park; a lower value is reached as the threads above it come to their next
// scheduling point.
int go_gomaxprocs(int n);

// go_checkpoint makes sure that the calling goroutine has at least `bytes` of stack below this
// call, growing it now if its strategy grows at checkpoints.  Goroutine only; does not park, but
// under a moving strategy the stack may be elsewhere afterwards.  The call itself takes up to 400
// bytes.  A goroutine that parks afterwards may give the stack back (go_shrink, GO_STACKSHRINK):
// ask again when it goes on, or use go_call_on_stack.
// Errors: GO_ELIMIT, GO_EMAP..., with the stack as it was; a strategy that grows on faults only
// (signal, reserve) answers GO_OK where `bytes` is within its limit.  `segment` cannot change the
// stack under its caller: GO_ESTRATEGY where it has less left.
int go_checkpoint(size_t bytes);

// go_call_on_stack calls fn(arg) with at least `bytes` of stack: what to write where code knows how
// much it needs, since it works under every strategy.  `segment` calls it on another stack, which
// go_stack_bounds tells of, if this one has less left; the others do as go_checkpoint, and call it
// on this one.  arg may point into the caller's stack: where that moves now, it follows.  What was
// asked for stays until fn returns, also while it is parked.
// Goroutine only; parks if fn does.  The call itself takes up to 800 bytes of the caller's stack.
// fn must return or end the goroutine: no longjmp and no C++ exception may leave it.
// Errors, with fn not called: GO_ENOTG, GO_EINVAL (no fn), GO_ELIMIT, GO_EMAP...
int go_call_on_stack(size_t bytes, void (*fn)(void *), void *arg);

// go_shrink lets goroutines that have waited for idle_ns nanoseconds or longer (0 or less: all that
// wait) give back stack that they do not use: a stack that moves is copied to a smaller one, of one
// that does not the pages below SP are dropped, and the segment kept for its next call.  Returns
// how many gave some back, among them all that had pages below SP to drop: which of these had
// memory nobody asks the kernel.  Goroutine only; does not park, and takes time for each goroutine
// there is.  A stack whose elements are being handed over just then stays as it is, and so does one
// in a select of more than 64 cases.  In a deterministic run nobody has waited until virtual time
// has passed.  GO_ENOTG.
int64_t go_shrink(int64_t idle_ns);

// go_stack_adapt_forget forgets what was learnt with GO_STACKADAPT, as every go_run does when it
// begins.  Any thread, any stack; does not park.
void go_stack_adapt_forget(void);

// ---- Seeing inside ---------------------------------------------------------------------------
enum { GO_STACK_CLASSES = 20 };  // class i holds stacks of (4096 << i) bytes; the last, all larger

// Totals since the process started, and what there is now, summed over threads without stopping
// them: each number is exact once the goroutines that move it are still.  docs/observing.md.
struct go_stats {
  uint64_t goroutines_created;
  uint64_t goroutines_ended;
  uint64_t growths;             // stacks made larger: by copying, by moving pages, in place
  uint64_t growths_by_fault;    // of these, from the fault handler
  uint64_t growths_in_place;    // of these, without a move
  uint64_t moves_forced;        // by forcemove: same size, other place
  uint64_t shrinks;             // of goroutines that waited: made smaller or emptied (go_shrink)
  uint64_t pages_moved_growths; // growths that moved pages instead of copying bytes
  uint64_t bytes_copied;        // live bytes of all moves
  uint64_t words_adjusted;      // words and registers that named the old stack
  uint64_t starts_larger;       // goroutines that GO_STACKADAPT gave more than they asked for
  uint64_t segments_made;       // stacks that go_call_on_stack took, not those it still had
  uint64_t pool_hits;           // stacks that were had without a system call
  uint64_t pool_misses;
  uint64_t switches;            // times that a thread began to run a goroutine
  uint64_t steals;              // of these, with one from another thread's queue
  uint64_t preemptions;         // goroutines that were interrupted
  uint64_t handoffs;            // system calls that lasted: others ran in their place meanwhile
  uint64_t timers_fired;
  uint64_t netpolls;            // times that the poller was asked
  uint64_t netpoll_events;      // descriptors it named
  uint64_t netpoll_readied;     // goroutines that waited for them
  // Now; all 0 while go_run does not run.
  uint64_t threads;             // that run goroutines, or wait to
  uint64_t runnable;            // goroutines by state: in a queue
  uint64_t running;
  uint64_t in_syscall;
  uint64_t waiting;             // parked
  uint64_t preempted;           // interrupted, to go on on the same thread
  uint64_t segments;            // stacks that go_call_on_stack has taken and not given back
  uint64_t stacks_by_class[GO_STACK_CLASSES];  // in use; those that go_run keeps are in use, too
};
// go_stats fills in *out.  Any thread, any stack.  It looks at every goroutine there is: a million
// take some milliseconds, and nobody waits for it but go_run when it ends.
void go_stats(struct go_stats *out);

// The bounds of the calling goroutine's stack: bytes in [lo, hi).  GO_ENOTG elsewhere.
struct go_stack_bounds {
  uintptr_t lo, hi;
};
int go_stack_bounds(struct go_stack_bounds *out);

// go_growth_name returns the name of strategy i in the table, NULL past its end.  Any stack.
const char *go_growth_name(int i);
// go_growth_moves returns 1 if the strategy moves stacks, 0 if not, GO_ESTRATEGY if unknown.
int go_growth_moves(const char *name);

GO_API_END

// The rest of the interface, by subject.
#include "runtime/go_chan.h"     // IWYU pragma: export
#include "runtime/go_context.h"  // IWYU pragma: export
#include "runtime/go_net.h"      // IWYU pragma: export
#include "runtime/go_panic.h"    // IWYU pragma: export
#include "runtime/go_preempt.h"  // IWYU pragma: export
#include "runtime/go_profile.h"  // IWYU pragma: export
#include "runtime/go_sync.h"     // IWYU pragma: export
#include "runtime/go_syscall.h"  // IWYU pragma: export
#include "runtime/go_time.h"     // IWYU pragma: export

#endif
