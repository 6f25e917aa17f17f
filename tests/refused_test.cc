// What waits, waits for time or makes something, while the seed lets allocations fail: each call
// does all it should or nothing, whoever waits is woken, and what was made is given back.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#include "tests/goroutine.h"

namespace {

constexpr int kWorkers = 6, kRounds = 12;

go_waitgroup done;
std::atomic<int> refused;
std::atomic<int64_t> in, out;  // of what was passed on

// True unless memory was refused; nothing else may have gone wrong.
bool Had(int error) {
  if (error == GO_OK) return true;
  if (error != GO_ENOMEM) abort();
  refused++;
  return false;
}

// As Had, for what has a deadline.
bool Came(int error) { return error != GO_ETIMEDOUT && Had(error); }

int64_t Soon(int64_t i) { return go_nanotime() + 1000 * (i % 5); }

// Runs fn in goroutines of its own, as many as can be had, with allocations failing one time in
// `every`; check is called after each run.
void UnderEverySeed(void (*fn)(void *), void (*begin)(), void (*check)()) {
  static void (*body)(void *);
  static void (*first)();
  static void (*last)();
  body = fn, first = begin, last = check;
  int ran = 0;
  refused = 0;
  for (const uint32_t every : {2u, 7u, 50u}) {
    for (uint64_t seed = 1; seed <= 150; seed++) {
      go_config config = SmallStacks("reserve");
      config.seed = seed;
      config.fail_every = every;
      done = {};
      in = out = 0;
      const int error = RunFirst(config, [] {
        first();
        for (intptr_t i = 0; i < kWorkers; i++) {
          go_waitgroup_add(&done, 1);
          const int error = go_spawn(nullptr, [](void *who) {
            for (int k = 0; k < kRounds; k++) body(who);
            go_waitgroup_done(&done);
          }, reinterpret_cast<void *>(i));
          if (error) go_waitgroup_done(&done);
        }
        go_waitgroup_wait(&done);
        last();
      });
      if (error == GO_ENOMEM) continue;  // the first goroutine itself
      ASSERT_EQ(error, GO_OK) << "seed " << seed << " every " << every;
      ran++;
      ASSERT_EQ(in, out) << "seed " << seed << " every " << every;
    }
  }
  EXPECT_GT(ran, 300);
  EXPECT_GT(refused, 0);
}

void Nothing() {}

go_chan *chans[3];

void MakeChans() {
  for (size_t i = 0; i < 3; i++)
    while (!Had(go_chan_new(8, i, &chans[i]))) continue;
}

void FreeChans() {
  for (go_chan *c : chans) {
    int64_t v = 0;
    while (go_chan_try_recv(c, &v) == GO_OK) out += v;
    go_chan_free(c);
  }
}

TEST(Refused, DeadlinesOfChannelsLoseNothing) {
  UnderEverySeed([](void *who) {
    const intptr_t self = reinterpret_cast<intptr_t>(who);
    int64_t v = self + 1;
    go_chan *c = chans[self / 2 % 3];
    if (self % 2) {
      if (Came(go_chan_send_until(c, &v, Soon(self)))) in += v;
    } else {
      if (Came(go_chan_recv_until(c, &v, Soon(self)))) out += v;
    }
  }, MakeChans, FreeChans);
}

TEST(Refused, SelectsLoseNothing) {
  UnderEverySeed([](void *who) {
    const intptr_t self = reinterpret_cast<intptr_t>(who);
    int64_t sent = self + 1, got = 0;
    go_case cases[9];  // more than the first room for cases
    for (int i = 0; i < 9; i++) {
      const bool send = (self + i) % 2;
      cases[i] = {send ? GO_SEND : GO_RECV, i % 4 == 3 ? nullptr : chans[i % 3],
                  send ? &sent : &got, 0};
    }
    const int chosen = go_select_until(cases, self % 3 ? 9 : 3, Soon(self));
    if (chosen < 0 ? !Came(chosen) : cases[chosen].result != GO_OK) return;
    if (cases[chosen].dir == GO_SEND) in += sent;
    out += got;
  }, MakeChans, FreeChans);
}

go_mutex m;
go_rwmutex rw;
go_cond cond;
go_sem sem;

TEST(Refused, LocksAreHeldOrNot) {
  UnderEverySeed([](void *who) {
    const intptr_t self = reinterpret_cast<intptr_t>(who);
    if (Came(go_mutex_lock_until(&m, Soon(self)))) {
      in++;
      const int woken = go_cond_wait_until(&cond, &m, Soon(self));
      if (woken != GO_ETIMEDOUT) Had(woken);
      go_yield();
      if (go_mutex_trylock(&m) != GO_EAGAIN) abort();  // we hold it, whatever has happened
      go_mutex_unlock(&m);
      go_cond_signal(&cond);
      out++;
    }
    if (Came(go_rwmutex_rlock_until(&rw, Soon(self)))) {
      go_yield();
      if (go_rwmutex_runlock(&rw) != 0) abort();
    }
    if (Came(go_rwmutex_lock_until(&rw, Soon(self)))) {
      go_yield();
      if (go_rwmutex_unlock(&rw) != 0) abort();
    }
    const uint32_t n = 1 + static_cast<uint32_t>(self) % 3;
    if (Came(go_sem_acquire_until(&sem, n, Soon(self)))) {
      go_yield();
      go_sem_release(&sem, n);
    }
  }, [] {
    m = {};
    rw = {};
    cond = {};
    sem = {};
    go_sem_release(&sem, 3);
  }, [] {
    if (m.state != 0 || rw.readers != 0 || sem.permits != 3) abort();
    if (m.waiters.first || rw.read_waiters.first || rw.write_waiters.first) abort();
    if (cond.waiters.first || sem.waiters.first) abort();
  });
}

TEST(Refused, ScopesEndWithWhatTheyHave) {
  UnderEverySeed([](void *) {
    const int failed = go_scope_run([](go_scope *scope, void *) {
      for (int i = 0; i < 3; i++) {
        go_task *task = nullptr;
        const auto child = [](go_scope *inner, void *) {
          in++;
          const int error = go_scope_spawn(inner, nullptr, [](go_scope *, void *) {
            in++;
            go_yield();
            out++;
            return 0;
          }, nullptr, nullptr);
          out++;
          return error;
        };
        const int error = go_scope_spawn(scope, nullptr, child, nullptr, &task);
        if (error) return error;
        int result = -1;
        if (i == 1 && (go_task_join(task, &result) != 0 || result > 0 || result == -1)) abort();
      }
      return 0;
    }, nullptr);
    Had(failed);
  }, Nothing, Nothing);
}

// Each timer that could be started fires or is stopped, although there may be no memory for its
// goroutine.
TEST(Refused, TimersFireAllTheSame) {
  UnderEverySeed([](void *) {
    go_timer *t = nullptr;
    const auto stay = [](void *) {
      go_chan_recv(chans[0], nullptr);
      out++;
    };
    if (!Had(go_timer_func(stay, nullptr, &t))) return;
    if (Had(go_timer_start(t, 500, 0))) {
      in++;
      while (!Had(go_sleep(GO_MILLISECOND))) continue;
      if (go_timer_stop(t)) in--;
    }
    go_timer_free(t);
  }, MakeChans, [] {
    go_chan_close(chans[0]);
    for (int i = 0; i < 100000 && in != out; i++) go_yield();
    FreeChans();
  });
}

TEST(Refused, ContextsEndWithTheirParents) {
  static go_context *top;
  UnderEverySeed([](void *who) {
    const intptr_t self = reinterpret_cast<intptr_t>(who);
    go_context *mine, *below;
    if (!Had(go_context_with_timeout(top, 2000 + self, &mine))) return;
    if (Had(go_context_with_value(mine, &top, &in, &below))) {
      if (go_context_value(below, &top) != &in) abort();
      in++;
      if (self % 3 == 0) go_context_cancel(mine, 5);
      if (go_chan_recv(go_context_done(below), nullptr) == GO_ECLOSED) out++;
      go_context_free(below);
    }
    go_context_free(mine);
    if (self == 5) go_context_cancel(top, 9);
  }, [] {
    while (!Had(go_context_with_cancel(go_context_background(), &top))) continue;
  }, [] {
    go_context_free(top);
  });
}

}  // namespace
