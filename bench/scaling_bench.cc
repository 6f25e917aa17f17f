// Growth on several Ms at once, by strategy: what waits for the kernel's lock on the address space,
// or for the pools, does not get cheaper with more of them.
//
// Each M's share is goroutines that climb from 8 KiB to 256 KiB one after the other.  Warm: the
// pools have stacks of every size from the round before.  Cold: all of it was given back to the
// system.  The time is that of all Ms together, climbs and growths how many they make in it, and
// growth_ns what one growth comes to: on two processors it is halved at best.
#include <benchmark/benchmark.h>

#include <atomic>
#include <string>

#include "bench/goroutine.h"
extern "C" {
#include "runtime/stack/growth/growth.h"
}

namespace {

constexpr size_t kFirst = 8 << 10, kTo = 256 << 10, kFrame = 1024, kCallBytes = 48;
constexpr int kClimbsOfEach = 64;

struct Level {
  size_t bytes;
  int n;
};

// As a program that knows where it recurses: asks for what the next four levels take.
__attribute__((noinline)) void descend(void *p) {
  volatile char frame[kFrame];
  const Level *level = static_cast<const Level *>(p);
  Level next = {level->bytes - kFrame, level->n + 1};
  frame[0] = 1;
  benchmark::DoNotOptimize(&frame);
  if (level->bytes > 2 * kFrame && next.n % 4 == 0)
    bench::check(go_call_on_stack(5 * (kFrame + kCallBytes) + 512, descend, &next),
                 "go_call_on_stack");
  else if (level->bytes > 2 * kFrame)
    descend(&next);
  frame[kFrame - 1] = 1;  // not a tail call
}

struct Round {
  const char *growth;
  int ms;
  std::atomic<int> waiting;
  go_waitgroup done;
};
Round now;

void climb(void *) {
  Level top = {kTo - (16 << 10), 0};
  descend(&top);
  go_waitgroup_done(&now.done);
}

// One per M: begins when all have begun, so that all of them do climb at once.
void share(void *) {
  go_spawn_options options = {};
  options.growth = now.growth;
  options.stack_initial = kFirst;
  now.waiting--;
  while (now.waiting > 0) go_yield();
  for (int i = 0; i < kClimbsOfEach; i++) {
    bench::check(go_spawn(&options, climb, nullptr), "go_spawn");
    go_yield();
  }
  go_waitgroup_done(&now.done);
}

double roundSeconds() {
  now.waiting = now.ms;
  bench::check(go_waitgroup_add(&now.done, now.ms * (1 + kClimbsOfEach)), "go_waitgroup_add");
  const auto begin = bench::Stopwatch::Clock::now();
  for (int i = 0; i < now.ms; i++) bench::spawn(share, nullptr);
  bench::check(go_waitgroup_wait(&now.done), "go_waitgroup_wait");
  return std::chrono::duration<double>(bench::Stopwatch::Clock::now() - begin).count();
}

void drain() {
  static rt_stackcache cache;
  rt_stackdrain(&cache);
}

void BM_GrowthByMs(benchmark::State &state, const std::string &growth, bool cold) {
  now.growth = growth.c_str();
  now.ms = static_cast<int>(state.range(0));
  double seconds = 0;
  const auto once = [&](benchmark::State &s) {
    const double round = roundSeconds();
    seconds += round;
    s.SetIterationTime(round);
  };
  struct go_stats before, after;
  go_stats(&before);
  if (cold) {
    for (auto _ : state) {
      drain();
      bench::onGoroutine(state, now.ms, once);
    }
  } else {
    bench::onGoroutine(state, now.ms, [&](benchmark::State &s) {
      roundSeconds();  // fills the pools
      go_stats(&before);
      for (auto _ : s) once(s);
    });
  }
  go_stats(&after);
  const auto growths = static_cast<double>(after.growths - before.growths + after.segments_made -
                                           before.segments_made);
  state.counters["climbs"] = now.ms * kClimbsOfEach;
  state.counters["growths"] = growths / static_cast<double>(state.iterations());
  if (growths > 0) state.counters["growth_ns"] = 1e9 * seconds / growths;
}

}  // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (int i = 0; rt_growth_at(i); i++) {
    const std::string name = rt_growth_at(i)->name;
    for (const bool cold : {false, true})
      benchmark::RegisterBenchmark(
          ("BM_GrowthByMs/" + name + (cold ? "/cold" : "/warm")).c_str(), BM_GrowthByMs, name, cold)
          ->Arg(1)->Arg(2)->Arg(4)->Arg(8)->UseManualTime()->Unit(benchmark::kMillisecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
