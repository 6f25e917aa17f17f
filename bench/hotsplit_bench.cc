// The control of prologue_bench's BM_HotSplit: the same frames, with the same checks, on libgcc's
// segmented stacks.  A call that crosses the end of a segment gets another one, and gives it back
// when it returns: every time.  It is why Go and Rust gave segments up.
//
// On a plain thread: the runtime's __morestack is not linked here, libgcc's is.
#include <benchmark/benchmark.h>
#include <pthread.h>

#include <cstdlib>

#include "bench/checked_frames.h"

// libgcc's (morestack.S): what SP is compared with.
extern "C" void __morestack_set_guard(void *);

namespace {

void onThread(benchmark::State *state) {
  const size_t bytes = static_cast<size_t>(state->range(0)) * (128 + 48);
  char here;
  if (state->range(1)) __morestack_set_guard(&here - 1024);
  for (auto _ : *state) checkedDescend(128, bytes);
  __morestack_set_guard(nullptr);
}

// range(1): whether the segment ends 1 KiB below the loop.
void BM_HotSplitLibgcc(benchmark::State &state) {
  pthread_t thread;
  const auto run = [](void *s) -> void * {
    onThread(static_cast<benchmark::State *>(s));
    return nullptr;
  };
  if (pthread_create(&thread, nullptr, run, &state) != 0) abort();
  pthread_join(thread, nullptr);
}
BENCHMARK(BM_HotSplitLibgcc)->ArgsProduct({{1, 4, 16, 64, 256}, {0, 1}});

}  // namespace

BENCHMARK_MAIN();
