// Moving a whole stack: bytes into a resident stack, pages, and the naive way (map, copy, unmap),
// by live bytes.  One word in ten names the stack, as in real frames.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstring>

extern "C" {
#include "runtime/stack/copystack.h"
}

namespace {

rt_stackcache cache;

rt_stack alloc(benchmark::State &state, size_t size) {
  rt_stack s = {};
  if (rt_stackalloc(RT_STACK_WIDE, size, &cache, &s) != 0) state.SkipWithError("no stack");
  return s;
}

void fill(const rt_stack &s) {
  auto *w = reinterpret_cast<uint64_t *>(s.lo);
  for (size_t i = 0; i < rt_stack_size(&s) / 8; i++) w[i] = i % 10 == 0 ? s.lo + 8 * i : i;
}

// There and back, so that each iteration finds the same bytes: two moves an iteration.
void moveBothWays(benchmark::State &state, rt_copy_how how) {
  const size_t size = static_cast<size_t>(state.range(0));
  rt_copystack_init();
  const rt_stack a = alloc(state, size), b = alloc(state, size);
  fill(a), fill(b), fill(a);
  rt_copied moved;
  for (auto _ : state) {
    rt_copystack(&a, &b, a.lo, how, &moved);
    rt_copystack(&b, &a, b.lo, how, &moved);
  }
  state.SetBytesProcessed(2 * state.iterations() * static_cast<int64_t>(size));
  if (how == RT_COPY_PAGES && !moved.moved_pages) state.SkipWithError("pages did not move");
  rt_stackfree(&cache, &a);
  rt_stackfree(&cache, &b);
}

void BM_CopystackBytes(benchmark::State &state) { moveBothWays(state, RT_COPY_BYTES); }
BENCHMARK(BM_CopystackBytes)->RangeMultiplier(4)->Range(8 << 10, 32 << 20);

void BM_CopystackPages(benchmark::State &state) { moveBothWays(state, RT_COPY_PAGES); }
BENCHMARK(BM_CopystackPages)->RangeMultiplier(4)->Range(8 << 10, 32 << 20);

// The baseline of both: memory that is already there, no word looked at.
void BM_MemcpyBothWays(benchmark::State &state) {
  const size_t size = static_cast<size_t>(state.range(0));
  const rt_stack a = alloc(state, size), b = alloc(state, size);
  fill(a), fill(b);
  void *pa = reinterpret_cast<void *>(a.lo), *pb = reinterpret_cast<void *>(b.lo);
  for (auto _ : state) {
    std::memcpy(pb, pa, size);
    benchmark::ClobberMemory();
    std::memcpy(pa, pb, size);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(2 * state.iterations() * static_cast<int64_t>(size));
  rt_stackfree(&cache, &a);
  rt_stackfree(&cache, &b);
}
BENCHMARK(BM_MemcpyBothWays)->RangeMultiplier(4)->Range(8 << 10, 32 << 20);

// What a runtime without pools does at each growth, twice an iteration like the others.
void BM_MapCopyUnmapBothWays(benchmark::State &state) {
  const size_t size = static_cast<size_t>(state.range(0));
  auto map = [&] {
    return mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  };
  void *stack = map();
  std::memset(stack, 1, size);
  for (auto _ : state)
    for (int i = 0; i < 2; i++) {
      void *fresh = map();
      std::memcpy(fresh, stack, size);
      munmap(stack, size);
      stack = fresh;
    }
  munmap(stack, size);
  state.SetBytesProcessed(2 * state.iterations() * static_cast<int64_t>(size));
}
BENCHMARK(BM_MapCopyUnmapBothWays)->RangeMultiplier(4)->Range(8 << 10, 32 << 20);

}  // namespace

BENCHMARK_MAIN();
