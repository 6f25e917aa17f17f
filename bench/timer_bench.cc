// What timers cost: starting and stopping one that is never due, and many goroutines that sleep.
// The number in a name is GOMAXPROCS.  bench/go has the same in Go.
#include <benchmark/benchmark.h>

#include "bench/goroutine.h"

namespace {

constexpr int64_t kHour = int64_t{3600} * GO_SECOND;
constexpr int kSleepers = 10000;

void BM_TimerStartStop(benchmark::State &state) {
  bench::timeAll(state, static_cast<int>(state.range(0)), [](int64_t n) {
    go_timer *t;
    bench::check(go_timer_func([](void *) {}, nullptr, &t), "go_timer_func");
    for (int64_t i = 0; i < n; i++) {
      go_timer_start(t, kHour, 0);
      go_timer_stop(t);
    }
    go_timer_free(t);
  });
}
BENCHMARK(BM_TimerStartStop)->Arg(1)->Arg(2)->UseRealTime();

void sleepAll() {
  go_waitgroup awake = {};
  go_waitgroup_add(&awake, kSleepers);
  for (int k = 0; k < kSleepers; k++)
    bench::spawn([](void *p) {
      bench::check(go_sleep(GO_MILLISECOND), "go_sleep");
      go_waitgroup_done(static_cast<go_waitgroup *>(p));
    }, &awake);
  go_waitgroup_wait(&awake);
}

// Each starts, sleeps for 1 ms, and ends: the time of all, on stacks that have been used before.
// Stacks of `reserve` are small here: with 256 MiB each, 40% of the time goes to page tables, of
// which each stack has a page of its own.
void BM_Sleepers10000(benchmark::State &state) {
  go_config config = {};
  config.maxprocs = static_cast<int>(state.range(0));
  config.growth = "reserve";
  config.stack_reserve = bench::kSmallReserve;
  bench::onGoroutine(state, config, [](benchmark::State &s) {
    sleepAll();
    for (auto _ : s) sleepAll();
  });
}
BENCHMARK(BM_Sleepers10000)->Arg(1)->Arg(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
