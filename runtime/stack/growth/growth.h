// growth.h: what to do when a stack runs out.  A strategy is a struct of functions; the table of
// all strategies is in growth.c.  To add one: write its file, add its row.
//
// A strategy works on the part of a goroutine that runtime/stack owns, and never blocks.
#ifndef STACKLAB_RUNTIME_STACK_GROWTH_GROWTH_H_
#define STACKLAB_RUNTIME_STACK_GROWTH_GROWTH_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/os/os.h"
#include "runtime/stack/copystack.h"
#include "runtime/stack/stack.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rt_growth;
struct rt_segment;

// A word of the runtime's, outside the stack, that points into it: it follows every move.
struct rt_stackref {
  struct rt_stackref *next;
  void *p;
};

// The fields of a goroutine that its stack's strategy reads and writes.  Owned by the thread that
// runs the goroutine, or that is about to resume it.
struct rt_gstack {
  uintptr_t sp;   // saved SP while the goroutine does not run (Go's sched.sp); 0: it never has
  uintptr_t low;  // the mark that compiled code compares SP with (arch.h), or what the system keeps
                  // of the stack while it does not run (os_stack_limit); 0: none
  struct rt_stack stack;
  const struct rt_growth *growth;
  uint32_t initial, max;  // bytes, at most RT_STACK_MAX; max bounds every growth.  Whole pages, as
                          // then are all stacks in between, unless they are RT_STACK_FIXED
  uint32_t ngrowths;      // in place and by moves, forced ones included
  uint32_t nmoves;        // of these, moves
  uint64_t goid;
  uintptr_t defers;          // a struct go_deferred in it, that of the innermost call; 0: none
  union {                        // of its strategy
    struct rt_segment *segment;  // see segment.c
    size_t promised;             // of one without `call`: bytes below hi that stay for the calls of
  };                             // go_call_on_stack that it is in; 0: none
  struct rt_stackref *refs;  // changed by the goroutine itself, or under what keeps it parked
};

// rt_stackref_add makes ref->p follow gs's stack; rt_stackref_clear ends that for all of them.
// The goroutine itself: between them it may park, and whoever holds the lock of what it waits for
// may use the pointers.
static inline void rt_stackref_add(struct rt_gstack *gs, struct rt_stackref *ref) {
  ref->next = gs->refs;
  gs->refs = ref;
}
static inline void rt_stackref_clear(struct rt_gstack *gs) { gs->refs = NULL; }

struct rt_growth {
  const char *name;     // as in go_spawn_options
  const char *summary;  // one line for lists and reports
  bool moves;           // stacks move: pointers to locals kept elsewhere go stale
  enum rt_stack_kind kind;

  // The largest stack it can ever have, in bytes.  NULL: RT_STACK_MAX.
  size_t (*limit)(void);

  // Reserves the first stack of gs; gs->growth, initial and max are set.  Whoever resumes gs for
  // the first time commits it, or one that was reserved alike.  g0.  GO_E* of rt_stackreserve.
  int (*alloc)(struct rt_gstack *gs, struct rt_stackcache *cache);

  // The running stack ran out, and with `size` bytes it would do; bytes from `lowest` up are
  // live.  On the signal stack; lock-free, signal-safe.  0: the instruction can run again.
  // GO_E*: it cannot, and the process ends.  NULL: every overflow is the end.
  int (*fault)(struct rt_gstack *gs, struct rt_stackcache *cache, struct os_fault *fault,
               size_t size, uintptr_t lowest);

  // The goroutine is about to be resumed at gs->sp.  True: its stack has grown or moved, as
  // cache->last says.  g0.  NULL: nothing to do.
  bool (*resume)(struct rt_gstack *gs, struct rt_stackcache *cache);

  // The program wants `bytes` below gs->sp.  g0, the goroutine's registers saved on its stack.
  // 0 or GO_E* with the stack as it was.  NULL: go_checkpoint only checks the limit.
  int (*checkpoint)(struct rt_gstack *gs, struct rt_stackcache *cache, size_t bytes);

  // The program wants to make a call with `bytes` of stack, and gs->stack has less.  g0.  0: it can
  // be made on the segment that rt_segment_enter enters.  GO_E*: it cannot; a
  // segment that was kept may be gone.  NULL: go_call_on_stack is go_checkpoint, then the call.
  int (*call)(struct rt_gstack *gs, struct rt_stackcache *cache, size_t bytes);

  // The goroutine has ended, or will not run again, wherever it was: gs->stack becomes the one that
  // alloc gave or that moved, and all else that it holds goes back.  g0.  NULL: it holds no more.
  void (*end)(struct rt_gstack *gs, struct rt_stackcache *cache);

  // The goroutine waits, at gs->sp, and nobody else touches gs: gives memory back that it does not
  // need there.  True: there was some.  g0, of any M.  NULL: it never has any.
  bool (*shrink)(struct rt_gstack *gs, struct rt_stackcache *cache);

  // The goroutine has ended, or its stack is live from `sp` up alone: gives back what it has grown
  // by beyond the first doubling that holds that and a margin.  False: it has not, or not all.
  // g0.  NULL: a stack that has grown goes back to the pool whole when its goroutine ends.
  bool (*decommit)(struct rt_gstack *gs, struct rt_stackcache *cache, uintptr_t sp);

  // How far above lo the mark lies that compiled code compares SP with (arch.h).  Where it finds SP
  // below, checkpoint is called.  0: no mark.
  size_t mark_bytes;
};

// rt_growth_low returns the mark of gs's stack, or the limit that the system keeps of it.
static inline uintptr_t rt_growth_low(const struct rt_gstack *gs) {
  return gs->growth->mark_bytes ? gs->stack.lo + gs->growth->mark_bytes
                                : os_stack_limit(gs->stack.lo, gs->stack.hi);
}

// ---- The table -------------------------------------------------------------------------------

// A row is the end of a name: of rt_growth_signal, and so on.  A new strategy is a new file here,
// which defines that, and its row.
#define RT_GROWTH_TABLE(row) \
  row(signal)                \
  row(checkpoint)            \
  row(signal_checkpoint)     \
  row(inplace)               \
  row(hybrid)                \
  row(segment)               \
  row(reserve)               \
  row(prologue)
#define RT_GROWTH_DECLARE(name) extern const struct rt_growth rt_growth_##name;
RT_GROWTH_TABLE(RT_GROWTH_DECLARE)
#undef RT_GROWTH_DECLARE

// rt_growth_at returns row i of those that are available, NULL past the end; rt_growth_find, the
// row of a name, or NULL.  rt_growth_missing says why a strategy cannot be had here; NULL: it can.
const struct rt_growth *rt_growth_at(int i);
const struct rt_growth *rt_growth_find(const char *name);
const char *rt_growth_missing(const struct rt_growth *growth);

// ---- Shared by the strategies ----------------------------------------------------------------

// Options of the process; set by go_run before the first goroutine.
struct rt_growth_options {
  size_t reserve_bytes;  // address range of one `reserve` or `inplace` stack
  size_t hybrid_bytes;   // and of a `hybrid` one before it moves
  bool forcemove;        // move at every resume and checkpoint
  bool quarantine;       // keep old stacks without access, and name who touches one
  int64_t (*clock)(void);  // what times moves; signal-safe; NULL: nothing
};
extern struct rt_growth_options rt_growth_options;

// rt_growth_alloc is the `alloc` of strategies whose stacks start small.
int rt_growth_alloc(struct rt_gstack *gs, struct rt_stackcache *cache);

// rt_newstack moves gs to a stack of `size` bytes: the live part from `lowest` up, the saved SP,
// the bounds.  *moved tells what to do to registers and to pointers kept elsewhere; cache->last,
// what was done.  On another stack than gs's.  0, or GO_E* of rt_stackalloc with nothing changed.
// [signal-safe]
int rt_newstack(struct rt_gstack *gs, struct rt_stackcache *cache, size_t size, uintptr_t lowest,
                struct rt_copied *moved);

// rt_growth_forcemove does that with the same size where forcemove is on and gs can move: true if
// it has.
bool rt_growth_forcemove(struct rt_gstack *gs, struct rt_stackcache *cache);

// rt_growinplace makes gs's stack `size` bytes without moving anything: see inplace.c.  GO_E* of
// rt_stackresize, with the stack as it was.  [signal-safe]
int rt_growinplace(struct rt_gstack *gs, struct rt_stackcache *cache, size_t size);
// Its strategy's hooks, which answer GO_ESTRATEGY, GO_ELIMIT and false beyond the range.
int rt_growinplace_fault(struct rt_gstack *gs, struct rt_stackcache *cache,
                         struct os_fault *fault, size_t size, uintptr_t lowest);
bool rt_growinplace_resume(struct rt_gstack *gs, struct rt_stackcache *cache);
int rt_growinplace_checkpoint(struct rt_gstack *gs, struct rt_stackcache *cache, size_t bytes);
bool rt_growinplace_decommit(struct rt_gstack *gs, struct rt_stackcache *cache, uintptr_t sp);

// Segments (segment.c).  The goroutine itself: rt_segment_fits tells whether a call with `bytes` of
// stack can be made without asking the `call` hook first; rt_segment_top is the SP to make it at,
// and the stack that has it.  Then, on the segment, rt_segment_enter and rt_segment_leave make the
// one and the other gs->stack; rt_segment_below is where the call returns to.  leave answers true
// if rt_segment_trim, on g0, has something to give back.
bool rt_segment_fits(const struct rt_gstack *gs, size_t bytes);
uintptr_t rt_segment_top(const struct rt_gstack *gs, const struct rt_stack **stack);
void rt_segment_enter(struct rt_gstack *gs);
const struct rt_stack *rt_segment_below(const struct rt_gstack *gs);
bool rt_segment_leave(struct rt_gstack *gs);
void rt_segment_trim(struct rt_gstack *gs, struct rt_stackcache *cache);

// rt_growth_fault is the whole answer to a fault while gs runs: true if the instruction can run
// again, false if the fault is not about this stack.  An overflow that cannot be helped prints
// one line (goroutine, size, limit, address), tracebacks, and aborts.  [signal-safe]
bool rt_growth_fault(struct rt_gstack *gs, struct rt_stackcache *cache, struct os_fault *fault);

// rt_growth_overflow is that end: size and why complete the line.  [signal-safe]
__attribute__((noreturn)) void rt_growth_overflow(const struct rt_gstack *gs,
                                                  const struct os_fault *fault, size_t need,
                                                  const char *why);

// rt_growatfault is the `fault` of strategies that copy: see signal.c.
int rt_growatfault(struct rt_gstack *gs, struct rt_stackcache *cache, struct os_fault *fault,
                   size_t size, uintptr_t lowest);
// rt_growatresume and rt_growatcheckpoint are those of strategies that copy when the scheduler
// has the goroutine: see checkpoint.c.
bool rt_growatresume(struct rt_gstack *gs, struct rt_stackcache *cache);
int rt_growatcheckpoint(struct rt_gstack *gs, struct rt_stackcache *cache, size_t bytes);
// rt_shrinkbycopy, rt_shrinkelastic and rt_shrinkinplace are the `shrink` of strategies that move
// stacks, that move their guards, and that do neither: see shrink.c.
bool rt_shrinkbycopy(struct rt_gstack *gs, struct rt_stackcache *cache);
bool rt_shrinkelastic(struct rt_gstack *gs, struct rt_stackcache *cache);
bool rt_shrinkinplace(struct rt_gstack *gs, struct rt_stackcache *cache);

#ifdef __cplusplus
}
#endif
#endif
