// go_panic.h: goroutines that end before their function returns; part of go.h.
//
// C has no unwinding: what a goroutine holds (a mutex, memory, a place in a wait group) it gives
// back in functions that it has registered with go_defer.
#ifndef STACKLAB_RUNTIME_GO_PANIC_H_
#define STACKLAB_RUNTIME_GO_PANIC_H_

#include "runtime/go_api.h"

GO_API_BEGIN

// go_panic ends the calling goroutine because something is badly wrong.
//
// With a panic handler, that is called first, on the goroutine, with all of its stack still there;
// then the deferred functions run, as in go_goexit.  A panic within the handler or a deferred
// function is one without handler.
//
// Without, the process ends: "stacklab: panic: " and the message go to stderr, then the tracebacks
// that GO_TRACEBACK asks for, and SIGABRT.  Deferred functions do not run.  So it is on a stack
// that is not a goroutine's.
__attribute__((noreturn)) void go_panic(const char *message);

// go_panic_handler sets the handler of the calling goroutine; NULL: none, as every goroutine
// begins. It may park.  GO_ENOTG.
int go_panic_handler(void (*fn)(void *arg, const char *message), void *arg);

// go_goexit calls the deferred functions of the calling goroutine, the last first, and ends it
// (Go's runtime.Goexit).  In the first goroutine that ends go_run, as returning does.  Goroutine
// only, and not in a system call; the process ends otherwise.
__attribute__((noreturn)) void go_goexit(void);

// A deferred function: a local variable of the function that defers, which may move with its stack.
struct go_deferred {
  struct go_deferred *next;
  void (*fn)(void *);
  void *arg;
};
// go_defer registers fn(arg) to be called if the goroutine ends before go_defer_run.  The caller
// must call that, or go_defer_drop, before it returns, and the last deferred first; a goroutine
// that returns without ends the process.  Goroutine only: GO_ENOTG.  Does not park.
int go_defer(struct go_deferred *d, void (*fn)(void *), void *arg);
// go_defer_run takes d back and calls its function; go_defer_drop only takes it back.  GO_EINVAL:
// it is not the last.
int go_defer_run(struct go_deferred *d);
int go_defer_drop(struct go_deferred *d);

GO_API_END
#endif
