// The poller (netpoll.h).
#include "runtime/sched/netpoll.h"

#include <stdatomic.h>
#include "runtime/sched/event.h"
#include "runtime/sched/polldesc.h"

static struct {
  struct rt_lock lock;
  _Atomic bool open;
} poller;

// Since the process started.  A poll is a system call: a locked instruction more is nothing.
static _Atomic uint64_t polls, polled, readied;

int rt_netpoll_init(void) {
  if (rt_netpoll_inited()) return 0;
  rt_lock(&poller.lock);
  int error = 0;
  if (!atomic_load(&poller.open)) {
    error = os_netpoll_init();
    if (!error) atomic_store(&poller.open, true);
  }
  rt_unlock(&poller.lock);
  return error;
}

bool rt_netpoll_inited(void) { return atomic_load_explicit(&poller.open, memory_order_acquire); }

void rt_netpoll_done(void) {
  if (!rt_netpoll_inited()) return;
  rt_pollcloseall();
  os_netpoll_done();
  atomic_store(&poller.open, false);
}

bool rt_netpoll_waiters(void) { return atomic_load(&rt_pollwaiters) > 0; }

void rt_netpoll(int64_t ns, struct rt_gqueue *ready) {
  enum { MOST = 128 };
  struct os_pollevent events[MOST];
  const int32_t before = ready->n;
  const int64_t began_ns = rt_traced() ? rt_nanotime() : 0;
  const int n = os_netpoll(events, MOST, ns);
  for (int i = 0; i < n; i++) rt_pollevent(events[i].data, events[i].mode, ready);
  atomic_fetch_add_explicit(&polls, 1, memory_order_relaxed);
  if (n > 0) atomic_fetch_add_explicit(&polled, (uint64_t)n, memory_order_relaxed);
  const int32_t nready = ready->n - before;
  if (nready > 0) atomic_fetch_add_explicit(&readied, (uint64_t)nready, memory_order_relaxed);
  if (n > 0 || ns != 0) rt_event_netpoll(began_ns, n, nready);
}

void rt_netpoll_stats(struct go_stats *out) {
  out->netpolls = atomic_load_explicit(&polls, memory_order_relaxed);
  out->netpoll_events = atomic_load_explicit(&polled, memory_order_relaxed);
  out->netpoll_readied = atomic_load_explicit(&readied, memory_order_relaxed);
}

void rt_netpoll_break(void) {
  if (rt_det.threads)
    rt_baton_break();
  else
    os_netpoll_break();
}

void rt_netpoll_wake(int64_t when) {
  if (atomic_load(&rt_sched.lastpoll) != 0) {
    rt_wakep();  // nobody sleeps there: let somebody
    return;
  }
  rt_mpoint();
  const int64_t until = atomic_load(&rt_sched.poll_until);
  if (until == 0 || until > when) rt_netpoll_break();
}
