// goroutine.h: running a benchmark's loop on a goroutine.
#ifndef STACKLAB_BENCH_GOROUTINE_H_
#define STACKLAB_BENCH_GOROUTINE_H_

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "runtime/go.h"

namespace bench {

inline void check(int code, const char *what) {
  if (code >= 0) return;
  std::fprintf(stderr, "%s: %s\n", what, go_strerror(code));
  std::exit(1);
}

// Bytes of a stack of `reserve` where there are thousands.
constexpr size_t kSmallReserve = 16 << 10;

// Runs fn(state) as the first goroutine of a go_run with these options.
template <typename Fn>
void onGoroutine(benchmark::State &state, const go_config &config, Fn fn) {
  struct Call {
    benchmark::State *state;
    Fn *fn;
  } call = {&state, &fn};
  check(go_run(&config, [](void *p) {
          Call *c = static_cast<Call *>(p);
          (*c->fn)(*c->state);
        }, &call), "go_run");
}

// The same on stacks that never run out, at GOMAXPROCS=maxprocs.
template <typename Fn>
void onGoroutine(benchmark::State &state, int maxprocs, Fn fn) {
  go_config config = {};
  config.maxprocs = maxprocs;
  config.growth = "reserve";
  onGoroutine(state, config, fn);
}

// Times one call fn(n) of all that n iterations do, which other goroutines may take part in.
template <typename Fn>
void timeAll(benchmark::State &state, int maxprocs, Fn fn) {
  onGoroutine(state, maxprocs, [&fn](benchmark::State &s) {
    while (s.KeepRunningBatch(s.max_iterations)) fn(static_cast<int64_t>(s.max_iterations));
  });
}

// Runs fn(arg) in a new goroutine.
inline void spawn(void (*fn)(void *), void *arg) { check(go_spawn(nullptr, fn, arg), "go_spawn"); }

// Seconds between two readings of the steady clock, less what reading it costs.
class Stopwatch {
 public:
  using Clock = std::chrono::steady_clock;
  static double overhead() {
    static const double seconds = measure();
    return seconds;
  }
  void start() { begin_ = Clock::now(); }
  double stop() const {
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    return seconds > overhead() ? seconds - overhead() : 0;
  }

 private:
  static double measure() {
    double best = 1;
    for (int i = 0; i < 1000; i++) {
      const auto begin = Clock::now();
      const double s = std::chrono::duration<double>(Clock::now() - begin).count();
      if (s < best) best = s;
    }
    return best;
  }
  Clock::time_point begin_;
};

}  // namespace bench

#endif
