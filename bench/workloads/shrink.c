// shrink.c: goroutines that have been deep once and wait: what they hold, what is left of it where
// they give memory back never, when asked, or after a time, and what it costs to have it again.
#include "bench/workloads/crowd.h"

enum { DEEP_BYTES = 64 * 1024 };

// None ends before all have been deep again: the next would find its memory.
static void member(size_t i) {
  crowd_add(descend(DEEP_BYTES, NULL, NULL));
  crowd_arrive();
  crowd_wait_here(i);
  const uint64_t begin = clock_ns();
  crowd_add(descend(DEEP_BYTES, NULL, NULL));
  note_call(clock_ns() - begin);
  crowd_arrive();
  crowd_wait_here(i);
}

static void wake_all(size_t n) {
  for (size_t i = 0; i < n; i++)
    crowd_wake(i);
}

static uint64_t run(size_t n) {
  crowd_start(n, member);
  crowd_gather();
  crowd_shrink();
  wake_all(n);
  crowd_gather();
  wake_all(n);
  return crowd_join();
}

static uint64_t expect(size_t n) {
  return 2 * n * descend(DEEP_BYTES, NULL, NULL);
}

static const size_t sizes[] = {1000, 5000, 0};

const struct workload workload_shrink_never = {
    .name = "shrink_never",
    .library = "own code",
    .does = "all have been 64 KiB deep and wait, keep what they have, and go deep again",
    .run = run,
    .kind = KIND_PROGRAM,
    .sizes = sizes,
    .quick_sizes = 1,
    .expect = expect,
    .without_thread = true,
    .shrink = "never",
};

const struct workload workload_shrink_asked = {
    .name = "shrink_asked",
    .library = "own code",
    .does = "all have been 64 KiB deep and wait, give memory back when asked, and go deep again",
    .run = run,
    .kind = KIND_PROGRAM,
    .sizes = sizes,
    .quick_sizes = 1,
    .expect = expect,
    .without_thread = true,
    .shrink = SHRINK_ASKED,
};

const struct workload workload_shrink_idle = {
    .name = "shrink_idle",
    .library = "own code",
    .does = "all have been 64 KiB deep and wait, give memory back after 20 ms, and go deep again",
    .run = run,
    .kind = KIND_PROGRAM,
    .sizes = sizes,
    .quick_sizes = 1,
    .expect = expect,
    .without_thread = true,
    .shrink = "20ms",
};
