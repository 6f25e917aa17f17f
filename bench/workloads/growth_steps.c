// growth_steps.c: the two micro workloads that isolate growth: one step, and a climb.
#include "bench/workloads/workload.h"

enum { STEP_BYTES = 4096, STEP_NEEDED = STEP_BYTES + 1024, STEP_LEFT = 1536, FRAME_BYTES = 128 };

// Writes STEP_BYTES below its caller: the touch that a full stack cannot take.
static __attribute__((noinline)) uint64_t touch_below(void) {
  volatile unsigned char *page = __builtin_alloca(STEP_BYTES);
  // The empty assembly may do anything with the page, so all of it has to be there.
  __asm__ volatile("" : : "r"(page) : "memory");
  page[0] = 1;
  return page[0];
}

static uint64_t run_step(size_t size) {
  (void)size;
  return touch_below();
}

// A frame of FRAME_BYTES that points to its parent's and reads through it after the descent, so
// that a frame which was lost or a pointer which went stale shows in the sum.
struct frame {
  const struct frame *up;
  uint64_t value;
  uint64_t levels, sum;  // below this one
  uint64_t locals[8];    // what fills the frame up to FRAME_BYTES
};

static __attribute__((noinline)) void climb_level(void *arg) {
  struct frame *up = arg;
  volatile struct frame here;
  here.up = up;
  here.levels = up->levels - 1;
  here.value = up->levels * 2654435761u;
  here.sum = 0;
  if (up->levels > 0)
    call_with_stack(1024, climb_level, (struct frame *)&here);
  up->sum = checksum_word(here.sum, here.value ^ here.up->value);
}

static uint64_t run_climb(size_t size) {
  struct frame top = {.levels = size / FRAME_BYTES};
  climb_level(&top);
  return top.sum;
}

static const size_t step_sizes[] = {8192,       16384,      32768,      65536,   131072,
                                    256 * 1024, 512 * 1024, 1024 * 1024, 0};
static const size_t climb_sizes[] = {8192,       16384,      32768,      65536,   131072,
                                     256 * 1024, 512 * 1024, 1024 * 1024, 0};

const struct workload workload_step = {
    .name = "step",
    .library = "own code",
    .does = "one growth step of a full stack, a quarter of its words pointers into itself",
    .checkpoint_bytes = STEP_NEEDED,
    .run = run_step,
    .kind = KIND_MICRO_INITIAL,
    .fixed_left = STEP_LEFT,
    .sizes = step_sizes,
};

const struct workload workload_climb = {
    .name = "climb",
    .library = "own code",
    .does = "recursion in 128-byte frames from an 8 KiB stack to the size given, and back",
    .checkpoint_bytes = STEP_NEEDED,
    .run = run_climb,
    .kind = KIND_MICRO_SIZE,
    .fixed_left = STEP_LEFT,
    .sizes = climb_sizes,
};
