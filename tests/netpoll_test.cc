// Who goes to sleep in the poller, at the moments that decide.  tcp_test has what is ready there.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>

#include "runtime/go_net.h"
#include "tests/child.h"
#include "tests/goroutine.h"
extern "C" {
#include "runtime/arch/arch.h"
#include "runtime/sched/netpoll.h"
#include "runtime/sched/sched.h"
}

namespace {

std::atomic<bool> armed, about_to_sleep;

bool AllOthersAreIdle() {
  rt_lock(&rt_sched.lock);
  const bool all = rt_sched.nmidle == rt_sched.nm - 1;
  rt_unlock(&rt_sched.lock);
  return all;
}

}  // namespace

// On g0 of an M without a P, which asks whether it should sleep in the poller: it is so slow to do
// it that all others have gone to sleep.
extern "C" bool __real_rt_netpoll_waiters(void);
extern "C" bool __wrap_rt_netpoll_waiters(void) {
  const bool waiters = __real_rt_netpoll_waiters();
  const rt_g *g = rt_getg();
  if (!waiters || !g || g != &g->m->g0 || g->m->p || !armed.exchange(false)) return waiters;
  about_to_sleep = true;
  while (!AllOthersAreIdle()) rt_cpu_relax();
  return true;
}

namespace {

// What it sleeps for has gone then, and nobody will wake it: that is a deadlock, and is told.
TEST(WhoSleepsInThePoller, IsNotThereForWhatHasGone) {
  const Child child = RunChild([] {
    static go_waitgroup never;
    return RunFirst(Procs(2), [] {
      go_waitgroup_add(&never, 1);
      go_preempt_off();
      static go_tcp *listener;
      if (go_tcp_listen("127.0.0.1:0", &listener) != 0) abort();
      armed = true;
      Go([](void *) {
        go_tcp *unused;
        if (go_tcp_accept(listener, &unused) == 0) abort();
        go_waitgroup_wait(&never);
      });
      while (!about_to_sleep) rt_cpu_relax();
      go_tcp_close(listener);
      go_waitgroup_wait(&never);
    });
  }, 20);
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_NE(child.err.find("all goroutines are asleep: deadlock"), std::string::npos) << child.err;
}

}  // namespace
