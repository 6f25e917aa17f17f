// What a mutex costs that four goroutines want all the time, per time it is held.  The number in a
// name is GOMAXPROCS.  bench/go has the same in Go.
#include <benchmark/benchmark.h>

#include "bench/goroutine.h"

namespace {

constexpr int kGoroutines = 4;
constexpr int kSteps = 10;

struct Guarded {
  int64_t n;  // times that each goroutine takes it
  go_mutex mutex;
  uint64_t value;  // guarded
  go_waitgroup done;
};

// A few nanoseconds that no compiler can shorten: xorshift (Marsaglia 2003).
inline uint64_t work(uint64_t x) {
  for (int i = 0; i < kSteps; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  return x;
}

void BM_MutexContended(benchmark::State &state) {
  bench::timeAll(state, static_cast<int>(state.range(0)), [](int64_t n) {
    Guarded g = {(n + kGoroutines - 1) / kGoroutines, {}, 1, {}};
    go_waitgroup_add(&g.done, kGoroutines);
    for (int i = 0; i < kGoroutines; i++)
      bench::spawn([](void *p) {
        Guarded *mine = static_cast<Guarded *>(p);
        for (int64_t k = 0; k < mine->n; k++) {
          go_mutex_lock(&mine->mutex);
          mine->value = work(mine->value);
          go_mutex_unlock(&mine->mutex);
        }
        go_waitgroup_done(&mine->done);
      }, &g);
    go_waitgroup_wait(&g.done);
    benchmark::DoNotOptimize(g.value);
  });
}
BENCHMARK(BM_MutexContended)->Arg(1)->Arg(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
