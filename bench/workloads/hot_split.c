// hot_split.c: loops that cross the end of the stack again and again.
//
// hot_split sits on the last bytes of the stack and calls a function that does not fit.  A
// strategy that gives back what the call needed when it returns pays in every iteration; one that
// keeps it pays once.  thrash descends and returns, which would be hard on a strategy that shrinks
// stacks; with parks in between the scheduler has every opportunity to do so, and in thrash_asked
// and thrash_idle it does.
#include "bench/workloads/workload.h"
#include "runtime/go.h"

enum {
  HOT_ITERATIONS = 1024,
  TIMED_EVERY = 16,  // reading the clock takes longer than a call
  HOT_FRAME = 2048,
  HOT_NEEDED = HOT_FRAME + 1024,
  HOT_LEFT = 1024,  // for the call that asks for more, or faults
  NEAR_END = 256 * 1024,
  THRASH_DESCENTS = 16,
  ENTRY_LEFT = 1536,
  ENTRY_NEEDED = 4096,
};

// ---- hot_split -------------------------------------------------------------------------------
static void hot(void *arg) {
  volatile unsigned char frame[HOT_FRAME];
  uint64_t *sum = arg;
  frame[0] = (unsigned char)*sum;
  __asm__ volatile("" : : "r"(frame) : "memory");
  *sum = checksum_word(*sum, frame[0]);
}

static void call_hot(uint64_t *sum, bool timed) {
  const uint64_t begin = timed ? clock_ns() : 0;
  call_with_stack(HOT_NEEDED, hot, sum);
  if (timed)
    note_call(clock_ns() - begin);
}

// Takes what is left of this stack but HOT_LEFT bytes.  Where the end is far below, as on a thread
// or in a reservation, there is no boundary to sit on.
static void hot_loop(void *arg) {
  uint64_t *sum = arg;
  struct go_stack_bounds bounds = {0, 0};
  const uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
  size_t fill = 0;
  if (go_stack_bounds(&bounds) == GO_OK && sp - bounds.lo < NEAR_END + (bounds.hi - sp) * 4)
    fill = sp - bounds.lo > HOT_LEFT + 256 ? sp - bounds.lo - HOT_LEFT - 256 : 0;
  volatile unsigned char *filled = __builtin_alloca(fill + 16);
  filled[0] = 1;
  for (unsigned i = 0; i < HOT_ITERATIONS; i++)
    call_hot(sum, i % TIMED_EVERY == 0);
  *sum = checksum_word(*sum, filled[0]);
}

static uint64_t run_hot_split(size_t size) {
  uint64_t sum = checksum_seed;
  const uint64_t frames = descend(size, hot_loop, &sum);
  return checksum_word(sum, frames);
}

// ---- thrash ----------------------------------------------------------------------------------
// A goroutine that answers every `there` by `back`: to wait for it is to park.
static struct go_sem there, back;

// It takes its time as *how says.
struct answering {
  bool shrinks;  // has whoever waits give memory back meanwhile
  int64_t ns;    // and sleeps for so long
};

static void answer(void *arg) {
  const struct answering *how = arg;
  for (int i = 0; i < THRASH_DESCENTS; i++) {
    go_sem_acquire(&there, 1);
    if (how->shrinks)
      go_shrink(0);
    if (how->ns)
      go_sleep(how->ns);
    go_sem_release(&back, 1);
  }
}

static uint64_t thrash(size_t size, const struct answering *parks) {
  uint64_t sum = checksum_seed;
  const struct go_spawn_options options = {.growth = "reserve"};
  const int code = parks ? go_spawn(&options, answer, (void *)parks) : GO_OK;
  if (code != GO_OK)
    workload_refuse("go_spawn", code);
  for (int i = 0; i < THRASH_DESCENTS; i++) {
    const uint64_t begin = clock_ns();
    const uint64_t frames = descend(size, NULL, NULL);
    note_call(clock_ns() - begin);
    sum = checksum_word(sum, frames);
    if (parks) {
      go_sem_release(&there, 1);
      go_sem_acquire(&back, 1);
    }
  }
  return sum;
}

static uint64_t run_thrash(size_t size) {
  return thrash(size, NULL);
}

// A plain thread does not park.
static uint64_t thrash_with(size_t size, const struct answering *how) {
  return thrash(size, go_self() != 0 ? how : NULL);
}

static uint64_t run_thrash_park(size_t size) {
  static const struct answering at_once = {false, 0};
  return thrash_with(size, &at_once);
}

static uint64_t run_thrash_asked(size_t size) {
  static const struct answering shrinking = {true, 0};
  return thrash_with(size, &shrinking);
}

static uint64_t run_thrash_idle(size_t size) {
  static const struct answering slowly = {false, 5 * GO_MILLISECOND};
  return thrash_with(size, &slowly);
}

// ---- Rows ------------------------------------------------------------------------------------
static const size_t hot_sizes[] = {8 * 1024, 64 * 1024, 1024 * 1024, 0};
const struct workload workload_hot_split = {
    .name = "hot_split",
    .library = "own code",
    .does = "at a depth, 1,024 calls of a function that does not fit what is left of the stack",
    .checkpoint_bytes = ENTRY_NEEDED,
    .run = run_hot_split,
    .kind = KIND_PROGRAM,
    .fixed_left = ENTRY_LEFT,
    .sizes = hot_sizes,
    .quick_sizes = 2,
    .iterations = HOT_ITERATIONS,
};

static const size_t thrash_sizes[] = {64 * 1024, 1024 * 1024, 0};
const struct workload workload_thrash = {
    .name = "thrash",
    .library = "own code",
    .does = "descend to a depth and return, 16 times",
    .checkpoint_bytes = ENTRY_NEEDED,
    .run = run_thrash,
    .kind = KIND_PROGRAM,
    .fixed_left = ENTRY_LEFT,
    .sizes = thrash_sizes,
    .quick_sizes = 1,
    .iterations = THRASH_DESCENTS,
};

const struct workload workload_thrash_park = {
    .name = "thrash_park",
    .library = "own code",
    .does = "the same, and park after every return",
    .checkpoint_bytes = ENTRY_NEEDED,
    .run = run_thrash_park,
    .kind = KIND_PROGRAM,
    .fixed_left = ENTRY_LEFT,
    .sizes = thrash_sizes,
    .quick_sizes = 1,
    .iterations = THRASH_DESCENTS,
};

const struct workload workload_thrash_asked = {
    .name = "thrash_asked",
    .library = "own code",
    .does = "descend and return 16 times, and be shrunk by go_shrink after each",
    .checkpoint_bytes = ENTRY_NEEDED,
    .run = run_thrash_asked,
    .kind = KIND_PROGRAM,
    .fixed_left = ENTRY_LEFT,
    .sizes = thrash_sizes,
    .quick_sizes = 1,
    .iterations = THRASH_DESCENTS,
    .shrink = SHRINK_ASKED,
};

const struct workload workload_thrash_idle = {
    .name = "thrash_idle",
    .library = "own code",
    .does = "descend, return and wait for 5 ms 16 times, where who waits for 2 ms is shrunk",
    .checkpoint_bytes = ENTRY_NEEDED,
    .run = run_thrash_idle,
    .kind = KIND_PROGRAM,
    .fixed_left = ENTRY_LEFT,
    .sizes = thrash_sizes,
    .quick_sizes = 1,
    .iterations = THRASH_DESCENTS,
    .shrink = "2ms",
};
