// unprobed.c: frames that the compiler has not probed, as those of most libraries, compiled without
// -fstack-clash-protection: one step of SP may go beyond the guard.
#include "bench/hazards/cases/cases.h"
#include "bench/hazards/hazard.h"

#include <string.h>

#include "runtime/go.h"

// Lands below the guard, and touches that afterwards: what is live lies on both sides of it.
NOINLINE uint64_t skip_guard_unprobed(uint64_t n) {
  unsigned char bytes[200 << 10], *p = bytes;
  HIDE(p);
  memset(p, (int)n, sizeof bytes);
  HIDE(p);
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof bytes; i++)
    sum += p[i];
  return sum;
}

// ---- Whose memory is it that lies there? -------------------------------------------------------
enum { NEIGHBOURS = 6, WORDS = 400 };

static struct go_waitgroup over, done;
static unsigned damaged;

static void neighbour(void *arg) {
  volatile uint64_t words[WORDS];
  for (unsigned i = 0; i < WORDS; i++)
    words[i] = i * 0x9e3779b97f4a7c15;
  go_waitgroup_wait(&over);
  for (unsigned i = 0; i < WORDS; i++)
    damaged += words[i] != i * 0x9e3779b97f4a7c15;
  go_waitgroup_done(&done);
  (void)arg;
}

NOINLINE static void skip(unsigned char fill) {
  unsigned char bytes[134 << 10], *p = bytes;
  HIDE(p);
  memset(p, fill, 6 << 10);
  HIDE(p);
}

static void culprit(void *arg) {
  skip((unsigned char)(uintptr_t)arg);
  go_waitgroup_done(&over);
  go_waitgroup_done(&done);
}

// One goroutine skips its guard while others, on the stacks beside its own, keep words on theirs.
uint64_t skip_guard_neighbour(uint64_t n) {
  const struct go_spawn_options options = {.growth = hazard_growth(), .stack_initial = 8192};
  damaged = 0;
  go_waitgroup_add(&over, 1);
  go_waitgroup_add(&done, NEIGHBOURS + 1);
  for (int i = 0; i < NEIGHBOURS; i++)
    if (go_spawn(&options, i == NEIGHBOURS / 2 ? culprit : neighbour, (void *)(uintptr_t)n) != 0)
      return 1;
  if (go_spawn(&options, neighbour, NULL) != 0)
    return 1;
  go_waitgroup_wait(&done);
  return damaged;
}
