// Goroutines: made, started, ended, reused (Go's newproc, goexit, gfget, gfput).
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <assert.h>
#include "runtime/arch/arch.h"
#include "runtime/os/throw.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/event.h"
#include "runtime/sched/fiber.h"
#include "runtime/sched/sched.h"
#include "runtime/stack/adapt.h"
#include "runtime/stack/count.h"
#include "runtime/stack/sanitize.h"

static_assert(offsetof(struct rt_g, waitseq) <= 128, "a switch touches two cache lines of a g");
static_assert(sizeof(struct rt_g) <= 320 + 64 * RT_FIBERS, "a million take 4.6 KiB each");

enum { GOID_BATCH = 16, GFREE_MAX = 64, FIRST_BLOCK_BYTES = 512 << 10, BLOCK_BYTES = 32 << 20 };

// ---- Options ---------------------------------------------------------------------------------

void rt_settle(struct rt_spawn *spawn) {
  const size_t limit = spawn->growth->limit ? spawn->growth->limit() : RT_STACK_MAX;
  if (spawn->max > limit) spawn->max = limit;
  if (spawn->growth->kind != RT_STACK_FIXED) {
    const size_t page = os_pagesize();
    spawn->max = spawn->max > page ? spawn->max & ~(page - 1) : page;
    if (spawn->initial < page) spawn->initial = page;
  }
  if (spawn->initial > spawn->max) spawn->initial = spawn->max;
}

int rt_resolve(const struct go_spawn_options *options, struct rt_spawn *out) {
  *out = rt_sched.asked;
  if (options->growth) {
    out->growth = rt_growth_find(options->growth);
    if (!out->growth || rt_growth_missing(out->growth)) return GO_ESTRATEGY;
  }
  if (options->stack_max) {
    if (options->stack_max < RT_STACK_MIN) return GO_EINVAL;
    if (options->stack_max > RT_STACK_MAX) return GO_ELIMIT;
    out->max = options->stack_max;
  }
  if (options->stack_initial) {
    const size_t size = options->stack_initial;
    if (size < RT_STACK_MIN || (size & (size - 1)) != 0) return GO_EINVAL;
    if (size > out->max) return GO_ELIMIT;
    out->initial = size;
  }
  rt_settle(out);
  return 0;
}

// ---- Memory of goroutines --------------------------------------------------------------------

struct newg {
  struct rt_p *p;
  const struct rt_spawn *spawn;
  struct rt_g *g;
  int error;
};

// blocklock held.  Pages come as they are touched.  Huge pages would be fewer faults (skynet of a
// million takes 0.93 of the time), but where none is at hand the first 100,000 goroutines have been
// seen to wait 50 ms for them.
static struct rt_gchunk *cut_chunk(void) {
  struct rt_gblock *b = rt_sched.blocks;
  const size_t used = sizeof *b + sizeof b->chunks[0] * (size_t)rt_sched.nchunks;
  if (!b || used + sizeof b->chunks[0] > b->bytes) {
    const size_t bytes = b ? BLOCK_BYTES : FIRST_BLOCK_BYTES;
    int error;
    struct rt_gblock *newest = os_reserve(NULL, bytes, OS_ACCESS_READWRITE, &error);
    if (!newest) return NULL;
    newest->bytes = bytes;
    newest->next = b;
    rt_sched.blocks = b = newest;
    rt_sched.nchunks = 0;
  }
  return &b->chunks[rt_sched.nchunks++];
}

// A chunk of new goroutines; empty: no memory.  The first touch of their pages takes time, and
// nobody waits for it who has goroutines: sched.lock is not held.
static struct rt_gqueue add_chunk(void) {
  struct rt_gqueue q = {0};
  if (rt_det_fails()) return q;
  rt_lock(&rt_sched.blocklock);
  struct rt_gchunk *c = cut_chunk();
  rt_unlock(&rt_sched.blocklock);
  if (!c) return q;
  for (int i = 0; i < RT_GCHUNK; i++) {
    c->g[i].waitseq = 1;
    rt_casgstatus(&c->g[i], RT_GIDLE, RT_GDEAD);
    rt_gqueue_push(&q, &c->g[i]);
  }
  rt_lock(&rt_sched.lock);
  c->next = rt_sched.chunks;
  rt_sched.chunks = c;
  rt_unlock(&rt_sched.lock);
  return q;
}

// Functions take their marks back when they return, and when one is thrown over, AddressSanitizer
// does: where it knows the stack, that is, which it does not after a move.  A stack that stays may
// be large, but has marks only from SP up.
static void forget_frames(struct rt_g *g) {
  const struct rt_stack *s = &g->gs.stack;
  if (!g->gs.sp) return;
  rt_sanitize_forget(g->gs.growth->moves ? s->lo : g->gs.sp, s->hi);
  g->gs.sp = 0;
}

void rt_gfreestack(struct rt_g *g, struct rt_stackcache *cache) {
  if (!g->gs.stack.hi) return;
  if (g->gs.growth->end) g->gs.growth->end(&g->gs, cache);
  forget_frames(g);
  rt_stackfree(cache, &g->gs.stack);
  g->gs.stack = (struct rt_stack){0};
}

static bool fits(const struct rt_g *g, const struct rt_spawn *spawn) {
  return g->gs.stack.hi && g->gs.growth == spawn->growth && g->gs.initial == spawn->initial &&
         g->gs.max == spawn->max;
}

// On g0.  Stacks are short: those that dead goroutines still hold go to the pool.
static void reclaim(struct rt_p *p, struct rt_stackcache *cache) {
  for (struct rt_g *g = p->gfree.head; g; g = g->schedlink) rt_gfreestack(g, cache);
  rt_lock(&rt_sched.lock);
  for (uint32_t i = rt_sched.gfree.first; i != rt_sched.gfree.end; i++)
    for (struct rt_g *g = rt_sched.gfree.batch[i % RT_GBATCHES].head; g; g = g->schedlink)
      rt_gfreestack(g, cache);
  rt_unlock(&rt_sched.lock);
}

// On g0: a dead goroutine with a stack that fits, whatever it takes.
static void newg_slow(void *arg) {
  struct newg *n = arg;
  struct rt_stackcache *cache = &rt_getg()->m->cache;
  struct rt_g *g = rt_gqueue_pop(&n->p->gfree);
  if (!g) {
    rt_lock(&rt_sched.lock);
    n->p->gfree = rt_gbatches_take(&rt_sched.gfree, RT_GBATCH);
    rt_unlock(&rt_sched.lock);
    if (!n->p->gfree.head) n->p->gfree = add_chunk();
    g = rt_gqueue_pop(&n->p->gfree);
    if (!g) {
      n->error = GO_ENOMEM;
      return;
    }
  }
  if (!fits(g, n->spawn)) {
    rt_gfreestack(g, cache);
    g->gs.growth = n->spawn->growth;
    g->gs.initial = (uint32_t)n->spawn->initial;
    g->gs.max = (uint32_t)n->spawn->max;
    n->error = rt_det_fails() ? GO_EMAP : g->gs.growth->alloc(&g->gs, cache);
    if (n->error) {
      reclaim(n->p, cache);
      n->error = g->gs.growth->alloc(&g->gs, cache);
    }
    if (n->error) {
      g->gs.stack = (struct rt_stack){0};
      rt_gqueue_push(&n->p->gfree, g);
      return;
    }
  }
  n->g = g;
}

int rt_newg(struct rt_p *p, const struct rt_spawn *spawn, void (*fn)(void *), void *arg,
            struct rt_g **out) {
  struct newg n = {p, spawn, NULL, 0};
  if (p->gfree.head && fits(p->gfree.head, spawn)) {
    n.g = rt_gqueue_pop(&p->gfree);
  } else {
    rt_systemstack(newg_slow, &n);
    if (n.error) return n.error;
  }
  if (p->goid == p->goid_end) {
    p->goid = atomic_fetch_add_explicit(&rt_sched.goidgen, GOID_BATCH, memory_order_relaxed) + 1;
    p->goid_end = p->goid + GOID_BATCH;
  }
  n.g->gs.goid = p->goid++;
  n.g->gs.ngrowths = n.g->gs.nmoves = 0;
  n.g->gs.promised = 0;
  atomic_store_explicit(&n.g->shrink, 0, memory_order_relaxed);
  n.g->nopreempt = n.g->panicking = n.g->trial = 0;
  n.g->panic_fn = NULL;
  n.g->fn = fn;
  n.g->arg = arg;
  rt_casgstatus(n.g, RT_GDEAD, RT_GRUNNABLE);
  rt_count(&p->created, 1);
  rt_event_create(n.g);
  *out = n.g;
  return 0;
}

void rt_gfput(struct rt_p *p, struct rt_g *g) {
  struct rt_stackcache *cache = &rt_getg()->m->cache;
  if (g->gs.growth->end) g->gs.growth->end(&g->gs, cache);
  // A stack that has grown goes back to the pool: the next goroutine starts small again.
  const bool grown = (g->gs.growth->fault || g->gs.growth->checkpoint) &&
                     rt_stack_size(&g->gs.stack) != g->gs.initial;
  const bool keep = !grown || (g->gs.growth->decommit &&
                               g->gs.growth->decommit(&g->gs, cache, g->gs.stack.hi));
  if (!keep || rt_stack_poisons()) rt_gfreestack(g, cache);
  if (g->gs.stack.hi) forget_frames(g);
  // Last in, first out: the stack that was used last is warm, and rt_gstart looks at the head.
  g->schedlink = p->gfree.head;
  p->gfree.head = g;
  if (!p->gfree.tail) p->gfree.tail = g;
  if (++p->gfree.n < GFREE_MAX) return;
  const struct rt_gqueue newer = rt_gqueue_split(&p->gfree, GFREE_MAX / 2);
  struct rt_gqueue older = p->gfree;
  p->gfree = newer;
  rt_lock(&rt_sched.lock);
  rt_gbatches_put(&rt_sched.gfree, &older);
  rt_unlock(&rt_sched.lock);
}

// go_spawn could have made room for it, and the system has it no more.
_Noreturn static void no_stack(const struct rt_g *g, int error) {
  struct rt_text t = {.n = 0};
  rt_text_str(&t, "stacklab: goroutine ");
  rt_text_dec(&t, g->gs.goid);
  rt_text_str(&t, " cannot begin: ");
  rt_text_str(&t, go_strerror(error));
  rt_text_str(&t, "\n");
  rt_fatal(&t, 0);
}

// The stack that was reserved for g gives way to one as large as others before it have needed.
// False: it would do, or there is no memory for more.
static bool start_larger(struct rt_m *m, struct rt_g *g) {
  const struct rt_growth *growth = g->gs.growth;
  bool trial = false;
  if (!growth->fault && !growth->checkpoint) return false;
  struct rt_gstack larger = g->gs;
  larger.initial =
      (uint32_t)rt_adapt_first((uintptr_t)g->fn, g->gs.initial, g->gs.max, &trial);
  g->trial = trial;
  if (larger.initial == g->gs.initial) return false;
  if (growth->alloc(&larger, &m->cache) != 0) {
    g->trial = 0;
    return false;
  }
  rt_stackfree(&m->cache, &g->gs.stack);
  g->gs.stack = larger.stack;
  rt_count(&m->cache.stats.starts_larger, 1);
  return true;
}

void rt_gstart(struct rt_m *m, struct rt_g *g) {
  const bool larger = rt_adapt_most && start_larger(m, g);
  struct rt_g *dead = m->p && !larger ? m->p->gfree.head : NULL;
  const struct rt_spawn spawn = {g->gs.growth, g->gs.initial, g->gs.max};
  if (dead && fits(dead, &spawn) && dead->gs.stack.usable) {
    const struct rt_stack own = g->gs.stack;
    g->gs.stack = dead->gs.stack;
    dead->gs.stack = own;
  }
  const int error = rt_stackcommit(&g->gs.stack);
  if (error) no_stack(g, error);
  g->gs.low = rt_growth_low(&g->gs);
  rt_gprepare(g);
}

// ---- Life ------------------------------------------------------------------------------------

bool rt_mystack(const void *p) {
  const struct rt_g *g = rt_getg();
  const uintptr_t w = (uintptr_t)p;
  return g && g != &g->m->g0 && g->gs.growth->moves && w >= g->gs.stack.slot_lo &&
         w <= g->gs.stack.hi;
}

int rt_newproc(void (*fn)(void *), void *arg) {
  struct rt_p *p = rt_getg()->m->p;
  struct rt_g *g;
  const int error = rt_newg(p, &rt_sched.defaults, fn, arg, &g);
  if (error) return error;
  rt_runqput(p, g, false);
  rt_announce();
  return 0;
}

int go_spawn(const struct go_spawn_options *options, void (*fn)(void *), void *arg) {
  const struct rt_g *self = rt_getg();
  if (!self || self == &self->m->g0) return GO_ENOTG;
  if (!fn) return GO_EINVAL;
  if (rt_mystack(arg)) return GO_EMOVES;
  const struct rt_spawn *spawn = &rt_sched.defaults;
  struct rt_spawn resolved;
  if (options) {
    const int error = rt_resolve(options, &resolved);
    if (error) return error;
    spawn = &resolved;
  }
  rt_callpoint();
  struct rt_p *p = self->m->p;
  struct rt_g *g;
  const int error = rt_newg(p, spawn, fn, arg, &g);
  if (error) return error;
  rt_runqput(p, g, true);
  rt_wakep();
  return 0;
}

void rt_gomain(void) {
  struct rt_g *g = rt_getg();
  rt_fiber_arrived(NULL);
  g->fn(g->arg);
  if (g->gs.defers) rt_throw("a function returned without go_defer_run or go_defer_drop");
  rt_mcall(rt_goexit0);
  rt_throw("a goroutine that has ended was resumed");
}

void rt_goexit0(struct rt_g *g) {
  struct rt_m *m = g->m;
  rt_event_end(g);
  m->curg = NULL;
  g->m = NULL;
  rt_casgstatus(g, RT_GRUNNING, RT_GDEAD);
  rt_gforget(g);
  if (rt_adapt_most && g->trial) rt_adapt_fitted((uintptr_t)g->fn, rt_stack_size(&g->gs.stack));
  rt_count(&m->p->ended, 1);
  const bool last = g == rt_sched.maing;
  rt_gfput(m->p, g);
  if (last) rt_stopall();
}

void go_stack_adapt_forget(void) { rt_adapt_forget(); }

uint64_t go_self(void) {
  const struct rt_g *g = rt_getg();
  return g && g != &g->m->g0 ? g->gs.goid : 0;
}

int go_stack_bounds(struct go_stack_bounds *out) {
  const struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  *out = (struct go_stack_bounds){g->gs.stack.lo, g->gs.stack.hi};
  return 0;
}
