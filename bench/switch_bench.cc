// What the scheduler costs when no stack grows: the bare switch, yield, spawn and exit, park and
// ready.  Boost.Context does the same work in the same process: its jump_fcontext is the baseline
// of the switch, its pooled fibers those of spawn+exit.
#include <benchmark/benchmark.h>
#include <boost/context/detail/fcontext.hpp>
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>

#include <string>

#include "bench/goroutine.h"
extern "C" {
#include "runtime/arch/arch.h"
#include "runtime/sched/sched.h"
}

namespace {

// ---- The bare switch -------------------------------------------------------------------------

// A goroutine leaves for g0, and g0 goes back to it: two switches, no scheduling.
struct Pair {
  alignas(64) char g_stack[64 << 10], g0_stack[64 << 10];
  uintptr_t g0_sp;
  rt_g g, g0;
} pair;

void comeAndGo() {
  for (;;) rt_mcall_to(&pair.g, [](rt_g *) {}, pair.g0_sp, &pair.g0);
}

rt_g *next(void *state) {
  return static_cast<benchmark::State *>(state)->KeepRunning() ? &pair.g : nullptr;
}

void BM_SwitchPair(benchmark::State &state) {
  pair.g.gs.sp = rt_gostack(reinterpret_cast<uintptr_t>(&pair.g_stack + 1), comeAndGo);
  // Not at the same place in a page as the other stack: a load of one would wait for a store to the
  // other.  In the scheduler the frames above rt_gloop see to that.
  rt_onstack([](void *s) { rt_gloop(next, s, &pair.g0_sp); }, &state,
             reinterpret_cast<uintptr_t>(&pair.g0_stack + 1) - 1024, &pair.g0, nullptr);
}
BENCHMARK(BM_SwitchPair);

void BM_BoostSwitchPair(benchmark::State &state) {
  namespace ctx = boost::context::detail;
  static char stack[64 << 10];
  ctx::fcontext_t there = ctx::make_fcontext(stack + sizeof stack, sizeof stack,
                                             [](ctx::transfer_t t) {
                                               for (;;) t = ctx::jump_fcontext(t.fctx, nullptr);
                                             });
  while (state.KeepRunning()) there = ctx::jump_fcontext(there, nullptr).fctx;
}
BENCHMARK(BM_BoostSwitchPair);

// ---- Spawn and exit --------------------------------------------------------------------------

void BM_SpawnExit(benchmark::State &state, const char *growth) {
  bench::onGoroutine(state, 1, [growth](benchmark::State &s) {
    go_spawn_options options = {};
    options.growth = growth;
    options.stack_initial = 8192;
    for (auto _ : s) {
      bench::check(go_spawn(&options, [](void *) {}, nullptr), "go_spawn");
      go_yield();
    }
  });
}

// The same with many goroutines parked: it must not cost more.
void BM_SpawnExitBesideParked(benchmark::State &state) {
  static go_waitgroup never, parked;
  bench::onGoroutine(state, 1, [](benchmark::State &s) {
    go_spawn_options options = {};
    options.growth = "checkpoint";
    never = parked = {};
    bench::check(go_waitgroup_add(&never, 1), "add");
    bench::check(go_waitgroup_add(&parked, static_cast<int>(s.range(0))), "add");
    for (int64_t i = 0; i < s.range(0); i++)
      bench::check(go_spawn(&options, [](void *) {
                     go_waitgroup_done(&parked);
                     go_waitgroup_wait(&never);
                   }, nullptr), "go_spawn");
    if (s.range(0) > 0) bench::check(go_waitgroup_wait(&parked), "wait");
    for (auto _ : s) {
      bench::check(go_spawn(&options, [](void *) {}, nullptr), "go_spawn");
      go_yield();
    }
  });
}
BENCHMARK(BM_SpawnExitBesideParked)->Arg(0)->Arg(100000)->Iterations(1000000);

void BM_BoostPooledCreateRunDestroy(benchmark::State &state) {
  namespace ctx = boost::context;
  ctx::pooled_fixedsize_stack pool(64 << 10);
  for (auto _ : state) {
    ctx::fiber f(std::allocator_arg, pool, [](ctx::fiber &&back) { return std::move(back); });
    f = std::move(f).resume();
  }
}
BENCHMARK(BM_BoostPooledCreateRunDestroy);

// ---- Yield, park and ready -------------------------------------------------------------------

// Two goroutines yield n times each: at GOMAXPROCS 1, to each other.
void BM_YieldPair(benchmark::State &state) {
  struct Yields {
    int64_t n;
    go_waitgroup done;
  };
  bench::timeAll(state, static_cast<int>(state.range(0)), [](int64_t n) {
    Yields y = {n, {}};
    go_waitgroup_add(&y.done, 1);
    bench::spawn([](void *p) {
      Yields *mine = static_cast<Yields *>(p);
      for (int64_t i = 0; i < mine->n; i++) go_yield();
      go_waitgroup_done(&mine->done);
    }, &y);
    for (int64_t i = 0; i < n; i++) go_yield();
    go_waitgroup_wait(&y.done);
  });
}
BENCHMARK(BM_YieldPair)->Arg(1)->Arg(2)->UseRealTime();

void BM_WaitGroupRoundTrip(benchmark::State &state) {
  static go_waitgroup wg;
  bench::onGoroutine(state, 1, [](benchmark::State &s) {
    for (auto _ : s) {
      wg = {};
      go_waitgroup_add(&wg, 1);
      go_spawn(nullptr, [](void *) { go_waitgroup_done(&wg); }, nullptr);
      go_waitgroup_wait(&wg);
    }
  });
}
BENCHMARK(BM_WaitGroupRoundTrip);

}  // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (int i = 0; const char *growth = go_growth_name(i); i++)
    benchmark::RegisterBenchmark((std::string("BM_SpawnExit/") + growth).c_str(), BM_SpawnExit,
                                 growth);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
