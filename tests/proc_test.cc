// The scheduler's rule that no work may be forgotten (proc.c), at the moments that decide; and what
// all Ms read, where nobody writes.
#include <gtest/gtest.h>

#include <atomic>

#include "runtime/sched/lock.h"
#include "tests/goroutine.h"
extern "C" {
#include "runtime/arch/arch.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/sched.h"
}

namespace {

std::atomic<bool> armed, gave_up_its_p, more_work;

// On g0 of an M that looked everywhere, found nothing, and has just made its P idle.
bool HasGivenUp(const struct rt_lock *l) {
  const rt_g *g = l == &rt_sched.lock ? rt_getg() : nullptr;
  return g && g == &g->m->g0 && g->m->spinning && !g->m->p;
}

}  // namespace

extern "C" void __real_rt_unlock(struct rt_lock *l);
extern "C" void __wrap_rt_unlock(struct rt_lock *l) {
  const bool here = armed && HasGivenUp(l) && armed.exchange(false);
  __real_rt_unlock(l);
  if (!here) return;
  gave_up_its_p = true;
  while (!more_work) rt_cpu_relax();
}

namespace {

// Whoever makes it sees somebody spinning, and wakes nobody; and goes on without a pause.  So the
// other must look once more after it no longer counts as spinning: or it sleeps beside the work.
TEST(WhoStopsLookingForWork, SeesWhatWasMadeInTheLastMoment) {
  static std::atomic<bool> ran, slept;
  ran = slept = gave_up_its_p = more_work = false;
  ASSERT_EQ(RunFirst(Procs(2), [] {
    go_preempt_off();
    armed = true;
    Go([](void *) {});  // brings the other, which then has nothing left
    while (!gave_up_its_p) rt_cpu_relax();
    Go([](void *) { ran = true; });
    more_work = true;
    while (!ran && !slept) {
      rt_lock(&rt_sched.lock);
      const bool idle = rt_sched.nmidle > 0;
      rt_unlock(&rt_sched.lock);
      slept = idle && !ran;
    }
    go_preempt_on();
  }), GO_OK);
  EXPECT_TRUE(ran);
  EXPECT_FALSE(slept);
}

// A wait group of a program that lay beside rt_det made 100,000 goroutines on two Ps slower by a
// fifth to a half: each that ended took the line away from all that asked whether a seed decides.
TEST(WhatEveryOperationReads, HasCacheLinesOfItsOwn) { EXPECT_EQ(alignof(struct rt_det), 64u); }

}  // namespace
