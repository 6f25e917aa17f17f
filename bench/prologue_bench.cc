// What the checks of compiled code cost where no stack grows: the same source with and without.
// And what they cost where a stack ends: a loop that calls a function just there, `depth` frames
// deep.  hotsplit_bench.cc does the same on libgcc's segments.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bench/checked_frames.h"
#include "bench/goroutine.h"
#include "bench/prologue_work.h"

namespace {

using Work = const prologue_work;

// On a goroutine with room for all of it.
template <typename Fn>
void onPrologue(benchmark::State &state, Fn fn) {
  go_config config = {};
  config.maxprocs = 1;
  config.growth = "prologue";
  config.stack_initial = 256 << 10;
  bench::onGoroutine(state, config, fn);
}

void BM_Fib(benchmark::State &state, Work *work) {
  onPrologue(state, [work](benchmark::State &s) {
    for (auto _ : s) benchmark::DoNotOptimize(work->fib(25));
  });
}

void BM_TreeWalk(benchmark::State &state, Work *work) {
  static std::vector<tree> nodes = [] {
    std::vector<tree> made((1 << 16) - 1);
    for (size_t i = 0; i < made.size(); i++) {
      const bool inner = 2 * i + 2 < made.size();
      made[i] = {inner ? &made[2 * i + 1] : nullptr, inner ? &made[2 * i + 2] : nullptr, i};
    }
    return made;
  }();
  onPrologue(state, [work](benchmark::State &s) {
    for (auto _ : s) benchmark::DoNotOptimize(work->walk(&nodes[0]));
  });
}

// A thousand calls of a function that calls code without checks.
void BM_CallsLibrary(benchmark::State &state, Work *work) {
  onPrologue(state, [work](benchmark::State &s) {
    for (auto _ : s) benchmark::DoNotOptimize(work->library(1000));
  });
}

BENCHMARK_CAPTURE(BM_Fib, plain, &prologue_plain);
BENCHMARK_CAPTURE(BM_Fib, checked, &prologue_checked);
BENCHMARK_CAPTURE(BM_TreeWalk, plain, &prologue_plain);
BENCHMARK_CAPTURE(BM_TreeWalk, checked, &prologue_checked);
BENCHMARK_CAPTURE(BM_CallsLibrary, plain, &prologue_plain);
BENCHMARK_CAPTURE(BM_CallsLibrary, checked, &prologue_checked);

// From 8 KiB, of which about 1 KiB is left above the mark where the loop begins.
void BM_HotSplit(benchmark::State &state) {
  go_config config = {};
  config.maxprocs = 1;
  config.growth = "prologue";
  config.stack_initial = 8 << 10;
  struct go_stats before, after;
  go_stats(&before);
  bench::onGoroutine(state, config, [](benchmark::State &s) {
    const size_t bytes = static_cast<size_t>(s.range(0)) * (128 + 48);
    volatile char *frames = static_cast<volatile char *>(__builtin_alloca(5 << 10));
    benchmark::DoNotOptimize(frames);
    for (auto _ : s) checkedDescend(128, bytes);
  });
  go_stats(&after);
  state.counters["growths"] = static_cast<double>(after.growths - before.growths);
}
BENCHMARK(BM_HotSplit)->Arg(1)->Arg(4)->Arg(16)->Arg(64)->Arg(256);

}  // namespace

BENCHMARK_MAIN();
