// Descriptors that goroutines wait for (polldesc.h).  Their locks are taken by Ms without a P, too.
#include "runtime/sched/polldesc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include "runtime/arch/arch.h"
#include "runtime/os/socket.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/netpoll.h"

_Atomic int32_t rt_pollwaiters;

// ---- Memory ----------------------------------------------------------------------------------

enum { CHUNK = 32 };

struct chunk {
  struct chunk *next;
  struct rt_polldesc pd[CHUNK];
};

static struct {
  struct rt_lock lock;
  struct chunk *chunks;
  struct rt_polldesc *idle;
} pool;

static void expire(void *arg, uint64_t seq);

// pool.lock held; on g0.
static void add_chunk(void) {
  struct chunk *c = rt_malloc(sizeof *c);
  if (!c) return;
  *c = (struct chunk){.next = pool.chunks};
  pool.chunks = c;
  for (int i = 0; i < CHUNK; i++) {
    struct rt_polldesc *pd = &c->pd[i];
    for (int mode = 0; mode < RT_POLLMODES; mode++) {
      pd->side[mode].timer.fn = expire;
      pd->side[mode].timer.arg = pd;
    }
    pd->fd = -1;
    pd->link = pool.idle;
    pool.idle = pd;
  }
}

static void take(void *arg) {
  struct rt_polldesc **out = arg;
  rt_lock(&pool.lock);
  if (!pool.idle) add_chunk();
  *out = pool.idle;
  if (*out) pool.idle = (*out)->link;
  rt_unlock(&pool.lock);
}

static void give_back(struct rt_polldesc *pd) {
  rt_lock(&pool.lock);
  pd->link = pool.idle;
  pool.idle = pd;
  rt_unlock(&pool.lock);
}

// ---- Opened and closed -----------------------------------------------------------------------

int rt_pollopen(int fd, struct rt_polldesc **out) {
  int error = rt_netpoll_init();
  if (error) return error;
  struct rt_polldesc *pd;
  rt_systemstack(take, &pd);
  if (!pd) return GO_ENOMEM;
  rt_lock(&pd->lock);
  pd->fd = fd;
  for (int mode = 0; mode < RT_POLLMODES; mode++) {
    pd->side[mode].expired = false;
    pd->side[mode].drained = pd->side[mode].events - 1;
  }
  atomic_store(&pd->hangup, false);
  atomic_store(&pd->closed, false);
  atomic_store(&pd->refs, 1);
  rt_unlock(&pd->lock);
  error = os_netpoll_open(fd, pd);
  if (error) {
    pd->fd = -1;
    atomic_store(&pd->refs, 0);
    give_back(pd);
    return GO_ESYSTEM + error;
  }
  *out = pd;
  return 0;
}

bool rt_pollref(struct rt_polldesc *pd) {
  uint32_t refs = atomic_load(&pd->refs);
  do {
    if (refs == 0 || atomic_load(&pd->closed)) return false;
  } while (!atomic_compare_exchange_weak(&pd->refs, &refs, refs + 1));
  return true;
}

void rt_pollunref(struct rt_polldesc *pd) {
  if (atomic_fetch_sub(&pd->refs, 1) != 1) return;
  // The system forgets a closed descriptor, unless another process has it too.
  os_netpoll_close(pd->fd);
  os_tcp_close(pd->fd);
  pd->fd = -1;
  give_back(pd);
}

// pd->lock held.
static void drain(struct rt_polldesc *pd, enum rt_pollmode mode, struct rt_gqueue *ready) {
  const int32_t before = ready->n;
  rt_waitq_drain(&pd->side[mode].waiting, RT_WOKEN_DONE, ready);
  if (ready->n > before) atomic_fetch_sub(&rt_pollwaiters, ready->n - before);
}

// pd->lock held.  A late call of the side's timer finds another number.
static void stop_timer(struct rt_polldesc *pd, enum rt_pollmode mode) {
  struct rt_timer *t = &pd->side[mode].timer;
  rt_timer_stop(t);
  t->seq = t->seq ? t->seq + 2 : 2 + (uint64_t)mode;
}

int rt_pollclose(struct rt_polldesc *pd) {
  if (atomic_exchange(&pd->closed, true)) return GO_ECLOSED;
  struct rt_gqueue woken = {0};
  rt_lock(&pd->lock);
  for (int mode = 0; mode < RT_POLLMODES; mode++) {
    stop_timer(pd, (enum rt_pollmode)mode);  // pd may be another stream's when it comes
    drain(pd, (enum rt_pollmode)mode, &woken);
  }
  rt_unlock(&pd->lock);
  rt_waitq_readyall(&woken);
  rt_pollunref(pd);
  return 0;
}

void rt_pollcloseall(void) {
  for (struct chunk *c = pool.chunks, *next; c; c = next) {
    next = c->next;
    for (int i = 0; i < CHUNK; i++)
      if (c->pd[i].fd >= 0) os_tcp_close(c->pd[i].fd);
    free(c);
  }
  pool.chunks = NULL;
  pool.idle = NULL;
  atomic_store(&rt_pollwaiters, 0);
}

// ---- Waiting ---------------------------------------------------------------------------------

// pd->lock held.
static int look(struct rt_polldesc *pd, enum rt_pollmode mode, uint32_t events) {
  if (atomic_load(&pd->closed)) return GO_ECLOSED;
  if (pd->side[mode].expired) return GO_ETIMEDOUT;
  return rt_pollevents(pd, mode) != events ? 0 : GO_EAGAIN;
}

int rt_pollwait(struct rt_polldesc *pd, enum rt_pollmode mode, uint32_t events) {
  for (;;) {
    rt_lock(&pd->lock);
    const int answer = look(pd, mode, events);
    if (answer != GO_EAGAIN) {
      rt_unlock(&pd->lock);
      return answer;
    }
    struct rt_g *g = rt_getg();
    g->sudog.g = g;
    g->sudog.seq = 0;
    g->sudog.ticket = 0;
    rt_waitq_push(&pd->side[mode].waiting, &g->sudog);
    atomic_fetch_add(&rt_pollwaiters, 1);
    rt_gopark(rt_gounlock, &pd->lock, RT_WAIT_IO);
  }
}

void rt_pollevent(struct rt_polldesc *pd, uint32_t os_mode, struct rt_gqueue *ready) {
  rt_lock(&pd->lock);
  if (os_mode & OS_POLLHUP) atomic_store(&pd->hangup, true);
  for (int mode = 0; mode < RT_POLLMODES; mode++) {
    if (!(os_mode & (mode == RT_POLLREAD ? OS_POLLIN : OS_POLLOUT))) continue;
    atomic_fetch_add(&pd->side[mode].events, 1);
    drain(pd, (enum rt_pollmode)mode, ready);
  }
  rt_unlock(&pd->lock);
}

// ---- Deadlines -------------------------------------------------------------------------------

// The deadline of one side has come.  g0, with a P; or the end of go_run, with a seq of 0.
static void expire(void *arg, uint64_t seq) {
  struct rt_polldesc *pd = arg;
  struct rt_gqueue woken = {0};
  rt_lock(&pd->lock);
  // Both sides' numbers are even for reading, odd for writing.
  const enum rt_pollmode mode = seq & 1 ? RT_POLLWRITE : RT_POLLREAD;
  if (seq != 0 && pd->side[mode].timer.seq == seq) {
    pd->side[mode].expired = true;
    drain(pd, mode, &woken);
  }
  rt_unlock(&pd->lock);
  rt_waitq_readyall(&woken);
}

int rt_polldeadline(struct rt_polldesc *pd, enum rt_pollmode mode, int64_t until) {
  struct rt_pollside *s = &pd->side[mode];
  struct rt_gqueue woken = {0};
  int error = 0;
  rt_lock(&pd->lock);
  stop_timer(pd, mode);
  s->expired = until != 0 && until <= rt_nanotime();
  if (s->expired)
    drain(pd, mode, &woken);
  else if (until != 0 && !atomic_load(&pd->closed))
    error = rt_timer_start(&s->timer, until);
  rt_unlock(&pd->lock);
  rt_waitq_readyall(&woken);
  return error;
}
