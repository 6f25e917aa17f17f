// A mutex that nobody holds and nobody waits for may be forgotten, its memory with it: whoever has
// let it go touches it no more, not even the lock of its queue.
#include <gtest/gtest.h>

#include "runtime/sched/lock.h"
#include "tests/goroutine.h"

namespace {

go_mutex m;
bool gave_up, lets_go;
int reached, late;

}  // namespace

// In a run with a seed every lock of the runtime is let go by it.  1: LOCKED, in mutex.c.
extern "C" void __real_rt_unlock(struct rt_lock *l);
extern "C" void __wrap_rt_unlock(struct rt_lock *l) {
  if (reinterpret_cast<uint32_t *>(l) == &m.lock && gave_up && lets_go) {
    reached++;
    late += !(m.state & 1);
  }
  __real_rt_unlock(l);
}

namespace {

// The one that waits gives up, and is gone, after the unlock has seen it and before that has come
// to the queue.
TEST(Mutex, IsNotTouchedOnceItIsFreeAndNobodyWaits) {
  go_config config = Virtual();
  reached = late = 0;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    config.seed = seed;
    m = {};
    gave_up = lets_go = false;
    ASSERT_EQ(RunFirst(config, [] {
      const int64_t deadline = go_nanotime() + GO_MILLISECOND;
      go_mutex_lock(&m);
      go_spawn(nullptr, [](void *until) {
        const int error = go_mutex_lock_until(&m, *static_cast<int64_t *>(until));
        gave_up = error == GO_ETIMEDOUT;
        if (error == GO_OK) go_mutex_unlock(&m);
      }, const_cast<int64_t *>(&deadline));
      while (go_nanotime() < deadline) go_yield();
      lets_go = true;
      go_mutex_unlock(&m);
      lets_go = false;
    }), GO_OK);
  }
  EXPECT_GT(reached, 0);
  EXPECT_EQ(late, 0);
}

}  // namespace
