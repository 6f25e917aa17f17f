// goroutine.h: running a piece of a test on goroutines with small stacks, from C++.
//
// A body runs on a stack that may move: it keeps results in what it captures by reference (the
// test's own thread has a stack that stays), and leaves assertions to the test.
#ifndef STACKLAB_TESTS_GOROUTINE_H_
#define STACKLAB_TESTS_GOROUTINE_H_

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>

#include "platform.h"
#include "runtime/go.h"
#include "tests/growths.h"
#include "tests/memory.h"
extern "C" {
#include "runtime/os/os.h"
#include "runtime/stack/growth/growth.h"
}

using Body = std::function<void()>;

// A stack of 8 KiB that grows on a fault, one goroutine at a time: GOMAXPROCS is 1.
inline go_config SmallStacks(const char *growth = "signal") {
  go_config c = {};
  c.maxprocs = 1;
  c.growth = growth;
  c.stack_initial = 8192;
  if (getenv("EMULATOR")) c.stack_reserve = 16 << 20;  // it has a record of every page
  return c;
}

// What a test of concurrency runs with: n, but that name_threads has several in turn.
inline int Gomaxprocs(int n) {
  const char *every = getenv("TEST_GOMAXPROCS");
  return every ? atoi(every) : n;
}

// Small stacks on GOMAXPROCS n.
inline go_config Procs(int n, const char *growth = "reserve") {
  go_config c = SmallStacks(growth);
  c.maxprocs = Gomaxprocs(n);
  return c;
}

// One after the other, as each waits or yields: nobody is interrupted, however slow the machine.
inline go_config InTurn() {
  go_config c = Procs(1);
  c.asyncpreempt = "off";
  return c;
}

// On the virtual clock: everything happens exactly when it should.
inline go_config Virtual() {
  go_config c = SmallStacks("reserve");
  c.seed = 4;
  return c;
}

inline void Go(void (*fn)(void *), void *arg = nullptr) {
  if (go_spawn(nullptr, fn, arg) != GO_OK) abort();
}

// ThreadSanitizer puts its own handlers before those of the program.
#if __has_feature(thread_sanitizer)
enum { kThreadSanitizer = true };
#else
enum { kThreadSanitizer = false };
#endif

// Whether goroutines can have the strategy of that name here.
inline bool Available(const char *growth) { return !rt_growth_missing(rt_growth_find(growth)); }

// One that moves stacks: on a fault, where that can be.
inline const char *Moving() { return Available("signal") ? "signal" : "checkpoint"; }

#define SKIP_UNLESS_AVAILABLE(growth) \
  if (!Available(growth)) GTEST_SKIP() << rt_growth_missing(rt_growth_find(growth))

// What the growth strategy of that name does.
inline bool GrowsOnFault(const char *growth) { return rt_growth_find(growth)->fault != nullptr; }
inline bool GrowsWhenAsked(const char *growth) {  // by go_call_on_stack, at least
  return rt_growth_find(growth)->checkpoint || rt_growth_find(growth)->call;
}
// ThreadSanitizer's own frames lie on the goroutine's stack: a fault in one of them finds its locks
// taken, and the handler waits for them forever.
inline bool DeadlocksTsan(const char *growth) { return kThreadSanitizer && GrowsOnFault(growth); }

inline void CallBody(void *body) { (*static_cast<const Body *>(body))(); }

// Runs fn as the first goroutine; returns what go_run does.
inline int RunFirst(const go_config &config, const Body &fn) {
  return go_run(&config, CallBody, const_cast<Body *>(&fn));
}

inline struct go_stats Stats() {
  struct go_stats s;
  go_stats(&s);
  return s;
}

// Can a frame without probes skip the guard?  Below a guard of mprotect all is inaccessible.
inline bool GuardIsSkipped() {
  const char *kind = getenv("GO_GUARDKIND");
  return os_guard_supported() && (!kind || std::string(kind) != "mprotect");
}

inline struct go_stack_bounds Bounds() {
  struct go_stack_bounds b;  // not cleared: AddressSanitizer's memset takes a KiB
  if (go_stack_bounds(&b) != GO_OK) abort();
  return b;
}

// How many bytes of a stack are in RAM.
inline size_t Resident(const struct go_stack_bounds &b) { return Resident(b.lo, b.hi); }

// The numbers from..to (not included) in steps, each with a goroutine and a fresh stack of its
// own.  Returns how many stacks grew by a fault, and how often in all.
struct Swept {
  int goroutines;
  uint64_t growths;
};

inline Swept Sweep(int from, int to, int step, const std::function<void(int)> &fn,
                   go_config config = SmallStacks()) {
  static go_waitgroup done;
  const go_spawn_options options = {config.growth, config.stack_initial, config.stack_max};
  Swept swept = {0, 0};
  config.growth = "reserve";  // of the goroutine that spawns and waits
  const uint64_t before = Stats().growths_by_fault;
  const int error = RunFirst(config, [&] {
    for (int k = from; k < to; k += step) {
      const Body one = [&, k] {
        fn(k);
        go_waitgroup_done(&done);
      };
      go_waitgroup_add(&done, 1);
      if (go_spawn(&options, CallBody, const_cast<Body *>(&one)) != GO_OK) abort();
      go_waitgroup_wait(&done);
      swept.goroutines++;
    }
  });
  if (error != GO_OK) abort();
  swept.growths = Stats().growths_by_fault - before;
  return swept;
}

#endif
