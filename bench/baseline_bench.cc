// baseline_bench.cc: what the machine itself charges for the parts of a growth step.  Growth
// figures are read against these: copying the bytes, one fault taken and returned from, fresh
// pages had and given back.  No runtime code is linked.
//
// Sizes are in bytes and are the last argument of each name.
#include <benchmark/benchmark.h>

#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr int64_t kSmallest = 8 << 10, kLargest = 1 << 20;

size_t PageBytes() {
  static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

char *MapOrDie(size_t bytes, int protection) {
  void *p = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) abort();
  return static_cast<char *>(p);
}

void TouchPages(char *base, size_t bytes) {
  for (size_t at = 0; at < bytes; at += PageBytes())
    *static_cast<volatile char *>(base + at) = 1;
}

// ---- One fault and back ------------------------------------------------------------------------
char good_byte = 1;

// Points the register that the load used at memory that can be read, and lets it try again.
void PatchRegister(int, siginfo_t *, void *context) {
  auto *uc = static_cast<ucontext_t *>(context);
  uc->uc_mcontext.gregs[REG_RDI] = reinterpret_cast<greg_t>(&good_byte);
}

// The kernel finds an inaccessible mapping sooner than a guard mark, for which it walks the page
// table: a growth step is to be held against the round trip of its own kind of guard.
enum Guard { kProtected, kMarked };

void BM_SignalRoundTrip(benchmark::State &state, Guard kind) {
  constexpr int kMadvGuardInstall = 102;  // Linux 6.13
  char *guard = MapOrDie(PageBytes(), kind == kMarked ? PROT_READ | PROT_WRITE : PROT_NONE);
  if (kind == kMarked && madvise(guard, PageBytes(), kMadvGuardInstall) != 0) {
    state.SkipWithError("this kernel has no MADV_GUARD_INSTALL");
    munmap(guard, PageBytes());
    return;
  }
  std::vector<char> signal_stack(64 << 10);
  stack_t alternate = {}, old_alternate = {};
  alternate.ss_sp = signal_stack.data();
  alternate.ss_size = signal_stack.size();
  struct sigaction action = {}, old_action = {};
  action.sa_sigaction = PatchRegister;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  if (sigaltstack(&alternate, &old_alternate) || sigaction(SIGSEGV, &action, &old_action)) abort();
  for (auto _ : state) {
    const char *from = guard;
    uint32_t value;
    asm volatile("movzbl (%%rdi), %0" : "=r"(value), "+D"(from) : : "memory");
    benchmark::DoNotOptimize(value);
  }
  sigaction(SIGSEGV, &old_action, nullptr);
  sigaltstack(&old_alternate, nullptr);
  munmap(guard, PageBytes());
}
BENCHMARK_CAPTURE(BM_SignalRoundTrip, mprotect, kProtected);
BENCHMARK_CAPTURE(BM_SignalRoundTrip, madvise, kMarked);

// ---- Copying -----------------------------------------------------------------------------------
void BM_Memcpy(benchmark::State &state) {
  const size_t bytes = static_cast<size_t>(state.range(0));
  char *from = MapOrDie(bytes, PROT_READ | PROT_WRITE);
  char *to = MapOrDie(bytes, PROT_READ | PROT_WRITE);
  TouchPages(from, bytes);
  for (auto _ : state) {
    memcpy(to, from, bytes);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
  munmap(from, bytes);
  munmap(to, bytes);
}
BENCHMARK(BM_Memcpy)->RangeMultiplier(2)->Range(kSmallest, kLargest);

// ---- Fresh pages -------------------------------------------------------------------------------
void BM_MapTouchUnmap(benchmark::State &state) {
  const size_t bytes = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    char *p = MapOrDie(bytes, PROT_READ | PROT_WRITE);
    TouchPages(p, bytes);
    munmap(p, bytes);
  }
}
BENCHMARK(BM_MapTouchUnmap)->RangeMultiplier(2)->Range(kSmallest, kLargest);

// The faults alone: the pages are dropped again outside the time taken.
void BM_PageFaultSweep(benchmark::State &state) {
  const size_t bytes = static_cast<size_t>(state.range(0));
  char *p = MapOrDie(bytes, PROT_READ | PROT_WRITE);
  madvise(p, bytes, MADV_NOHUGEPAGE);
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    TouchPages(p, bytes);
    const auto end = std::chrono::steady_clock::now();
    state.SetIterationTime(std::chrono::duration<double>(end - begin).count());
    madvise(p, bytes, MADV_DONTNEED);
  }
  munmap(p, bytes);
}
BENCHMARK(BM_PageFaultSweep)->RangeMultiplier(2)->Range(kSmallest, kLargest)->UseManualTime();

// Moving pages that are in use to another address, instead of copying what is in them.
void BM_MovePages(benchmark::State &state) {
  const size_t bytes = static_cast<size_t>(state.range(0));
  char *arena = MapOrDie(2 * bytes, PROT_NONE);
  char *from = arena, *to = arena + bytes;
  if (mprotect(from, bytes, PROT_READ | PROT_WRITE)) abort();
  TouchPages(from, bytes);
  for (auto _ : state) {
    if (mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) abort();
    std::swap(from, to);
  }
  munmap(from, bytes);
}
BENCHMARK(BM_MovePages)->RangeMultiplier(2)->Range(kSmallest, kLargest);

// ---- The clock, which every figure of a single step includes twice ------------------------------
void BM_ClockRead(benchmark::State &state) {
  timespec t;
  for (auto _ : state) {
    clock_gettime(CLOCK_MONOTONIC, &t);
    benchmark::DoNotOptimize(t);
  }
}
BENCHMARK(BM_ClockRead);

}  // namespace

BENCHMARK_MAIN();
