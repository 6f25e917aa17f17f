// casgstatus_test.cc: the states of a goroutine, step by step: the table is written out a second
// time here, as sentences.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "platform.h"
#include "runtime/sched/sched.h"

namespace {

using Step = std::pair<unsigned, unsigned>;

const std::set<Step> kSteps = {
    {RT_GIDLE, RT_GDEAD},           // a chunk of new ones goes to the free list
    {RT_GDEAD, RT_GRUNNABLE},       // spawned
    {RT_GRUNNABLE, RT_GRUNNING},    // picked
    {RT_GRUNNING, RT_GRUNNABLE},    // yields
    {RT_GRUNNING, RT_GWAITING},     // parks
    {RT_GRUNNING, RT_GDEAD},        // ends
    {RT_GRUNNING, RT_GSYSCALL},     // enters the kernel
    {RT_GRUNNING, RT_GCOPYSTACK},   // runs out of stack
    {RT_GRUNNING, RT_GPREEMPTED},   // is asked to stop
    {RT_GSYSCALL, RT_GRUNNING},     // comes back and still has its P
    {RT_GSYSCALL, RT_GRUNNABLE},    // comes back and has to queue
    {RT_GSYSCALL, RT_GCOPYSTACK},   // runs out of stack on the way in or out
    {RT_GCOPYSTACK, RT_GSYSCALL},   // goes on, elsewhere
    {RT_GWAITING, RT_GRUNNABLE},    // readied
    {RT_GWAITING, RT_GCOPYSTACK},   // its stack shrinks while it is parked
    {RT_GCOPYSTACK, RT_GRUNNING},   // goes on, elsewhere
    {RT_GCOPYSTACK, RT_GWAITING},   // sleeps on, elsewhere
    {RT_GPREEMPTED, RT_GWAITING},   // whoever asked takes over
    {RT_GPREEMPTED, RT_GRUNNABLE},  // is let go
};

enum rt_gstatus Status(unsigned s) { return static_cast<enum rt_gstatus>(s); }

TEST(TheTableOfStates, HasTheseStepsAndNoOthers) {
  for (unsigned from = 0; from < RT_GSTATES; from++)
    for (unsigned to = 0; to < RT_GSTATES; to++)
      EXPECT_EQ(rt_gstatus_allowed(Status(from), Status(to)), kSteps.count({from, to}) == 1)
          << from << " -> " << to;
}

TEST(TheScanBit, ComesAndGoesOnEveryStateAndChangesNothingElse) {
  for (unsigned s = 0; s < RT_GSTATES; s++) {
    EXPECT_TRUE(rt_gstatus_allowed(Status(s), Status(s | RT_GSCAN))) << s;
    EXPECT_TRUE(rt_gstatus_allowed(Status(s | RT_GSCAN), Status(s))) << s;
    EXPECT_FALSE(rt_gstatus_allowed(Status(s | RT_GSCAN), Status(s | RT_GSCAN))) << s;
    for (unsigned other = 0; other < RT_GSTATES; other++) {
      if (other == s) continue;
      EXPECT_FALSE(rt_gstatus_allowed(Status(s), Status(other | RT_GSCAN))) << s << other;
      EXPECT_FALSE(rt_gstatus_allowed(Status(s | RT_GSCAN), Status(other))) << s << other;
      EXPECT_FALSE(rt_gstatus_allowed(Status(s | RT_GSCAN), Status(other | RT_GSCAN)))
          << s << other;
    }
  }
}

TEST(NumbersThatAreNoStates, HaveNoSteps) {
  for (unsigned s : {unsigned{RT_GSTATES}, 31u, 32u, 0xfffu, 0x2000u}) {
    for (unsigned other = 0; other < RT_GSTATES; other++) {
      EXPECT_FALSE(rt_gstatus_allowed(Status(s), Status(other))) << s;
      EXPECT_FALSE(rt_gstatus_allowed(Status(other), Status(s))) << s;
    }
    EXPECT_FALSE(rt_gstatus_allowed(Status(s), Status(s | RT_GSCAN))) << s;
  }
}

TEST(Casgstatus, TakesEveryStepOfTheTable) {
  for (const Step &step : kSteps) {
    rt_g g = {};
    g.status = step.first;
    rt_casgstatus(&g, Status(step.first), Status(step.second));
    EXPECT_EQ(g.status, step.second);
    rt_casgstatus(&g, Status(step.second), Status(step.second | RT_GSCAN));
    EXPECT_EQ(g.status, step.second | RT_GSCAN);
  }
}

void Cas(unsigned is, unsigned from, unsigned to) {
  rt_g g = {};
  g.status = is;
  rt_casgstatus(&g, Status(from), Status(to));
}

TEST(CasgstatusDeathTest, ThrowsForAStepThatIsNotInTheTable) {
  EXPECT_EXIT(Cas(RT_GDEAD, RT_GDEAD, RT_GRUNNING), Aborted,
              "^stacklab: fatal: casgstatus: no such step\n");
}

TEST(CasgstatusDeathTest, ThrowsForAGoroutineInAnotherState) {
  EXPECT_EXIT(Cas(RT_GWAITING, RT_GRUNNABLE, RT_GRUNNING), Aborted,
              "^stacklab: fatal: casgstatus: the goroutine is in another state\n");
  EXPECT_EXIT(Cas(RT_GRUNNABLE | RT_GSCAN, RT_GRUNNABLE, RT_GRUNNING),
              Aborted, "in another state\n");
}

}  // namespace
