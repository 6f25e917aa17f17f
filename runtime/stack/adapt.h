// adapt.h: how large the first stack of a goroutine is to be, learnt from what those before it with
// the same first function have grown to.  It knows nothing of goroutines.
//
// What is learnt is the largest size of all, up to a limit.  So that one deep run does not cost
// memory for ever, one goroutine in so many is a trial: it begins with half of that.  If it ends
// without having grown, half is what is learnt now, and the next trial comes after half as many; if
// it grows, after twice as many; and if it only seemed to fit, because a later goroutine grows
// back, after four times.  So trials cost a growth now and then, ever less often where they are no
// use.
//
// All of it is lock-free and signal-safe but rt_adapt_init and rt_adapt_forget.
#ifndef STACKLAB_RUNTIME_STACK_ADAPT_H_
#define STACKLAB_RUNTIME_STACK_ADAPT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  RT_ADAPT_MOST = 256 << 10,  // largest first size, unless another is asked for
  RT_ADAPT_ENTRIES = 1024,    // functions; what there is no room for is not learnt
  RT_ADAPT_EVERY = 128,       // goroutines until the first trial
  RT_ADAPT_EVERY_MOST = 1 << 16,
};

// The limit, in bytes; 0: nothing is learnt.  Fixed while go_run runs.
extern size_t rt_adapt_most;

// rt_adapt_init sets the limit and forgets; while nothing runs.  rt_adapt_forget forgets; anyone.
void rt_adapt_init(size_t most);
void rt_adapt_forget(void);

// rt_adapt_first returns the first size for a goroutine of fn that asks for `initial` and may grow
// to max: a power of two, or `initial`, which is the least.  *trial is set if it is less than what
// was learnt: then rt_adapt_fitted must follow if that goroutine ends without having grown.
size_t rt_adapt_first(uintptr_t fn, size_t initial, size_t max, bool *trial);

// rt_adapt_grown tells that a goroutine of fn has grown to size, and whether it was a trial.
void rt_adapt_grown(uintptr_t fn, size_t size, bool trial);

// rt_adapt_fitted tells that a trial has ended with the size it had begun with.
void rt_adapt_fitted(uintptr_t fn, size_t size);

// What was learnt, for reports: entry i; false past the last.  fn 0: there is none.
struct rt_adapt_entry {
  uintptr_t fn;
  size_t size;      // 0: forgotten
  uint64_t larger;  // goroutines that began larger than they asked for
  uint32_t every;   // goroutines between trials
};
bool rt_adapt_at(uint32_t i, struct rt_adapt_entry *out);

#ifdef __cplusplus
}
#endif
#endif
