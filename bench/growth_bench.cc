// What it costs when a stack runs out, by strategy: one step, a climb, and nothing at all.
//
// The baselines are physical: the same bytes by memcpy, one SIGSEGV round trip (baseline_bench),
// a climb on a stack that is already there, on a plain reservation, and by mapping, copying and
// unmapping at every doubling.  Time is taken around the one call that grows, less the cost of
// reading the clock.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstring>
#include <string>
#include <vector>

#include "bench/checked_frames.h"
#include "bench/frames.h"
#include "bench/goroutine.h"
extern "C" {
#include "runtime/arch/arch.h"
#include "runtime/stack/growth/growth.h"
}

namespace {

constexpr size_t kStepSlack = 1024;  // left on the stack before the step; a fault needs less

// ---- Using stack -----------------------------------------------------------------------------

// The caller's frames down to `room` bytes above the low end, then fn().
template <typename Fn>
__attribute__((noinline)) void nearTheEnd(size_t room, Fn &fn) {
  struct go_stack_bounds b;
  bench::check(go_stack_bounds(&b), "go_stack_bounds");
  const uintptr_t sp = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  const size_t used_up = sp - b.lo > room + 512 ? sp - b.lo - room - 512 : 0;
  volatile char *frames = static_cast<volatile char *>(__builtin_alloca(used_up + 16));
  // As real frames do, hold a pointer in every sixth word or so.
  for (size_t i = 0; i + 8 <= used_up; i += 48)
    *reinterpret_cast<uintptr_t volatile *>(reinterpret_cast<uintptr_t>(frames + i + 7) &
                                            ~uintptr_t(7)) = sp;
  fn();
  benchmark::DoNotOptimize(frames[0]);
}

// Spawns fn and comes back when it has returned: one yield is not enough where fn is preempted.
void runToEnd(const go_spawn_options &options, void (*fn)(void *)) {
  static void (*function)(void *);
  static bool finished;
  function = fn;
  finished = false;
  bench::check(go_spawn(&options, [](void *) {
                 function(nullptr);
                 finished = true;
               }, nullptr), "go_spawn");
  while (!finished) go_yield();
}

// ---- One step --------------------------------------------------------------------------------

// What makes a stack grow: a touch below it, either way of asking, or the check of compiled code.
enum How { kByFault, kByCheckpoint, kByCall, kByCheck };

__attribute__((noinline)) void touchBelow(size_t bytes) {
  volatile char *p = static_cast<volatile char *>(__builtin_alloca(bytes));
  benchmark::DoNotOptimize(p);  // or the optimizer keeps one byte of it
  p[0] = 1;
}

struct Step {
  size_t size;
  How how;
  double seconds;
};
Step step;

void nothing(void *) {}

void growOnce(void *) {
  auto body = [] {
    bench::Stopwatch watch;
    if (step.how == kByCheck) {
      watch.start();
      checkedTouch();
      step.seconds = watch.stop();
    } else if (step.how == kByCheckpoint) {
      watch.start();
      bench::check(go_checkpoint(4 * kStepSlack), "go_checkpoint");
      step.seconds = watch.stop();
    } else if (step.how == kByCall) {
      watch.start();
      bench::check(go_call_on_stack(4 * kStepSlack, nothing, nullptr), "go_call_on_stack");
      step.seconds = watch.stop();
    } else {
      watch.start();
      touchBelow(4 * kStepSlack);
      step.seconds = watch.stop();
    }
  };
  nearTheEnd(kStepSlack / 2, body);
}

void BM_GrowthStep(benchmark::State &state, const std::string &growth, How how) {
  struct go_stats before, after;
  go_stats(&before);
  bench::onGoroutine(state, 1, [&](benchmark::State &s) {
    go_spawn_options options = {};
    options.growth = growth.c_str();
    options.stack_initial = static_cast<size_t>(s.range(0));
    step.size = options.stack_initial;
    step.how = how;
    bench::Stopwatch::overhead();
    for (auto _ : s) {
      runToEnd(options, growOnce);
      s.SetIterationTime(step.seconds);
    }
  });
  go_stats(&after);
  const auto perStep = [](uint64_t n) {
    return benchmark::Counter(static_cast<double>(n), benchmark::Counter::kAvgIterations);
  };
  state.counters["growths_per_step"] = perStep(after.growths - before.growths);
  state.counters["live_bytes"] = perStep(after.bytes_copied - before.bytes_copied);
}

// ---- A climb ---------------------------------------------------------------------------------

struct Climb {
  size_t bytes, frame;
  double seconds;
};
Climb climb;

// The stack that a climb to `bytes` ends on has `bytes`, all but its last pages used.
size_t used() { return climb.bytes - 8192; }

void climbOnce(void *) {
  bench::Stopwatch watch;
  watch.start();
  descendBy(climb.frame, used());
  climb.seconds = watch.stop();
}

void climbChecked(void *) {
  bench::Stopwatch watch;
  watch.start();
  checkedDescend(climb.frame, used());
  climb.seconds = watch.stop();
}

// Some strategies must be asked: once, at the top of the work, as a program would that knows what
// it is about to call.
void climbAsked(void *) {
  bench::Stopwatch watch;
  watch.start();
  bench::check(go_call_on_stack(used(), [](void *) { descendBy(climb.frame, used()); }, nullptr),
               "go_call_on_stack");
  climb.seconds = watch.stop();
}

void drain() {
  static rt_stackcache cache;
  rt_stackdrain(&cache);
}

void (*climbBy(How how))(void *) {
  return how == kByFault ? climbOnce : how == kByCheck ? climbChecked : climbAsked;
}

void climbLoop(benchmark::State &state, const std::string &growth, How how) {
  go_spawn_options options = {};
  options.growth = growth.c_str();
  options.stack_initial = 8192;
  const auto once = [&] { runToEnd(options, climbBy(how)); };
  once();  // warms the pool
  for (auto _ : state) {
    once();
    state.SetIterationTime(climb.seconds);
  }
}

void BM_ClimbWarm(benchmark::State &state, const std::string &growth, How how) {
  climb = {static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1)), 0};
  bench::onGoroutine(state, 1, [&](benchmark::State &s) { climbLoop(s, growth, how); });
}

// Each climb in a scheduler of its own, over a pool whose memory was given back.
void BM_ClimbCold(benchmark::State &state, const std::string &growth, How how) {
  climb = {static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1)), 0};
  for (auto _ : state) {
    drain();
    bench::onGoroutine(state, 1, [&](benchmark::State &) {
      go_spawn_options options = {};
      options.growth = growth.c_str();
      options.stack_initial = 8192;
      runToEnd(options, climbBy(how));
    });
    state.SetIterationTime(climb.seconds);
  }
}

// The floor and the naive way, on an ordinary thread's idea of a stack.
void BM_ClimbReservation(benchmark::State &state) {
  const size_t bytes = static_cast<size_t>(state.range(0));
  const size_t map = 2 * bytes + (1 << 20);
  climb = {bytes, static_cast<size_t>(state.range(1)), 0};
  for (auto _ : state) {
    char *p = static_cast<char *>(mmap(nullptr, map, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    rt_onstack(climbOnce, nullptr, reinterpret_cast<uintptr_t>(p + map - 64), nullptr,
               nullptr);
    munmap(p, map);
    state.SetIterationTime(climb.seconds);
  }
}

void BM_ClimbMapCopyUnmap(benchmark::State &state) {
  const size_t to = static_cast<size_t>(state.range(0));
  auto map = [](size_t n) {
    char *p = static_cast<char *>(
        mmap(nullptr, n + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(p, 4096, PROT_NONE);
    return p;
  };
  for (auto _ : state) {
    size_t size = 8192;
    char *stack = map(size);
    std::memset(stack + 4096, 1, size);
    while (size < to) {
      char *larger = map(2 * size);
      std::memcpy(larger + 4096 + size, stack + 4096, size);
      munmap(stack, size + 4096);
      stack = larger;
      std::memset(stack + 4096, 1, size);  // the new half is used
      size *= 2;
    }
    munmap(stack, size + 4096);
  }
}

// ---- The hot split ---------------------------------------------------------------------------

// A loop whose calls need a little more than there is: a stack that has grown has it from then on,
// but one of segments leaves and comes back each time.
void BM_CallAtBoundary(benchmark::State &state, const std::string &growth) {
  static benchmark::State *now;
  static go_waitgroup done;
  now = &state;
  done = {};
  bench::onGoroutine(state, 1, [&](benchmark::State &) {
    go_spawn_options options = {};
    options.growth = growth.c_str();
    options.stack_initial = 8192;
    bench::check(go_waitgroup_add(&done, 1), "add");
    bench::check(go_spawn(&options, [](void *) {
                   auto loop = [] {
                     for (auto _ : *now)
                       bench::check(go_call_on_stack(4 * kStepSlack, nothing, nullptr), "call");
                   };
                   nearTheEnd(2 * kStepSlack, loop);
                   go_waitgroup_done(&done);
                 }, nullptr), "go_spawn");
    bench::check(go_waitgroup_wait(&done), "wait");
  });
}

// ---- No growth -------------------------------------------------------------------------------

// A call tree that fits: what a strategy costs a program that never runs out.
void BM_NoGrowth(benchmark::State &state, const std::string &growth) {
  static benchmark::State *now;
  now = &state;
  bench::onGoroutine(state, 1, [&](benchmark::State &) {
    go_spawn_options options = {};
    options.growth = growth.c_str();
    options.stack_initial = 64 << 10;
    runToEnd(options, [](void *) {
      for (auto _ : *now) {
        go_checkpoint(4096);
        descend<128>(4096);
      }
    });
  });
}

const std::vector<std::vector<int64_t>> kClimbs = {
    {32 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 64 << 20}, {128, 1024, 16384}};

void registerFor(const std::string &name, const rt_growth *growth) {
  const auto oneStep = [&name](const char *by, How how) {
    benchmark::RegisterBenchmark(("BM_GrowthStep/" + name + "/" + by).c_str(), BM_GrowthStep, name,
                                 how)
        ->RangeMultiplier(2)->Range(8 << 10, 8 << 20)->UseManualTime();
  };
  const bool checks = growth->mark_bytes != 0;
  if (growth->fault) oneStep("fault", kByFault);
  if (growth->checkpoint) oneStep("checkpoint", kByCheckpoint);
  if (growth->call) oneStep("call", kByCall);
  if (checks) oneStep("check", kByCheck);
  const bool asked = (growth->checkpoint || growth->call) && !growth->fault;
  const How climbs = checks ? kByCheck : asked ? kByCall : kByFault;
  benchmark::RegisterBenchmark(("BM_ClimbWarm/" + name).c_str(), BM_ClimbWarm, name, climbs)
      ->ArgsProduct(kClimbs)->UseManualTime();
  benchmark::RegisterBenchmark(("BM_ClimbCold/" + name).c_str(), BM_ClimbCold, name, climbs)
      ->ArgsProduct(kClimbs)->UseManualTime();
  if (asked || growth->fault)
    benchmark::RegisterBenchmark(("BM_CallAtBoundary/" + name).c_str(), BM_CallAtBoundary, name);
  benchmark::RegisterBenchmark(("BM_NoGrowth/" + name).c_str(), BM_NoGrowth, name);
}

}  // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (int i = 0; rt_growth_at(i); i++) registerFor(rt_growth_at(i)->name, rt_growth_at(i));
  benchmark::RegisterBenchmark("BM_ClimbReservation", BM_ClimbReservation)
      ->ArgsProduct(kClimbs)->UseManualTime();
  benchmark::RegisterBenchmark("BM_ClimbMapCopyUnmap", BM_ClimbMapCopyUnmap)
      ->Arg(64 << 10)->Arg(1 << 20)->Arg(64 << 20);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
