// The heap of timers: what stopped ones leave there, against a model, and while others look at it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <random>
#include <set>
#include <vector>

#include "runtime/arch/arch.h"
#include "runtime/sched/sched.h"
#include "tests/goroutine.h"

namespace {

go_waitgroup done;

// On g0, as the heap's own.
void OnG0(const Body &fn) {
  rt_systemstack([](void *p) { (*static_cast<const Body *>(p))(); }, const_cast<Body *>(&fn));
}

struct rt_timers *Heap() { return &rt_getg()->m->p->timers; }

// What a stopped timer leaves in the heap, and what becomes of it.
TEST(Timers, AStoppedOneStaysInTheHeapUntilItIsInTheWay) {
  static int fired;
  fired = 0;
  rt_timer t = {}, other = {};
  t.fn = other.fn = [](void *, uint64_t) { fired++; };
  t.seq = other.seq = 1;
  const auto queued = [&] { return t.in == Heap() && t.when == RT_TIMER_DEAD; };
  const auto out = [&] { return t.in == nullptr && t.when == RT_TIMER_OUT; };
  ASSERT_EQ(RunFirst(Virtual(), [&] {
    OnG0([&] {
      EXPECT_FALSE(rt_timer_stop(&t));
      EXPECT_EQ(rt_timer_start(&t, 1000), 0);
      EXPECT_EQ(rt_timer_start(&other, 5000), 0);
      EXPECT_TRUE(rt_timer_stop(&t));
      EXPECT_FALSE(rt_timer_stop(&t));
      EXPECT_TRUE(queued());
      EXPECT_EQ(rt_timers_next(), 1000);
      // Later: it stays where it is, and is not called before its time.
      EXPECT_EQ(rt_timer_start(&t, 3000), 0);
      EXPECT_EQ(t.key, 1000);
      EXPECT_FALSE(rt_timers_run(Heap(), 2999));
      EXPECT_EQ(rt_timers_next(), 3000);
      // Earlier: it moves at once.
      EXPECT_TRUE(rt_timer_stop(&t));
      EXPECT_EQ(rt_timer_start(&t, 2000), 0);
      EXPECT_EQ(rt_timers_next(), 2000);
      EXPECT_TRUE(rt_timers_run(Heap(), 2000));
      EXPECT_EQ(fired, 1);
      EXPECT_TRUE(out());
      // Stopped: it goes when it comes up, or where somebody asks for the first.
      EXPECT_EQ(rt_timer_start(&t, 4000), 0);
      EXPECT_TRUE(rt_timer_stop(&t));
      EXPECT_FALSE(rt_timers_run(Heap(), 4000));
      EXPECT_TRUE(out());
      EXPECT_EQ(rt_timer_start(&t, 4000), 0);
      EXPECT_TRUE(rt_timer_stop(&t));
      EXPECT_EQ(rt_timers_wanted(), 5000);
      EXPECT_TRUE(out());
      // Removed: whether it was pending or not.
      EXPECT_EQ(rt_timer_start(&t, 9000), 0);
      EXPECT_TRUE(rt_timer_remove(&t));
      EXPECT_TRUE(out());
      EXPECT_FALSE(rt_timer_remove(&t));
      EXPECT_EQ(rt_timer_start(&t, 9000), 0);
      EXPECT_TRUE(rt_timer_stop(&t));
      EXPECT_FALSE(rt_timer_remove(&t));
      EXPECT_TRUE(out());
      EXPECT_TRUE(rt_timer_remove(&other));
      EXPECT_EQ(Heap()->n, 0u);
      EXPECT_EQ(rt_timers_next(), 0);
    });
  }), GO_OK);
  EXPECT_EQ(fired, 1);
}

// However many have been started and stopped, there is room for them only as for those that were
// pending together.
TEST(Timers, AHeapOfStoppedOnesDoesNotGrow) {
  ASSERT_EQ(RunFirst(Virtual(), [] {
    OnG0([] {
      std::vector<rt_timer> timers(100000), kept(40);
      const auto start = [](rt_timer *t, int64_t when) {
        t->fn = [](void *, uint64_t) {};
        t->seq = 1;
        EXPECT_EQ(rt_timer_start(t, when), 0);
      };
      for (size_t i = 0; i < kept.size(); i++) start(&kept[i], 1000000 - 7 * int64_t(i));
      for (size_t i = 0; i < timers.size(); i++) {
        start(&timers[i], 1000 + 13 * int64_t(i) % 5000);
        EXPECT_TRUE(rt_timer_stop(&timers[i]));
      }
      EXPECT_LE(Heap()->cap, 4 * kept.size());
      EXPECT_EQ(rt_timers_wanted(), kept.back().when);
      for (auto &t : kept) EXPECT_TRUE(rt_timer_remove(&t));
      for (auto &t : timers) EXPECT_FALSE(rt_timer_remove(&t));
      EXPECT_EQ(Heap()->n, 0u);
    });
  }), GO_OK);
}

// Runs what is due in every heap, as thieves do.
void RunAll() {
  for (int32_t i = 0; i < rt_sched.nallp; i++)
    rt_timers_run(&static_cast<struct rt_p *>(rt_sched.allp[i])->timers, rt_nanotime());
}

// Each timer is called as often as it was started and not stopped in time, by whichever P, although
// it is made later and earlier while its heap looks at it.
TEST(ConcurrentTimers, AreCalledOncePerStart) {
  struct Own {
    rt_timer timer = {};
    std::atomic<int64_t> calls;
    std::mt19937 random;
    bool lost;
  };
  static Own own[3];
  static std::atomic<int> left;
  for (const int procs : {1, 2, 4}) {
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&done, 3);
      left = 3;
      Go([](void *) {
        for (; left > 0; go_yield())
          for (int i = 0; i < 20; i++) OnG0(RunAll);
      });
      for (auto &o : own) {
        o.calls = 0;
        o.lost = false;
        o.random.seed(static_cast<unsigned>(&o - own));  // a seed is to be replayed
        o.timer.fn = [](void *arg, uint64_t) { static_cast<Own *>(arg)->calls++; };
        o.timer.arg = &o;
        Go([](void *arg) {
          Own &o = *static_cast<Own *>(arg);
          int64_t wanted = 0;
          const auto start = [&](int64_t ns) {
            o.timer.seq++;
            if (rt_timer_start(&o.timer, go_nanotime() + ns) != 0) abort();
            wanted++;
          };
          const auto stop = [&] { wanted -= rt_timer_stop(&o.timer); };
          const auto pause = [&] {
            for (auto n = o.random() % 16; n-- > 0;) rt_cpu_relax();
            if (o.random() % 16 == 0) go_yield();
          };
          for (int i = 0; i < 100 && !o.lost; i++) {
            start(static_cast<int64_t>(o.random() % 1000));
            pause();
            stop();
            start(3600 * int64_t{GO_SECOND});
            pause();
            stop();
            start(static_cast<int64_t>(o.random() % 500));
            pause();
            if (o.random() % 2) stop();
            const int64_t patience = go_nanotime() + 20 * int64_t{GO_SECOND};
            while (o.calls != wanted && go_nanotime() < patience)
              o.random() % 16 ? go_yield() : static_cast<void>(go_sleep(1000));
            o.lost = o.calls != wanted;
          }
          rt_timer_remove(&o.timer);
          left--;
          go_waitgroup_done(&done);
        }, &o);
      }
      go_waitgroup_wait(&done);
    }), GO_OK);
    for (auto &o : own) EXPECT_FALSE(o.lost) << o.calls;
  }
}

// The heap puts a timer where it belongs, behind another, and between its look at the time and its
// note of the key another M starts that for earlier, and finds nothing to do.  The key lies on a
// page of its own that cannot be written: its fault is the other M.
TEST(Timers, AnEarlierStartIsNotOverlooked) {
  if (kThreadSanitizer) GTEST_SKIP() << "a fault in ThreadSanitizer's own atomics does not return";
  static rt_timer *t;
  static void *page;
  static int64_t when;
  static int faults;
  const size_t size = getpagesize();
  auto *pages = static_cast<char *>(
      mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  page = pages + size;
  t = reinterpret_cast<rt_timer *>(pages + size - offsetof(rt_timer, key));
  t->fn = [](void *, uint64_t) {};
  t->seq = 1;
  faults = 0;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    OnG0([&] {
      when = rt_nanotime() + 3600 * int64_t{GO_SECOND};
      struct sigaction other = {}, was;
      other.sa_flags = SA_ONSTACK;
      other.sa_handler = [](int) {
        rt_timer_stop(t);
        if (++faults > 1 || rt_timer_start(t, when + 1000) != 0) abort();
        mprotect(page, getpagesize(), PROT_READ | PROT_WRITE);
      };
      rt_timer behind = {};
      behind.fn = t->fn;
      if (rt_timer_start(t, when) != 0 || rt_timer_start(&behind, when + 1500) != 0) abort();
      rt_timer_stop(t);
      if (rt_timer_start(t, when + 2000) != 0) abort();
      sigaction(SIGSEGV, &other, &was);
      mprotect(page, size, PROT_READ);
      rt_timers_tidy(Heap());
      sigaction(SIGSEGV, &was, nullptr);
      EXPECT_EQ(faults, 1);
      EXPECT_EQ(t->when, when + 1000);
      EXPECT_EQ(t->key, when + 1000);
      EXPECT_EQ(rt_timers_next(), when + 1000);
      rt_timer_remove(t);
      rt_timer_remove(&behind);
    });
  }), GO_OK);
  munmap(pages, 2 * size);
}

// Random starts, stops and passing time, against a multiset.
TEST(Timers, TheHeapAgreesWithAModel) {
  bool same = true;
  static std::vector<int> fired;
  ASSERT_EQ(RunFirst(Virtual(), [&] {
    rt_systemstack([](void *p) {
      std::mt19937 random(1);
      std::vector<rt_timer> timers(300);
      std::set<std::pair<int64_t, int>> model;
      struct rt_timers *ts = &rt_getg()->m->p->timers;
      int64_t now = 1000;
      for (int i = 0; i < 300; i++) {
        timers[i].fn = [](void *, uint64_t seq) { fired.push_back(static_cast<int>(seq)); };
        timers[i].seq = i;
      }
      bool &same = *static_cast<bool *>(p);
      for (int step = 0; step < 30000 && same; step++) {
        const int i = static_cast<int>(random() % 300);
        const auto at = std::find_if(model.begin(), model.end(),
                                     [&](const auto &e) { return e.second == i; });
        if (at == model.end()) {
          const int64_t when = now + static_cast<int64_t>(random() % 500);
          same &= rt_timer_start(&timers[i], when) == 0;
          model.insert({when, i});
        } else if (random() % 2) {
          same &= rt_timer_stop(&timers[i]);
          model.erase(at);
        }
        if (random() % 8 == 0) {
          now += static_cast<int64_t>(random() % 60);
          fired.clear();
          rt_timers_run(ts, now);
          for (const int f : fired) {
            same &= !model.empty() && model.begin()->first <= now;
            const auto it = std::find_if(model.begin(), model.end(),
                                         [&](const auto &e) { return e.second == f; });
            same &= it != model.end() && it->first == model.begin()->first;
            if (it != model.end()) model.erase(it);
          }
          same &= model.empty() || model.begin()->first > now;
        }
        same &= rt_timers_wanted() == (model.empty() ? 0 : model.begin()->first);
      }
      for (auto &t : timers) rt_timer_remove(&t);
    }, &same);
  }), GO_OK);
  EXPECT_TRUE(same);
}

}  // namespace
