// Many goroutines alive at once that each grow: recursion with live pointers in frames, in
// registers and in vector registers, yields at random depths, and every frame checked on the way
// back.  A run is named by its seed: STRESS_SEED=n is the first one, and a failure prints its own.
//
// Compiled with -O2 in every mode: pointers are to be in registers when the stack moves.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/goroutine.h"

namespace {

constexpr bool kTsan = __has_feature(thread_sanitizer);
// ThreadSanitizer knows 8,128 threads and fibers, Ms included, and slows a switch tenfold.
constexpr int kAliveMax = kTsan ? 6000 : 1 << 30;
// Frames with red zones of AddressSanitizer are several times as large.
constexpr size_t kCheckpointSlack =
    kTsan || __has_feature(address_sanitizer) ? 32 << 10 : 4 << 10;

// ---- What a run is -------------------------------------------------------------------------

struct Run {
  const char *growth;
  int procs, goroutines;
  uint64_t seed;
  bool asks;  // the stack grows there only
};
Run run;
go_waitgroup arrived, gate, done;
std::atomic<int> finished;

// On a goroutine's stack: nothing that needs much of it.
[[noreturn]] void Wrong(const char *what, uint64_t goroutine, long depth) {
  const std::string text = std::string(what) + ": seed " + std::to_string(run.seed) +
                           ", goroutine " + std::to_string(goroutine) + ", depth " +
                           std::to_string(depth) + ", " + run.growth + ", GOMAXPROCS " +
                           std::to_string(run.procs) + "\n";
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) abort();
  abort();
}

uint64_t Next(uint64_t *state) {  // SplitMix64 (Steele, Lea and Flood 2014)
  uint64_t z = (*state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// ---- A goroutine's stack ---------------------------------------------------------------------

// Lies on the stack, as everything here: all pointers move with it.
struct Walk {
  uint64_t id, random;
  long target, gate_depth;  // bytes of frames to reach, and to wait at the gate at
  bool waited;
};

// Copied whole from frame to frame, through vector registers, into memory that is touched first by
// that very copy.
struct Pointers {
  void *p[8];
};

struct Head {
  Head *up, *self;
  Walk *walk;
  long depth;
  uint64_t *first, *last;  // last: one past the end
  Pointers pointers;
  uint64_t mark;
};

void Descend(Walk *walk, Head *up, long depth);

// A frame to be made, perhaps on another stack.
struct Step {
  Walk *walk;
  Head *up;
  long depth;
  unsigned kind;
};

void CheckHead(const Head *h, const Walk *walk, const Head *up, long depth) {
  if (h->self != h || h->up != up || h->walk != walk || h->depth != depth)
    Wrong("pointers of a frame", walk->id, depth);
  if (h->mark != walk->id * 31 + static_cast<uint64_t>(depth)) Wrong("mark", walk->id, depth);
  for (int i = 0; up && i < 8; i++)
    if (h->pointers.p[i] != (i % 2 ? static_cast<void *>(up->first) : up->self))
      Wrong("pointers copied by vectors", walk->id, depth);
}

template <size_t kWords>
__attribute__((noinline)) void Frame(Walk *walk, Head *up, long depth) {
  struct {
    Head head;
    uint64_t words[kWords];
  } f;
  Pointers next;
  if (up)
    for (int i = 0; i < 8; i++) next.p[i] = i % 2 ? static_cast<void *>(up->first) : up->self;
  else
    memset(&next, 0, sizeof next);
  f.head.pointers = next;
  f.head.up = up;
  f.head.self = &f.head;
  f.head.walk = walk;
  f.head.depth = depth;
  f.head.mark = walk->id * 31 + static_cast<uint64_t>(depth);
  f.head.first = f.words;
  f.head.last = f.words + kWords;
  uint64_t *a = f.words, *b = f.words + kWords / 2, *end = f.words + kWords;
  const uint64_t key = walk->id << 20 ^ static_cast<uint64_t>(depth);
  // By index: of `w - a` a compiler keeps the negated `a` in a register, which names no stack, and
  // is wrong once the goroutine has been interrupted in the loop and its stack has moved.  By XOR:
  // of a sum gcc makes the index, and keeps `a - key`.
  for (size_t i = 0; i < kWords; i++) a[i] = key ^ i;
  // The compiler knows nothing about these any more, so they live across the call.
  __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(end) : : "memory");
  Descend(walk, &f.head, depth + static_cast<long>(sizeof f));
  __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(end) : : "memory");
  CheckHead(&f.head, walk, up, depth);
  if (a != f.words || b != f.words + kWords / 2 || end != f.head.last || f.head.first != a)
    Wrong("pointers in registers", walk->id, depth);
  for (size_t i = 0; i < kWords; i++)
    if (a[i] != (key ^ i)) Wrong("words of a frame", walk->id, depth);
}

void MakeFrame(void *p) {
  const Step s = *static_cast<const Step *>(p);
  if (s.kind == 0)
    Frame<2400>(s.walk, s.up, s.depth);
  else if (s.kind < 4)
    Frame<480>(s.walk, s.up, s.depth);
  else if (s.kind < 10)
    Frame<9>(s.walk, s.up, s.depth);
  else
    Frame<60>(s.walk, s.up, s.depth);
}

void Descend(Walk *walk, Head *up, long depth) {
  if (!walk->waited && depth >= walk->gate_depth) {
    walk->waited = true;
    go_waitgroup_done(&arrived);
    go_waitgroup_wait(&gate);
  }
  if (depth >= walk->target) return;
  const uint64_t r = Next(&walk->random);
  if (r % 16 == 0) go_yield();
  const unsigned kind = r >> 8 & 15;
  const size_t bytes = kind == 0 ? 20000 : kind < 4 ? 4096 : 1024;
  Step step = {walk, up, depth, kind};
  if (run.asks || (r >> 16) % 32 == 0) {
    const int error = go_call_on_stack(bytes + kCheckpointSlack, MakeFrame, &step);
    if (error) Wrong(go_strerror(error), walk->id, depth);
  } else {
    MakeFrame(&step);
  }
  if (r >> 32 & 1) go_yield();
}

void Goroutine(void *arg) {
  Walk walk = {};
  walk.id = reinterpret_cast<uintptr_t>(arg);
  walk.random = run.seed * 1000003 + walk.id;
  walk.gate_depth = static_cast<long>(WholePages(8192) + Next(&walk.random) % 4000);
  walk.target = walk.gate_depth + static_cast<long>(Next(&walk.random) % 30000);
  Descend(&walk, nullptr, 0);
  finished++;
  go_waitgroup_done(&done);
}

void First(void *) {
  go_spawn_options options = {};
  options.growth = run.growth;
  options.stack_initial = 8192;
  go_waitgroup_add(&gate, 1);
  go_waitgroup_add(&arrived, run.goroutines);
  go_waitgroup_add(&done, run.goroutines);
  for (int i = 1; i <= run.goroutines; i++) {
    const int error = go_spawn(&options, Goroutine, reinterpret_cast<void *>(uintptr_t(i)));
    if (error) Wrong(go_strerror(error), static_cast<uint64_t>(i), 0);
  }
  go_waitgroup_wait(&arrived);  // all of them are alive, each on a stack that has grown
  go_waitgroup_done(&gate);
  go_waitgroup_wait(&done);
}

void ExpectClean(const Run &wanted) {
  run = wanted;
  // Under `prologue`, as code without checks must; prologue_test has the other kind.
  run.asks = !GrowsOnFault(run.growth) && GrowsWhenAsked(run.growth);
  arrived = gate = done = {};
  finished = 0;
  go_config config = SmallStacks(nullptr);
  config.maxprocs = run.procs;
  config.stack_hybrid = 16 << 10;  // or nothing would move
  struct go_stats before, after;
  go_stats(&before);
  ASSERT_EQ(go_run(&config, First, nullptr), GO_OK);
  go_stats(&after);
  EXPECT_EQ(finished, run.goroutines);
  const uint64_t in_place = after.growths_in_place - before.growths_in_place;
  const uint64_t moves = after.growths - before.growths - in_place;
  const auto each = static_cast<uint64_t>(run.goroutines);
  if (go_growth_moves(run.growth))
    EXPECT_GE(moves, each);
  else
    EXPECT_EQ(moves, 0u);
  if (!go_growth_moves(run.growth) && GrowsOnFault(run.growth)) EXPECT_GE(in_place, each);
  if (!go_growth_moves(run.growth) && run.asks)
    EXPECT_GE(after.segments_made - before.segments_made, each);
  for (int i = 0; i < GO_STACK_CLASSES; i++)
    EXPECT_EQ(after.stacks_by_class[i], before.stacks_by_class[i]) << "class " << i;
}

uint64_t FirstSeed() {
  const char *text = getenv("STRESS_SEED");
  return text ? strtoull(text, nullptr, 10) : 1;
}

class Stress : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Gomaxprocs, Stress, ::testing::Values(1, 2, 4),
                         [](const auto &i) { return std::to_string(i.param); });

TEST_P(Stress, EachGoroutineGrowsAndFindsItsFramesAgain) {
  const uint64_t seed = FirstSeed();
  const int goroutines = GOROUTINES < kAliveMax ? GOROUTINES : kAliveMax;
  for (uint64_t i = 0; i < ROUNDS && !HasFailure(); i++) {
    if (ROUNDS > 10) {
      // One strategy a round: the long run has rounds enough for all of them.
      static const auto growths = Growths([](const rt_growth &row) {
        return row.fault || row.checkpoint || row.call;  // which ever grow
      });
      const char *growth = growths[i % growths.size()];
      fprintf(stderr, "seed %llu: %d goroutines, %s, GOMAXPROCS %d\n",
              static_cast<unsigned long long>(seed + i), goroutines, growth, GetParam());
      ExpectClean({growth, GetParam(), goroutines, seed + i, false});
      continue;
    }
    for (int k = 0; go_growth_name(k); k++) {
      if (DeadlocksTsan(go_growth_name(k))) continue;
      SCOPED_TRACE(std::string(go_growth_name(k)) + ", seed " + std::to_string(seed + i));
      ExpectClean({go_growth_name(k), GetParam(), goroutines, seed + i, false});
    }
  }
}

// An M may be on its way into being when the scheduler stops.
void ShortRun(void *) {
  const auto nothing = [](void *) { go_yield(); };
  for (int i = 0; i < 3; i++) go_spawn(nullptr, nothing, nullptr);
  go_yield();
}

TEST(StressRuns, ManyShortRunsEndWhileThreadsStart) {
  for (int i = 0; i < 2000; i++) {
    go_config config = {};
    config.maxprocs = 1 + i % 8;
    ASSERT_EQ(go_run(&config, ShortRun, nullptr), GO_OK);
  }
}

}  // namespace
