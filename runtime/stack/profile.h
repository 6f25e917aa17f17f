// profile.h: which calls made stacks grow: a table of call chains, each with its counters.  It
// knows nothing of goroutines, nor of names; runtime/sched fills it and writes it out.
//
// Recording is lock-free and signal-safe, and finds all its memory there: a table of fixed size,
// open addressing.  An entry is claimed by CAS, filled in, and published; from then on its chain
// stays and its counters count.  Who meets an entry that is being filled in takes the next: it may
// be a handler that has interrupted the one who fills it in.  So a chain can have several entries,
// and readers add them up.
#ifndef STACKLAB_RUNTIME_STACK_PROFILE_H_
#define STACKLAB_RUNTIME_STACK_PROFILE_H_

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  RT_PROFILE_FRAMES = 12,     // of a chain
  RT_PROFILE_ENTRIES = 4096,  // a power of two
};

// What tells one entry from another.
struct rt_growsite {
  uintptr_t entry;  // the goroutine's first function
  uint32_t from_bytes, to_bytes;
  uint8_t cause;    // the caller's word for it
  uint8_t nframes;
  bool cut;         // the chain is longer
  uintptr_t frames[RT_PROFILE_FRAMES];  // addresses within instructions, innermost first
};

struct rt_growentry {
  _Atomic uint64_t state;  // 0: free; 1: being filled in; else a hash of the site
  _Atomic uint64_t growths, bytes_copied;
  struct rt_growsite site;
};

// Totals since the profile began.
struct rt_profile_totals {
  uint64_t growths;   // all, recorded or not
  uint64_t recorded;  // one in `rate`
  uint64_t dropped;   // were to be recorded, and found the table full
  uint32_t rate;
};

// Whether growths are recorded; relaxed, for who wants to know whether to ask at all.
extern _Atomic bool rt_profiling;

// How many entries are used, a power of two; what a test may change while nothing is recorded.
extern uint32_t rt_profile_entries;

// rt_profile_take tells of a growth.  True: it is to be recorded, and rt_profile_add must follow on
// this thread.  The first of every `rate` is.  [signal-safe]
bool rt_profile_take(void);
void rt_profile_add(const struct rt_growsite *site, uint64_t bytes_copied);

// rt_profile_begin forgets what was recorded and begins to record one growth in `rate`, 1 or more;
// rt_profile_end ends that and keeps what there is.  They wait for who is recording: not in a
// handler, nor for two threads at once.
void rt_profile_begin(uint32_t rate);
void rt_profile_end(void);

// What was recorded so far, by whoever keeps begin away; recording may go on meanwhile.
// rt_profile_at returns entry i, NULL past the last; *growths is 0 where there is nothing.
const struct rt_growsite *rt_profile_at(uint32_t i, uint64_t *growths, uint64_t *bytes_copied);
void rt_profile_read(struct rt_profile_totals *out);

#ifdef __cplusplus
}
#endif
#endif
