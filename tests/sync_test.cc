// Mutex, RWMutex, Cond, Once, semaphore, wait group and scope: what each operation answers, and
// that each keeps its promise among many goroutines, on threads and by seeds.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <vector>

#include "tests/goroutine.h"

namespace {

int64_t Soon() { return go_nanotime() + GO_MILLISECOND; }

go_waitgroup done;
go_mutex m;
go_rwmutex rw;
go_cond cond;
go_sem sem;

class Sync : public testing::Test {
 protected:
  void SetUp() override {
    done = {};
    m = {};
    rw = {};
    cond = {};
    sem = {};
  }
};
class ConcurrentSync : public Sync {};

// ---- Answers ---------------------------------------------------------------------------------

TEST_F(Sync, BelongsToGoroutines) {
  EXPECT_EQ(go_mutex_lock(&m), GO_ENOTG);
  EXPECT_EQ(go_mutex_unlock(&m), GO_ENOTG);
  EXPECT_EQ(go_rwmutex_rlock(&rw), GO_ENOTG);
  EXPECT_EQ(go_rwmutex_lock(&rw), GO_ENOTG);
  EXPECT_EQ(go_cond_wait(&cond, &m), GO_ENOTG);
  EXPECT_EQ(go_cond_signal(&cond), GO_ENOTG);
  EXPECT_EQ(go_sem_acquire(&sem, 1), GO_ENOTG);
  EXPECT_EQ(go_sem_release(&sem, 1), GO_ENOTG);
  EXPECT_EQ(go_waitgroup_wait(&done), GO_ENOTG);
  EXPECT_EQ(go_scope_run([](go_scope *, void *) { return 0; }, nullptr), GO_ENOTG);
}

TEST_F(Sync, OnTheCallersMovingStackIsRefused) {
  int moving[4] = {}, still = 1;
  ASSERT_EQ(RunFirst(Procs(1, Moving()), [&] {
    go_mutex own = {};
    go_rwmutex own_rw = {};
    go_sem own_sem = {};
    go_cond own_cond = {};
    moving[0] = go_mutex_lock(&own);
    moving[1] = go_rwmutex_lock(&own_rw);
    moving[2] = go_sem_acquire(&own_sem, 1);
    moving[3] = go_cond_wait(&own_cond, &m);
  }), GO_OK);
  ASSERT_EQ(RunFirst(Procs(1, "reserve"), [&] {
    go_mutex own = {};
    still = go_mutex_lock(&own);
  }), GO_OK);
  for (const int error : moving) EXPECT_EQ(error, GO_EMOVES);
  EXPECT_EQ(still, GO_OK);
}

TEST_F(Sync, MutexAnswers) {
  std::vector<int> results;
  ASSERT_EQ(RunFirst(InTurn(), [&] {
    results.push_back(go_mutex_unlock(&m));
    results.push_back(go_mutex_lock(&m));
    results.push_back(go_mutex_trylock(&m));
    results.push_back(go_mutex_lock_until(&m, Soon()));
    results.push_back(go_mutex_lock_until(&m, 0));
    results.push_back(go_mutex_unlock(&m));
    results.push_back(go_mutex_trylock(&m));
    results.push_back(go_mutex_unlock(&m));
    results.push_back(go_mutex_lock_until(&m, Soon()));
    results.push_back(go_mutex_lock(nullptr));
  }), GO_OK);
  EXPECT_EQ(results, (std::vector<int>{GO_EINVAL, 0, GO_EAGAIN, GO_ETIMEDOUT, GO_ETIMEDOUT, 0, 0,
                                       0, 0, GO_EINVAL}));
}

TEST_F(Sync, RWMutexAnswers) {
  std::vector<int> results;
  ASSERT_EQ(RunFirst(InTurn(), [&] {
    results.push_back(go_rwmutex_unlock(&rw));
    results.push_back(go_rwmutex_runlock(&rw));
    results.push_back(go_rwmutex_rlock(&rw));
    results.push_back(go_rwmutex_tryrlock(&rw));
    results.push_back(go_rwmutex_trylock(&rw));
    results.push_back(go_rwmutex_lock_until(&rw, Soon()));
    results.push_back(go_rwmutex_unlock(&rw));
    results.push_back(go_rwmutex_runlock(&rw));
    results.push_back(go_rwmutex_runlock(&rw));
    results.push_back(go_rwmutex_lock(&rw));
    results.push_back(go_rwmutex_tryrlock(&rw));
    results.push_back(go_rwmutex_rlock_until(&rw, Soon()));
    results.push_back(go_rwmutex_runlock(&rw));
    results.push_back(go_rwmutex_unlock(&rw));
    results.push_back(go_rwmutex_trylock(&rw));
  }), GO_OK);
  EXPECT_EQ(results, (std::vector<int>{GO_EINVAL, GO_EINVAL, 0, 0, GO_EAGAIN, GO_ETIMEDOUT,
                                       GO_EINVAL, 0, 0, 0, GO_EAGAIN, GO_ETIMEDOUT, GO_EINVAL, 0,
                                       0}));
}

TEST_F(Sync, AWriterThatGivesUpLetsTheReadersIn) {
  std::vector<int> results;
  ASSERT_EQ(RunFirst(InTurn(), [&] {
    go_rwmutex_rlock(&rw);
    go_waitgroup_add(&done, 1);
    Go([](void *) {
      if (go_rwmutex_lock_until(&rw, go_nanotime() + 5 * GO_MILLISECOND) != GO_ETIMEDOUT) abort();
      go_waitgroup_done(&done);
    });
    go_yield();
    results.push_back(go_rwmutex_tryrlock(&rw));  // the writer waits: nobody new
    results.push_back(go_rwmutex_rlock(&rw));     // until it has given up
    go_waitgroup_wait(&done);
    results.push_back(go_rwmutex_runlock(&rw));
    results.push_back(go_rwmutex_runlock(&rw));
  }), GO_OK);
  EXPECT_EQ(results, (std::vector<int>{GO_EAGAIN, 0, 0, 0}));
}

TEST_F(Sync, ReadersThatCameWhileAWriterHeldItGoBeforeTheNextWriter) {
  static std::string order;
  order = "";
  ASSERT_EQ(RunFirst(InTurn(), [&] {
    go_rwmutex_lock(&rw);
    go_waitgroup_add(&done, 3);
    Go([](void *) {
      go_rwmutex_lock(&rw);
      order += "w";
      go_rwmutex_unlock(&rw);
      go_waitgroup_done(&done);
    });
    go_yield();
    for (int i = 0; i < 2; i++) {
      Go([](void *) {
        go_rwmutex_rlock(&rw);
        go_yield();  // for the writer to overtake, if it could
        order += "r";
        go_rwmutex_runlock(&rw);
        go_waitgroup_done(&done);
      });
    }
    go_yield();
    go_rwmutex_unlock(&rw);
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_EQ(order, "rrw");
}

TEST_F(Sync, SemaphoreAnswersAndKeepsOrder) {
  std::vector<int> results;
  static std::vector<int> order;
  order.clear();
  ASSERT_EQ(RunFirst(InTurn(), [&] {
    results.push_back(go_sem_tryacquire(&sem, 1));
    results.push_back(go_sem_release(&sem, 2));
    results.push_back(go_sem_release(&sem, UINT32_MAX));
    results.push_back(go_sem_acquire_until(&sem, 3, Soon()));
    go_waitgroup_add(&done, 2);
    Go([](void *) {
      go_sem_acquire(&sem, 3);
      order.push_back(3);
      go_waitgroup_done(&done);
    });
    go_yield();
    results.push_back(go_sem_tryacquire(&sem, 1));  // it would overtake
    Go([](void *) {
      go_sem_acquire(&sem, 1);
      order.push_back(1);
      go_waitgroup_done(&done);
    });
    go_yield();
    go_sem_release(&sem, 1);
    go_yield();
    go_sem_release(&sem, 1);
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_EQ(results, (std::vector<int>{GO_EAGAIN, 0, GO_EINVAL, GO_ETIMEDOUT, GO_EAGAIN}));
  EXPECT_EQ(order, (std::vector<int>{3, 1}));
}

// One large request at the head gives up: the small one behind it is served.
TEST_F(Sync, ALargeRequestThatGivesUpIsInNobodysWay) {
  int small = -1;
  ASSERT_EQ(RunFirst(InTurn(), [&] {
    go_sem_release(&sem, 1);
    Go([](void *) { go_sem_acquire_until(&sem, 5, Soon()); });
    go_yield();
    small = go_sem_acquire(&sem, 1);
  }), GO_OK);
  EXPECT_EQ(small, 0);
}

TEST_F(Sync, CondAnswersAndWakesInOrder) {
  std::vector<int> results;
  static std::vector<intptr_t> order;
  order.clear();
  ASSERT_EQ(RunFirst(InTurn(), [&] {
    results.push_back(go_cond_wait(&cond, &m));  // not locked
    go_mutex_lock(&m);
    results.push_back(go_cond_wait_until(&cond, &m, Soon()));
    results.push_back(go_mutex_trylock(&m));  // it is ours again
    go_mutex_unlock(&m);
    go_waitgroup_add(&done, 4);
    for (intptr_t i = 0; i < 4; i++) {
      Go([](void *who) {
        go_mutex_lock(&m);
        go_cond_wait(&cond, &m);
        order.push_back(reinterpret_cast<intptr_t>(who));
        go_mutex_unlock(&m);
        go_waitgroup_done(&done);
      }, reinterpret_cast<void *>(i));
      go_yield();
    }
    results.push_back(go_cond_signal(&cond));
    go_yield();
    results.push_back(static_cast<int>(order.size()));
    go_cond_broadcast(&cond);
    go_waitgroup_wait(&done);
    results.push_back(go_cond_signal(&cond));  // nobody waits
  }), GO_OK);
  EXPECT_EQ(results, (std::vector<int>{GO_EINVAL, GO_ETIMEDOUT, GO_EAGAIN, 0, 1, 0}));
  EXPECT_EQ(order, (std::vector<intptr_t>{0, 1, 2, 3}));
}

TEST_F(Sync, WaitGroupHasADeadline) {
  int results[2] = {};
  ASSERT_EQ(RunFirst(InTurn(), [&] {
    go_waitgroup_add(&done, 1);
    results[0] = go_waitgroup_wait_until(&done, Soon());
    go_waitgroup_done(&done);
    results[1] = go_waitgroup_wait_until(&done, Soon());
  }), GO_OK);
  EXPECT_EQ(results[0], GO_ETIMEDOUT);
  EXPECT_EQ(results[1], GO_OK);
}

// ---- Scope -----------------------------------------------------------------------------------

std::atomic<int> ended;

int Child(go_scope *scope, void *arg) {
  const intptr_t depth = reinterpret_cast<intptr_t>(arg);
  for (int i = 0; depth > 0 && i < 2; i++)
    go_scope_spawn(scope, nullptr, Child, reinterpret_cast<void *>(depth - 1), nullptr);
  go_yield();
  ended++;
  return 0;
}

TEST_F(Sync, ScopeWaitsForChildrenAndTheirs) {
  int at_end = 0, result = -1;
  ended = 0;
  ASSERT_EQ(RunFirst(Procs(2), [&] {
    result = go_scope_run([](go_scope *scope, void *) {
      return go_scope_spawn(scope, nullptr, Child, reinterpret_cast<void *>(5), nullptr);
    }, nullptr);
    at_end = ended;
  }), GO_OK);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(at_end, 63);
}

TEST_F(Sync, ScopeReturnsTheFirstFailureAndTasksTheirResults) {
  int scope_result = 0, seen = 0, bad = 0;
  static int joined[3];
  ASSERT_EQ(RunFirst(InTurn(), [&] {
    scope_result = go_scope_run([](go_scope *scope, void *) {
      go_task *tasks[3];
      for (intptr_t i = 0; i < 3; i++) {
        go_scope_spawn(scope, nullptr, [](go_scope *, void *arg) {
          return static_cast<int>(reinterpret_cast<intptr_t>(arg)) * 10;
        }, reinterpret_cast<void *>(i), &tasks[i]);
      }
      for (int i = 0; i < 3; i++) go_task_join(tasks[i], &joined[i]);
      return go_scope_run([](go_scope *inner, void *) {
        go_scope_spawn(inner, nullptr, [](go_scope *, void *) { return 99; }, nullptr, nullptr);
        return 0;
      }, nullptr);
    }, nullptr);
    go_scope_run([](go_scope *scope, void *out) {
      *static_cast<int *>(out) = go_scope_failed(scope);
      return 5;
    }, &seen);
    bad = go_scope_run(nullptr, nullptr);
  }), GO_OK);
  EXPECT_EQ(joined[0], 0);
  EXPECT_EQ(joined[1], 10);
  EXPECT_EQ(joined[2], 20);
  EXPECT_TRUE(scope_result == 10 || scope_result == 20) << scope_result;
  EXPECT_EQ(seen, 0);
  EXPECT_EQ(bad, GO_EINVAL);
}

TEST_F(Sync, ScopeRefusesWhatMoves) {
  int error = 0;
  ASSERT_EQ(RunFirst(Procs(1, Moving()), [&] {
    struct Out {
      int *error;
    } out = {&error};
    go_scope_run([](go_scope *scope, void *arg) {
      int local = 0;
      *static_cast<Out *>(arg)->error =
          go_scope_spawn(scope, nullptr, [](go_scope *, void *) { return 0; }, &local, nullptr);
      return 0;
    }, &out);
  }), GO_OK);
  EXPECT_EQ(error, GO_EMOVES);
}

// ---- Among many ------------------------------------------------------------------------------

// Runs fn(i) in n goroutines, at GOMAXPROCS 1, 2 and 4, and waits for them.
template <typename Check>
void Many(int n, void (*fn)(void *), const Check &check) {
  static void (*body)(void *);
  for (const int procs : {1, 2, 4}) {
    for (const char *growth : {"reserve", "checkpoint"}) {
      body = fn;
      go_config config = Procs(procs, growth);
      config.stack_debug = "forcemove";
      ASSERT_EQ(RunFirst(config, [n] {
        go_waitgroup_add(&done, n);
        for (intptr_t i = 0; i < n; i++) {
          Go([](void *who) {
            body(who);
            go_waitgroup_done(&done);
          }, reinterpret_cast<void *>(i));
        }
        go_waitgroup_wait(&done);
      }), GO_OK);
      check();
    }
  }
}

int64_t counter;             // under the lock that is tested
std::atomic<int> inside, wrong;

TEST_F(ConcurrentSync, MutexExcludes) {
  counter = wrong = 0;
  Many(10, [](void *who) {
    for (int i = 0; i < 40; i++) {
      if (i % 7 == 3) {
        const int64_t until = go_nanotime() + 1000 * (reinterpret_cast<intptr_t>(who) % 4);
        if (go_mutex_lock_until(&m, until) != 0) continue;
      } else if (i % 11 == 5) {
        if (go_mutex_trylock(&m) != 0) continue;
      } else {
        go_mutex_lock(&m);
      }
      if (inside++ != 0) wrong++;
      if (i % 3 == 0) go_yield();
      counter++;
      inside--;
      if (go_mutex_unlock(&m) != 0) wrong++;
    }
  }, [] {
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(m.state, 0u);  // no flag is left behind
    EXPECT_EQ(m.waiters.first, nullptr);
  });
  EXPECT_GT(counter, 0);
}

TEST_F(ConcurrentSync, RWMutexExcludesWriters) {
  static std::atomic<int> readers, writers;
  readers = writers = wrong = 0;
  Many(12, [](void *who) {
    const intptr_t self = reinterpret_cast<intptr_t>(who);
    for (int i = 0; i < 30; i++) {
      const int64_t until = i % 5 == 2 ? go_nanotime() + 1000 * (i % 4) : INT64_MAX;
      if ((self + i) % 4 == 0) {
        if (go_rwmutex_lock_until(&rw, until) != 0) continue;
        if (writers++ != 0 || readers != 0) wrong++;
        go_yield();
        writers--;
        go_rwmutex_unlock(&rw);
      } else {
        if (go_rwmutex_rlock_until(&rw, until) != 0) continue;
        readers++;
        if (writers != 0) wrong++;
        go_yield();
        readers--;
        go_rwmutex_runlock(&rw);
      }
    }
  }, [] {
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(rw.readers, 0);
  });
}

// A bounded queue on a cond: what goes in comes out, and everybody is woken.
TEST_F(ConcurrentSync, CondLosesNoWakeUp) {
  static int queue, in, out;
  queue = in = out = 0;
  static go_cond not_full;
  not_full = {};
  Many(8, [](void *who) {
    const bool producer = reinterpret_cast<intptr_t>(who) % 2 == 0;
    for (int i = 0; i < 25; i++) {
      go_mutex_lock(&m);
      while (producer ? queue == 3 : queue == 0) go_cond_wait(producer ? &not_full : &cond, &m);
      queue += producer ? 1 : -1;
      (producer ? in : out)++;
      go_cond_signal(producer ? &cond : &not_full);
      go_mutex_unlock(&m);
    }
  }, [] {
    EXPECT_EQ(queue, 0);
    EXPECT_EQ(in, out);
  });
}

TEST_F(ConcurrentSync, OnceRunsOnceAndEverybodySeesIt) {
  static go_once once;
  static std::atomic<int> runs;
  static int made;
  once = {};
  runs = made = wrong = 0;
  Many(10, [](void *) {
    go_once_do(&once, [](void *) {
      go_yield();
      runs++;
      made = 7;
    }, nullptr);
    if (made != 7) wrong++;
  }, [] {
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(wrong, 0);
    once = {};
    runs = made = 0;
  });
}

// Those that come while it begins look without the lock.
TEST_F(Sync, OnceIsLookedAtWhileItBegins) {
  static go_once onces[200];
  static std::atomic<int> runs;
  memset(onces, 0, sizeof onces);
  runs = 0;
  ASSERT_EQ(RunFirst(Procs(4), [] {
    go_waitgroup_add(&done, 4);
    for (int i = 0; i < 4; i++) {
      Go([](void *) {
        for (go_once &once : onces) go_once_do(&once, [](void *) { runs++; }, nullptr);
        go_waitgroup_done(&done);
      });
    }
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_EQ(runs, 200);
}

TEST_F(ConcurrentSync, SemaphoreKeepsItsPermits) {
  static std::atomic<int> held;
  held = wrong = 0;
  sem.permits = 5;
  Many(9, [](void *who) {
    for (int i = 0; i < 30; i++) {
      const uint32_t n = 1 + static_cast<uint32_t>(reinterpret_cast<intptr_t>(who) + i) % 5;
      const int64_t until = i % 3 == 1 ? go_nanotime() + 1500 : INT64_MAX;
      if (go_sem_acquire_until(&sem, n, until) != 0) continue;
      held += static_cast<int>(n);
      if (held > 5) wrong++;
      go_yield();
      held -= static_cast<int>(n);
      go_sem_release(&sem, n);
    }
  }, [] {
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(sem.permits, 5u);
    EXPECT_EQ(sem.waiters.first, nullptr);
  });
}

TEST_F(ConcurrentSync, ScopesEndWithAllTheirTasks) {
  wrong = 0;
  Many(4, [](void *) {
    static std::atomic<int> scopes;
    const intptr_t depth = 1 + scopes++ % 3;
    const int failed = go_scope_run([](go_scope *scope, void *arg) {
      go_task *task = nullptr;
      if (go_scope_spawn(scope, nullptr, Child, arg, &task) != 0) return 1;
      int result = 9;
      go_task_join(task, &result);
      return result;
    }, reinterpret_cast<void *>(depth));
    if (failed) wrong++;
  }, [] { EXPECT_EQ(wrong, 0); });
}

// A wait group is forgotten, here by other bytes in its place, as soon as its wait has returned:
// nobody who was done may touch it after that, nor those whose waits were in vain.
TEST_F(ConcurrentSync, AWaitGroupMayGoOnceItsWaitReturns) {
  static std::vector<go_waitgroup *> gone;
  gone.clear();
  wrong = 0;
  Many(4, [](void *who) {
    for (int round = 0; round < 6; round++) {
      const int n = 1 + round % 3;
      go_waitgroup *wg = new go_waitgroup();
      go_waitgroup_add(wg, n);
      for (int i = 0; i < n; i++) {
        Go([](void *p) {
          if (go_waitgroup_done(static_cast<go_waitgroup *>(p)) != 0) wrong++;
        }, wg);
      }
      // Waits of no length give up while the last is done.
      const int tries = static_cast<int>(reinterpret_cast<intptr_t>(who) + round) % 4;
      int waited = GO_ETIMEDOUT;
      for (int i = 0; i < tries && waited != 0; i++)
        waited = go_waitgroup_wait_until(wg, go_nanotime() + i * 100);
      if (waited != 0 && go_waitgroup_wait(wg) != 0) wrong++;
      memset(static_cast<void *>(wg), 0xa5, sizeof *wg);
      go_mutex_lock(&m);
      gone.push_back(wg);
      go_mutex_unlock(&m);
    }
  }, [] {
    EXPECT_EQ(wrong, 0);
    for (go_waitgroup *wg : gone) {
      for (size_t i = 0; i < sizeof *wg; i++)
        EXPECT_EQ(reinterpret_cast<unsigned char *>(wg)[i], 0xa5);
      delete wg;
    }
    gone.clear();
  });
}

TEST_F(Sync, WaitGroupRefusesWhatItCannotCount) {
  std::vector<int> results;
  ASSERT_EQ(RunFirst(InTurn(), [&] {
    results.push_back(go_waitgroup_done(&done));
    results.push_back(go_waitgroup_add(&done, INT32_MAX));
    results.push_back(go_waitgroup_add(&done, 1));
    results.push_back(go_waitgroup_add(&done, -INT32_MAX));
    results.push_back(go_waitgroup_add(&done, INT32_MIN));
    results.push_back(go_waitgroup_wait(&done));
  }), GO_OK);
  EXPECT_EQ(results, (std::vector<int>{GO_EINVAL, 0, GO_EINVAL, 0, GO_EINVAL, 0}));
}

}  // namespace
