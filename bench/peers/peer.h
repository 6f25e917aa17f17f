// peer.h: what a runtime or coroutine library has to offer to be measured beside ours.  One file
// per peer defines `peer`; driver.c has the work, the clock and the command line.
#ifndef STACKLAB_BENCH_PEERS_PEER_H_
#define STACKLAB_BENCH_PEERS_PEER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// One with a scheduler.
struct peer_tasks {
  void (*run)(void (*fn)(void));  // starts the runtime and calls fn on it
  void *(*spawn)(void (*fn)(void *), void *arg);
  void (*join)(void *task);       // waits for its end; each task is joined, or parks for ever
  void (*yield)(void);            // others run first
  void (*park)(void);             // waits for the next wake
  void (*wake)(long n);           // wakes all that are parked: n
  void (*alternate)(long n);      // instead of yield, where two tasks hand over otherwise; or NULL
};

// One without: whoever resumes a coroutine goes on when that suspends itself or ends.
struct peer_coroutines {
  void *(*make)(void (*fn)(void *), void *arg);
  void (*resume)(void *coroutine);
  void (*suspend)(void);
  void (*free)(void *coroutine);  // of one that has ended
};

struct peer {
  const char *name;
  const char *about;                     // version and how its stacks are made
  const struct peer_tasks *tasks;        // or NULL,
  const struct peer_coroutines *coroutines;
  const char *(*variant)(int i);         // ways it can be run, by number; NULL: one
  // fn(arg), with so much stack, where it has to be asked for; or NULL
  void (*call)(size_t bytes, void (*fn)(void *), void *arg);
  void (*shrink)(void);                  // all that are parked give memory back; or NULL
};

extern const struct peer peer;

// From the command line: 0 is the peer's own default.
extern size_t peer_stack_bytes;
extern const char *peer_variant;

// What the spawn of a library allocates whose threads take a void * and return one: peer_thread_new
// makes it, peer_thread_entry(it) is what the thread runs.
struct peer_thread {
  void *thread;
  void (*fn)(void *);
  void *arg;
};
struct peer_thread *peer_thread_new(void (*fn)(void *), void *arg);
void *peer_thread_entry(void *thread);

// peer_die says what failed, and ends the process.
__attribute__((noreturn)) void peer_die(const char *what);

#ifdef __cplusplus
}
#endif
#endif
