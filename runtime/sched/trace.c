// The buffers of a trace (trace.h); what becomes of them in the file: tracefile.c.
#include "runtime/sched/trace.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "runtime/arch/arch.h"
#include "runtime/os/throw.h"
#include "runtime/sched/clock.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/tracefile.h"

bool rt_tracing;
uint32_t rt_trace_records = 2048;

const char *const rt_tracecause_names[RT_CAUSES] = {"fault", "preempt", "resume", "checkpoint",
                                                    "shrink", "prologue"};

// Of one M, and written by it alone: by what it runs, and by handlers that interrupt that.
struct rt_tracebuf {
  uint32_t id, cap;
  _Atomic uint32_t n;
  uint64_t narrows;
  int64_t call_ns;  // when it entered the system call that it is in
  struct {
    bool open;
    int16_t p;
    int64_t ns;
    uint64_t goid, flow;
    uintptr_t fn;
  } run;            // what it runs
  struct rt_tracerec recs[];
};

static struct {
  struct rt_lock lock;  // of the file; nothing is locked after it; without points, for the seeds
  _Atomic uint32_t nbufs;
  _Atomic uint64_t dropped;
} trace;

// ---- Recording -------------------------------------------------------------------------------

static struct rt_tracebuf *mine(void) {
  const struct rt_g *g = rt_getg();
  struct rt_tracebuf *b = g ? g->m->trace : NULL;
  if (!b) atomic_fetch_add_explicit(&trace.dropped, 1, memory_order_relaxed);
  return b;
}

static int16_t my_p(void) {
  const struct rt_p *p = rt_getg()->m->p;
  return p ? (int16_t)p->id : -1;
}

// A handler may come in between and record, too: it finds the place taken, and is done before we
// go on.
static void put(struct rt_tracebuf *b, const struct rt_tracerec *r) {
  const uint32_t i = atomic_fetch_add_explicit(&b->n, 1, memory_order_relaxed);
  if (i < b->cap) {
    b->recs[i] = *r;
    return;
  }
  atomic_fetch_sub_explicit(&b->n, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&trace.dropped, 1, memory_order_relaxed);
}

// trace.lock held, or nobody else is there.
static void empty(struct rt_tracebuf *b) {
  const uint32_t n = atomic_load_explicit(&b->n, memory_order_relaxed);
  rt_tracefile_write(b->recs, n < b->cap ? n : b->cap, b->id);
  for (uint32_t i = 0; i < b->cap && i < n; i++) b->recs[i].kind = RT_TRACE_NONE;
  atomic_store_explicit(&b->n, 0, memory_order_relaxed);
}

static void flush(void *arg) {
  const int saved = errno;  // of the goroutine, which did not ask for any of this
  struct rt_tracebuf *b = arg;
  struct rt_tracerec r = {.kind = RT_TRACE_WRITE, .ns = rt_nanotime(), .p = -1};
  r.arg[0] = atomic_load_explicit(&b->n, memory_order_relaxed);
  rt_lock_outside(&trace.lock);
  empty(b);
  rt_unlock_outside(&trace.lock);
  r.end_ns = rt_nanotime();
  put(b, &r);
  errno = saved;
}

// Outside handlers: leaves room for what those record.
static void put_and_flush(struct rt_tracebuf *b, const struct rt_tracerec *r) {
  put(b, r);
  if (atomic_load_explicit(&b->n, memory_order_relaxed) >= b->cap - b->cap / 4)
    rt_systemstack(flush, b);
}

// The number of an arrow from the goroutine that runs; 0 if none does, since an arrow begins in a
// slice.
static uint64_t arrow(struct rt_tracebuf *b) {
  return b->run.open ? (uint64_t)b->id << 40 | ++b->narrows : 0;
}

void rt_trace_run(struct rt_g *g) {
  struct rt_tracebuf *b = mine();
  if (!b) return;
  b->run.open = true;
  b->run.p = my_p();
  b->run.goid = g->gs.goid;
  b->run.flow = g->flow;
  b->run.fn = (uintptr_t)g->fn;
  b->run.ns = rt_nanotime();
  g->flow = 0;
}

static struct rt_tracerec close_run(struct rt_tracebuf *b, enum rt_tracethen then) {
  b->run.open = false;
  return (struct rt_tracerec){.kind = RT_TRACE_RUN, .how = (uint8_t)then, .ns = b->run.ns,
                              .end_ns = rt_nanotime(), .goid = b->run.goid, .flow = b->run.flow,
                              .arg = {b->run.fn}, .p = b->run.p};
}

void rt_trace_ran(enum rt_tracethen then, uint8_t reason) {
  struct rt_tracebuf *b = mine();
  if (!b || !b->run.open) return;
  struct rt_tracerec r = close_run(b, then);
  r.reason = reason;
  put_and_flush(b, &r);
}

// Something about goid that does not last.
static void put_instant(enum rt_tracekind kind, int16_t p, uint64_t goid, uint64_t flow,
                        uint64_t arg0, uint64_t arg1) {
  const int64_t now = rt_nanotime();
  const struct rt_tracerec r = {.kind = (uint8_t)kind, .ns = now, .end_ns = now, .goid = goid,
                                .flow = flow, .arg = {arg0, arg1}, .p = p};
  struct rt_tracebuf *b = mine();
  if (b) put_and_flush(b, &r);
}

static uint64_t running(const struct rt_tracebuf *b) { return b->run.open ? b->run.goid : 0; }

void rt_trace_create(struct rt_g *g) {
  struct rt_tracebuf *b = mine();
  if (!b) return;
  g->flow = arrow(b);
  put_instant(RT_TRACE_CREATE, my_p(), g->gs.goid, g->flow, (uintptr_t)g->fn, running(b));
}

void rt_trace_ready(struct rt_g *g) {
  struct rt_tracebuf *b = mine();
  if (!b) return;
  g->flow = arrow(b);
  put_instant(RT_TRACE_READY, my_p(), g->gs.goid, g->flow, running(b), 0);
}

void rt_trace_syscall(void) {
  rt_trace_ran(RT_THEN_SYSCALL, 0);
  struct rt_tracebuf *b = mine();
  if (b) b->call_ns = rt_nanotime();
}

void rt_trace_sysexit(struct rt_g *g) {
  struct rt_tracebuf *b = mine();
  if (!b) return;
  const struct rt_tracerec r = {.kind = RT_TRACE_SYSCALL, .ns = b->call_ns,
                                .end_ns = rt_nanotime(), .goid = g->gs.goid, .p = -1,
                                .arg = {my_p() >= 0}};
  put_and_flush(b, &r);
  if (my_p() >= 0) rt_trace_run(g);
}

void rt_trace_handoff(const struct rt_p *p, bool told) {
  put_instant(RT_TRACE_HANDOFF, (int16_t)p->id, 0, 0, told, 0);
}

void rt_trace_steal(const struct rt_p *victim, const struct rt_g *g) {
  put_instant(RT_TRACE_STEAL, my_p(), g->gs.goid, 0, (uint64_t)victim->id, 0);
}

void rt_trace_growth(struct rt_g *g, const struct rt_stackmove *v, enum rt_tracecause by) {
  struct rt_tracebuf *b = mine();
  if (!b) return;
  const struct rt_tracerec r = {
      .kind = RT_TRACE_GROWTH, .how = (uint8_t)by, .ns = v->began_ns, .end_ns = rt_nanotime(),
      .goid = g->gs.goid, .p = my_p(),
      .arg = {v->from_bytes, v->to_bytes, v->bytes_copied, v->words_adjusted}};
  if (by == RT_BY_FAULT || by == RT_BY_PREEMPT || by == RT_BY_PROLOGUE)
    put(b, &r);
  else
    put_and_flush(b, &r);
}

void rt_trace_netpoll(int64_t began_ns, int n, int32_t nready) {
  struct rt_tracebuf *b = mine();
  if (!b) return;
  const struct rt_tracerec r = {.kind = RT_TRACE_NETPOLL, .ns = began_ns,
                                .end_ns = rt_nanotime(), .p = -1,
                                .arg = {(uint64_t)n, (uint64_t)nready}};
  put_and_flush(b, &r);
}

// ---- Buffers come and go ---------------------------------------------------------------------

void rt_trace_mnew(struct rt_m *m, bool sysmon) {
  if (!rt_tracing) return;
  const uint32_t cap = rt_trace_records < 16 ? 16 : rt_trace_records;
  struct rt_tracebuf *b = calloc(1, sizeof *b + cap * sizeof b->recs[0]);
  if (!b) return;
  b->cap = cap;
  b->id = atomic_fetch_add(&trace.nbufs, 1);
  m->trace = b;
  rt_lock_outside(&trace.lock);
  rt_tracefile_thread(b->id, sysmon);
  rt_unlock_outside(&trace.lock);
}

void rt_trace_mfree(struct rt_m *m) {
  if (!m->trace) return;
  rt_lock_outside(&trace.lock);
  empty(m->trace);
  rt_unlock_outside(&trace.lock);
  free(m->trace);
  m->trace = NULL;
}

int rt_trace_start(const char *path, struct rt_text *why) {
  if (!path) return 0;
  const int error = rt_tracefile_open(path);
  if (error) {
    rt_text_str(why, "stacklab: GO_TRACE=");
    rt_text_str(why, path);
    rt_text_str(why, ": cannot be written: ");
    rt_text_str(why, go_strerror(error));
    rt_text_str(why, "\n");
    return GO_EINVAL;
  }
  atomic_store(&trace.nbufs, 0);
  atomic_store(&trace.dropped, 0);
  rt_tracing = true;
  return 0;
}

void rt_trace_stop(void) {
  if (!rt_tracing) return;
  rt_tracing = false;
  const int error = rt_tracefile_close(rt_nanotime(), atomic_load(&trace.dropped));
  if (!error) return;
  struct rt_text t = {.n = 0};
  rt_text_str(&t, "stacklab: GO_TRACE: the trace is cut short: ");
  rt_text_str(&t, go_strerror(error));
  rt_text_str(&t, "\n");
  rt_text_print(&t);
}

static void write_last(struct rt_tracebuf *b) {
  if (!b) return;
  if (b->run.open) {
    const struct rt_tracerec r = close_run(b, RT_THEN_DIED);
    put(b, &r);
  }
  empty(b);
}

void rt_trace_lastwords(void) {
  // Never let go: nobody is to write after the end.  If it is held, then by an M that stands still.
  if (!rt_tracing || !rt_trylock(&trace.lock)) return;
  for (const struct rt_m *m = rt_sched.allm; m; m = m->all_link) write_last(m->trace);
  if (rt_sched.sysmon.m) write_last(rt_sched.sysmon.m->trace);
  (void)rt_tracefile_close(rt_nanotime(), atomic_load(&trace.dropped));
}
