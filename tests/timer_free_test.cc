// go_timer_free while the timer's call is under way, and finds no memory for its goroutine.
#include <gtest/gtest.h>

#include "tests/goroutine.h"

namespace {

go_timer *timer;
bool frees;
int calls, begun;

}  // namespace

// Where a timer that is due makes its goroutine: its lock has been let go, and another thread's
// goroutine may free it.
extern "C" int __real_rt_newproc(void (*fn)(void *), void *arg);
extern "C" int __wrap_rt_newproc(void (*fn)(void *), void *arg) {
  if (++calls > 1) return __real_rt_newproc(fn, arg);
  if (frees) go_timer_free(timer);
  return GO_ENOMEM;
}

namespace {

void RunOneTimer() {
  calls = begun = 0;
  ASSERT_EQ(RunFirst(Virtual(), [] {
    ASSERT_EQ(go_timer_func([](void *) { begun++; }, nullptr, &timer), GO_OK);
    ASSERT_EQ(go_timer_start(timer, GO_MILLISECOND, 0), GO_OK);
    go_sleep(GO_SECOND);
    if (!frees) go_timer_free(timer);
  }), GO_OK);
}

TEST(Timer, WithoutMemoryForItsGoroutineTriesAgain) {
  frees = false;
  RunOneTimer();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(begun, 1);
}

TEST(Timer, DoesNotTryAgainOnceItIsFreed) {
  frees = true;
  RunOneTimer();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(begun, 0);
}

}  // namespace
