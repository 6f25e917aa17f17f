// Runs that can be replayed: the same seed does the same, seeds differ, and together they find what
// threads would show once in a year.
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>

#include "runtime/arch/arch.h"
#include "runtime/os/os.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/sched.h"
#include "tests/goroutine.h"

namespace {

go_config Seeded(uint64_t seed, const char *growth = "reserve", int procs = 1) {
  go_config c = SmallStacks(growth);
  c.seed = seed;
  c.maxprocs = procs;
  return c;
}

struct Outcome {
  int error;
  std::string log;  // what the goroutines wrote, in order
  uint64_t digest;
  bool operator==(const Outcome &o) const {
    return error == o.error && log == o.log && digest == o.digest;
  }
};

std::string written;  // on the heap: no stack of a goroutine holds any of it
go_waitgroup done;

// Five goroutines that take turns as the seed likes, and spawn one more each.
void Talk(void *) {
  done = {};
  go_waitgroup_add(&done, 5);
  for (uintptr_t i = 0; i < 5; i++) {
    go_spawn(nullptr, [](void *name) {
      for (int k = 0; k < 3; k++) {
        written += static_cast<char>('a' + reinterpret_cast<uintptr_t>(name));
        if (k == 1) go_yield();
        go_waitgroup_add(&done, 1);
        go_waitgroup_done(&done);
      }
      go_spawn(nullptr, [](void *) { written += '.'; }, nullptr);
      go_waitgroup_done(&done);
    }, reinterpret_cast<void *>(i));
  }
  go_waitgroup_wait(&done);
  written += '!';
}

Outcome Do(const go_config &config, void (*fn)(void *)) {
  written.clear();
  const int error = go_run(&config, fn, nullptr);
  return {error, written, go_schedule_digest()};
}

using Configure = go_config (*)(uint64_t seed, const char *growth);

void ExpectTheSameOfTheSameSeed(Configure configure, uint64_t seeds) {
  for (int i = 0; go_growth_name(i); i++) {
    for (uint64_t seed = 1; seed <= seeds; seed++) {
      const Outcome first = Do(configure(seed, go_growth_name(i)), Talk);
      ASSERT_EQ(first.error, GO_OK);
      ASSERT_TRUE(first == Do(configure(seed, go_growth_name(i)), Talk)) << seed;
    }
  }
}

void ExpectOtherThingsOfOtherSeeds(Configure configure, uint64_t seeds, size_t more_logs_than) {
  std::set<std::string> logs;
  std::set<uint64_t> digests;
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    const Outcome run = Do(configure(seed, "reserve"), Talk);
    logs.insert(run.log);
    digests.insert(run.digest);
  }
  EXPECT_GT(logs.size(), more_logs_than);
  EXPECT_EQ(digests.size(), seeds);
}

go_config OnOneP(uint64_t seed, const char *growth) { return Seeded(seed, growth); }

TEST(Deterministic, TheSameSeedDoesTheSame) { ExpectTheSameOfTheSameSeed(OnOneP, 100); }

TEST(Deterministic, OtherSeedsDoOtherThings) { ExpectOtherThingsOfOtherSeeds(OnOneP, 300, 200); }

TEST(Deterministic, OneThreadRunsEverything) {
  static pthread_t thread;
  static int others;
  thread = pthread_self();
  others = 0;
  ASSERT_EQ(Do(Seeded(9), [](void *) {
    EXPECT_EQ(go_gomaxprocs(8), 1);
    done = {};
    go_waitgroup_add(&done, 100);
    for (int i = 0; i < 100; i++) {
      go_spawn(nullptr, [](void *) {
        go_blocking([](void *) { others += !pthread_equal(thread, pthread_self()); }, nullptr);
        go_waitgroup_done(&done);
      }, nullptr);
    }
    go_waitgroup_wait(&done);
  }).error, GO_OK);
  EXPECT_EQ(others, 0);
}

TEST(Deterministic, ADeadlockIsAnAnswer) {
  const auto stuck = [](void *) {
    done = {};
    go_waitgroup_add(&done, 1);
    go_waitgroup_wait(&done);
  };
  EXPECT_EQ(Do(Seeded(1), stuck).error, GO_EDEADLOCK);
  EXPECT_STREQ(go_strerror(GO_EDEADLOCK), "all goroutines are asleep");
  EXPECT_EQ(Do(Seeded(1), Talk).error, GO_OK);  // and the next run is as good as new
}

// What would have woken the others is missed all the same, and the clock stays where it can count.
TEST(Deterministic, TheEndOfTimeDoesNotCome) {
  static int64_t latest;
  const auto stuck = [](void *) {
    done = {};
    go_waitgroup_add(&done, 1);
    if (go_spawn(nullptr, [](void *) {
          for (int i = 0; i < 100; i++) go_yield();
          latest = go_nanotime();
        }, nullptr) != 0) abort();
    go_waitgroup_wait_until(&done, INT64_MAX);
  };
  for (uint64_t seed = 1; seed <= 20; seed++) {
    latest = INT64_MAX;
    EXPECT_EQ(Do(Seeded(seed), stuck).error, GO_EDEADLOCK) << seed;
    EXPECT_LT(latest, int64_t{1} << 62) << seed;
  }
}

// Allocations fail where the seed says, the program hears of each, and nothing is lost.
TEST(Deterministic, AllocationsFailBySeed) {
  static int refused, made, ended;
  std::set<int> counts;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    go_config config = Seeded(seed);
    config.fail_every = 10;
    const auto spawn = [](void *) {
      done = {};
      refused = made = ended = 0;
      for (int i = 0; i < 100; i++) {
        go_waitgroup_add(&done, 1);
        const int error = go_spawn(nullptr, [](void *) {
          ended++;
          go_waitgroup_done(&done);
        }, nullptr);
        if (error == GO_OK) {
          made++;
        } else {
          refused += error == GO_ENOMEM || error == GO_EMAP;
          go_waitgroup_done(&done);
        }
      }
      go_waitgroup_wait(&done);
    };
    const Outcome first = Do(config, spawn);
    if (first.error != GO_OK) continue;  // the first goroutine itself
    ASSERT_EQ(made + refused, 100);
    ASSERT_EQ(ended, made);
    const int before = refused;
    ASSERT_TRUE(first == Do(config, spawn));
    ASSERT_EQ(refused, before);
    counts.insert(refused);
  }
  EXPECT_GT(counts.size(), 1u);
  EXPECT_GT(*counts.rbegin(), 0);
}

// ---- Several Ps ------------------------------------------------------------------------------

class SeveralPs : public testing::TestWithParam<int> {
 protected:
  static go_config Config(uint64_t seed, const char *growth = "reserve") {
    return Seeded(seed, growth, GetParam());
  }
};

TEST_P(SeveralPs, TheSameSeedDoesTheSame) { ExpectTheSameOfTheSameSeed(Config, 20); }

TEST_P(SeveralPs, OtherSeedsDoOtherThings) { ExpectOtherThingsOfOtherSeeds(Config, 100, 60); }

std::set<std::thread::id> threads;

// Each waits for the next to be made: queues fill, thieves come.
void Spread(void *) {
  done = {};
  go_waitgroup_add(&done, 20);
  for (int i = 0; i < 20; i++) {
    Go([](void *) {
      for (int k = 0; k < 5; k++) {
        threads.insert(std::this_thread::get_id());
        go_yield();
      }
      go_waitgroup_done(&done);
    });
  }
  go_waitgroup_wait(&done);
}

TEST_P(SeveralPs, GoroutinesRunOnAsManyThreads) {
  const uint64_t before = Stats().steals;
  size_t most = 0;
  for (uint64_t seed = 1; seed <= 30; seed++) {
    threads.clear();
    ASSERT_EQ(Do(Config(seed), Spread).error, GO_OK);
    most = std::max(most, threads.size());
  }
  // One more, made where the others were about to be idle.
  EXPECT_GE(most, static_cast<size_t>(GetParam()));
  EXPECT_GT(Stats().steals, before);
}

// Calls hand their P on, and sysmon takes it from those that do not, and interrupts.
TEST_P(SeveralPs, SysmonDoesItsPart) {
  const struct go_stats before = Stats();
  for (uint64_t seed = 1; seed <= 100; seed++) {
    ASSERT_EQ(Do(Config(seed), [](void *) {
      done = {};
      go_waitgroup_add(&done, 4);
      for (int i = 0; i < 4; i++) {
        Go([](void *) {
          for (int k = 0; k < 5; k++) {
            go_entersyscall();
            for (int n = 0; n < 5; n++) rt_mpoint();
            go_exitsyscall();
            for (int n = 0; n < 5; n++) rt_callpoint();
          }
          go_waitgroup_done(&done);
        });
      }
      go_waitgroup_wait(&done);
    }).error, GO_OK);
  }
  EXPECT_GT(Stats().handoffs, before.handoffs);
  if (os_preempt_supported()) EXPECT_GT(Stats().preemptions, before.preemptions);
}

TEST_P(SeveralPs, ComeAndGoAsTheProgramAsks) {
  static int wrong;
  wrong = 0;
  const auto change = [](void *) {
    int expected = go_gomaxprocs(0);
    for (int n : {1, 4, 2, 8, 1, 3}) {
      wrong += go_gomaxprocs(n) != expected;
      expected = n;
      Spread(nullptr);
    }
  };
  for (uint64_t seed = 1; seed <= 20; seed++) {
    const Outcome first = Do(Config(seed), change);
    ASSERT_EQ(first.error, GO_OK);
    ASSERT_EQ(first.digest, Do(Config(seed), change).digest) << seed;
  }
  EXPECT_EQ(wrong, 0);
}

// A P above the limit that were idle all the same would count: sysmon would sleep, since "all" are.
TEST_P(SeveralPs, NoneIsIdleAboveTheLimit) {
  static int idle;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    ASSERT_EQ(Do(Config(seed), [](void *) {
      for (int i = 0; i < 4; i++) Go([](void *) {});
      go_gomaxprocs(1);
      for (int i = 0; i < 50; i++) rt_baton_pass();
      idle = rt_sched.npidle;
    }).error, GO_OK);
    ASSERT_EQ(idle, 0) << seed;
  }
}

// All other Ms sleep, a P is idle, and somebody waits in a queue.
bool WorkIsForgotten() {
  if (rt_sched.npidle == 0) return false;
  for (rt_m *m = rt_det.ms; m; m = m->turn.next)
    if (m != rt_det.holder && !rt_baton_asleep(m)) return false;
  for (int i = 0; i < rt_sched.nallp; i++) {
    const rt_p *p = rt_sched.allp[i];
    if (p->runqhead != p->runqtail || p->runnext) return true;
  }
  return rt_sched.runqsize > 0;
}

// Whoever readies, yields or goes idle, and whoever is interrupted meanwhile.
TEST_P(SeveralPs, NoneIsIdleWhileThereIsWork) {
  static int forgotten;
  forgotten = 0;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    ASSERT_EQ(Do(Config(seed), [](void *) {
      done = {};
      go_waitgroup_add(&done, 5);
      for (uintptr_t i = 0; i < 5; i++) {
        Go([](void *i) {
          for (int k = 0; k < 6; k++) {
            go_sleep(100 + 50 * reinterpret_cast<intptr_t>(i));
            if (k % 2) Go([](void *) { forgotten += WorkIsForgotten(); });
            for (int n = 0; n < 8; n++) {
              rt_callpoint();
              forgotten += WorkIsForgotten();
            }
            go_yield();
          }
          go_waitgroup_done(&done);
        }, reinterpret_cast<void *>(i));
      }
      go_waitgroup_wait(&done);
    }).error, GO_OK);
    ASSERT_EQ(forgotten, 0) << seed;
  }
}

TEST_P(SeveralPs, TimeGoesOnWhenNobodyRuns) {
  static int late;
  late = 0;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    ASSERT_EQ(Do(Config(seed), [](void *) {
      done = {};
      go_waitgroup_add(&done, 5);
      for (int64_t i = 1; i <= 5; i++) {
        Go([](void *ms) {
          const int64_t wanted = GO_MILLISECOND * reinterpret_cast<intptr_t>(ms);
          const int64_t began = go_nanotime();
          go_sleep(wanted);
          const int64_t slept = go_nanotime() - began;
          late += slept < wanted || slept > 10 * GO_MILLISECOND;
          go_waitgroup_done(&done);
        }, reinterpret_cast<void *>(i));
      }
      go_waitgroup_wait(&done);
    }).error, GO_OK);
  }
  EXPECT_EQ(late, 0);
}

TEST_P(SeveralPs, ADeadlockOfGoroutinesIsAnAnswer) {
  for (uint64_t seed = 1; seed <= 30; seed++) {
    ASSERT_EQ(Do(Config(seed), [](void *) {
      done = {};
      go_waitgroup_add(&done, 3);
      for (int i = 0; i < 2; i++) {
        Go([](void *) {
          go_sleep(1000);
          go_waitgroup_done(&done);
        });
      }
      go_waitgroup_wait(&done);
    }).error, GO_EDEADLOCK) << seed;
  }
}

// Two threads that each hold what the other waits for, if they come in between each other.
TEST_P(SeveralPs, ADeadlockOfThreadsEndsTheProcess) {
  static struct rt_lock locks[2];
  const auto both = [](void *first) {
    const uintptr_t i = reinterpret_cast<uintptr_t>(first);
    rt_lock(&locks[i]);
    rt_lock(&locks[1 - i]);
    rt_unlock(&locks[1 - i]);
    rt_unlock(&locks[i]);
    go_waitgroup_done(&done);
  };
  const auto look = [both] {
    for (uint64_t seed = 1; seed <= 200; seed++) {
      go_config config = Config(seed);
      config.traceback = "none";
      static void (*fn)(void *);
      fn = both;
      Do(config, [](void *) {
        done = {};
        go_waitgroup_add(&done, 2);
        Go(fn, nullptr);
        Go(fn, reinterpret_cast<void *>(1));
        go_waitgroup_wait(&done);
      });
    }
    _exit(0);
  };
  EXPECT_EXIT(look(), Aborted, "every M waits for another");
}

// A thread of which the seed knows nothing takes the same locks.
TEST_P(SeveralPs, AThreadFromOutsideIsWaitedFor) {
  static std::atomic<bool> over;
  over = false;
  std::thread reader([] {
    while (!over) (void)Stats();
  });
  for (uint64_t seed = 1; seed <= 30; seed++) EXPECT_EQ(Do(Config(seed), Spread).error, GO_OK);
  over = true;
  reader.join();
}

INSTANTIATE_TEST_SUITE_P(Gomaxprocs, SeveralPs, testing::Values(2, 3, 4));

// ---- The canary ------------------------------------------------------------------------------
// An event with the oldest mistake there is: it looks whether it is set, then takes the lock, and
// does not look again.  A set that comes in between wakes nobody.

struct Event {
  struct rt_lock lock;
  bool set;
  rt_g *waiter;
} event;
bool look_again;  // without the mistake

void Wait() {
  if (event.set) return;
  rt_lock(&event.lock);
  if (look_again && event.set) {
    rt_unlock(&event.lock);
    return;
  }
  event.waiter = rt_getg();
  rt_gopark(rt_gounlock, &event.lock, RT_WAIT_NONE);
}

void Set() {
  rt_lock(&event.lock);
  event.set = true;
  rt_g *waiter = event.waiter;
  rt_unlock(&event.lock);
  if (waiter) rt_goready(waiter);
}

void Canary(void *) {
  event = {};
  go_spawn(nullptr, [](void *) {
    written += "set ";
    Set();
  }, nullptr);
  written += "wait ";
  Wait();
  written += "woken";
}

TEST(Canary, ALostWakeUpIsFoundAndReplayed) {
  look_again = false;
  uint64_t found = 0;
  for (uint64_t seed = 1; seed <= 2000 && !found; seed++)
    if (Do(Seeded(seed), Canary).error == GO_EDEADLOCK) found = seed;
  ASSERT_NE(found, 0u);
  const Outcome first = Do(Seeded(found), Canary);
  EXPECT_EQ(first.error, GO_EDEADLOCK);
  for (int again = 0; again < 10; again++) EXPECT_TRUE(first == Do(Seeded(found), Canary));
  printf("seed %llu loses the wake-up: \"%s\", digest %016llx\n",
         static_cast<unsigned long long>(found), first.log.c_str(),
         static_cast<unsigned long long>(first.digest));
}

TEST(Canary, ALostWakeUpIsFoundBetweenThreadsToo) {
  look_again = false;
  int found = 0;
  for (uint64_t seed = 1; seed <= 500; seed++)
    found += Do(Seeded(seed, "reserve", 2), Canary).error == GO_EDEADLOCK;
  EXPECT_GT(found, 0);
}

TEST(Canary, WithoutTheMistakeNoSeedFindsAnything) {
  look_again = true;
  for (uint64_t seed = 1; seed <= 5000; seed++)
    ASSERT_EQ(Do(Seeded(seed), Canary).error, GO_OK) << seed;
  for (uint64_t seed = 1; seed <= 1000; seed++)
    ASSERT_EQ(Do(Seeded(seed, "reserve", 2), Canary).error, GO_OK) << seed;
}

}  // namespace
