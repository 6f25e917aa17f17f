// hazard.h: what a case of the hazard matrix is, and what it may ask of the harness.
//
// A case is a function that returns the same number on every stack that C can rely on.  It is
// called with little stack left, so that the stack grows (and, under a moving strategy, moves)
// while the pattern that the case is about is live.  What then becomes of it is the verdict: no
// case says what it expects.
#ifndef STACKLAB_BENCH_HAZARDS_HAZARD_H_
#define STACKLAB_BENCH_HAZARDS_HAZARD_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Hides where a value comes from: the compiler can neither fold it nor compute it again.
#define HIDE(v) __asm__ volatile("" : "+r"(v) : : "memory")
#define NOINLINE __attribute__((noinline))

// hazard_grow returns after the stack has grown: below its own frame, by a fault or, where the
// sweep is about growth on request, by go_call_on_stack: there a strategy that continues stacks
// elsewhere has been elsewhere, and is back.  On a plain thread it only uses some stack.
void hazard_grow(void);

// hazard_with_room calls fn(arg), which needs `bytes` of stack: by go_call_on_stack where nothing
// grows but on request.
void hazard_with_room(size_t bytes, void (*fn)(void *), void *arg);

// A word of static memory, where a case keeps what must not lie on its stack.
extern uint64_t *volatile hazard_global;

// hazard_heap returns memory of the heap, one page, that lives as long as the process.
void *hazard_heap(void);

// hazard_growth returns the name of the strategy under study.
const char *hazard_growth(void);

// hazard_refused says that the runtime has refused, with a GO_E* code, what the case is about.
void hazard_refused(int code);

// hazard_not_here says that this machine cannot run the case: why.
void hazard_not_here(const char *why);

// hazard_dies_now says that the right thing now is the end of the process, by hazard.dies_of.
void hazard_dies_now(void);

enum hazard_moment {
  // The stack grows in hazard_grow, with what the case is about live in its callers.
  IN_A_CALL,
  // The stack runs out at whichever instruction of the case is the first to touch the guard.
  ANYWHERE,
};

enum hazard_group { HANDLER, SCAN, GUARD, LIBRARY, HISTORY };

// An instruction, run with SP at an address of choice (tests/signal_cases.h); 0 is right.
struct instruction {
  const char *name;
  uint64_t (*run)(uintptr_t sp);
  unsigned reach;  // bytes below SP that it touches
  unsigned step;   // between places
  bool (*here)(void);  // whether this processor has it; NULL: it has
};

struct hazard {
  const char *name;
  enum hazard_group group;
  const char *cause;  // why it is a hazard, in one sentence
  uint64_t (*run)(uint64_t arg);
  uint64_t arg;
  const struct instruction *instructions;  // in place of run; ended by one without a name
  enum hazard_moment moment;
  // Bytes of stack left when the case is called: from, from + step, .. below to.
  // All 0: 250 places, 16 bytes apart, from 0 (ANYWHERE) or 2048 (IN_A_CALL).
  unsigned from, to, step;
  unsigned guard_bytes;      // least bytes of guard; 0: the default
  bool poison;               // stacks that do not move, too, are filled: GO_STACKDEBUG=poison
  bool interrupted;          // by preemption; otherwise that is off, and moves nothing
  bool goroutine_only;       // cannot run on a thread: 0 is the right result
  bool overruns;             // what lies beyond the stack is the hazard: it need not grow
  int dies_of;               // the signal that must end the process; 0: it must return
  int (*prepare)(void);    // once per process, on a thread with a large stack; 0 on success
};

// The cases of a program, ended by a row without a name.
extern const struct hazard hazard_table[];

#ifdef __cplusplus
}
#endif
#endif
