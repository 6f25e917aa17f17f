// Which goroutines give memory back, and when (shrink.h).  How they do is their strategy's
// (runtime/stack/growth/shrink.c).
#include "runtime/sched/shrink.h"

#include <stddef.h>
#include "runtime/arch/arch.h"
#include "runtime/sched/event.h"

enum {
  SOME = 1024,            // goroutines that are looked at in one go: 50 us or so; and how many of
  SOME_GIVE = 16,         // them may give memory back, which takes as long each as it has to give
  REFS_MAX = 64,          // a select of more cases is not worth the time: it stays as it is
  PAUSE_NS = 1000000,     // between two passes, at least
  PRESSURE_NS = 1000000000,  // how often the system is asked how it fares
  SOON_MAX = 6,           // see rt_shrink_due
  LONG = 4,               // times its due: who waits so long is no longer coming and going
};

struct rt_shrinking rt_shrinking = {.root = ""};

static struct {
  struct rt_shrinkpolicy policy;
  _Atomic bool all;            // this pass is for everybody that waits
  int64_t passed, asked;       // when a pass began, and the system was asked; sysmon
  struct rt_lock lock;         // a pass
  struct rt_gchunk *chunk;     // where it goes on
  bool running, passed_over;   // it has begun; see struct look
} state;

void rt_shrink_init(const struct rt_shrinkpolicy *policy) {
  state.policy = *policy;
  state.chunk = NULL;
  state.running = state.passed_over = false;
  state.passed = state.asked = 0;
  atomic_store(&state.all, false);
  rt_shrinking.on = policy->idle_ns > 0 || policy->pressure;
  atomic_store(&rt_shrinking.fresh, false);
  atomic_store(&rt_shrinking.wanted, false);
}

// ---- One -------------------------------------------------------------------------------------

static struct rt_sudog *sudog_of(struct rt_stackref *ref) {
  return (struct rt_sudog *)((char *)ref - offsetof(struct rt_sudog, elem));
}

static bool seen_before(const struct rt_gstack *gs, const struct rt_stackref *end, const void *on) {
  for (struct rt_stackref *r = gs->refs; r != end; r = r->next)
    if (sudog_of(r)->on == on) return true;
  return false;
}

static void unlock_until(const struct rt_gstack *gs, const struct rt_stackref *end) {
  for (struct rt_stackref *r = gs->refs; r != end; r = r->next)
    if (!seen_before(gs, r, sudog_of(r)->on)) rt_punlock(sudog_of(r)->on);
}

// Locks all that g waits on: those who hold such a lock, and nobody else, use the elements on its
// stack.  The locks are tried, so their order does not matter.
static bool try_lock_all(const struct rt_gstack *gs) {
  for (struct rt_stackref *r = gs->refs; r; r = r->next) {
    void *on = sudog_of(r)->on;
    if (seen_before(gs, r, on) || rt_ptrylock(on)) continue;
    unlock_until(gs, r);
    return false;
  }
  return true;
}

static bool waits_on_too_many(const struct rt_gstack *gs) {
  int n = 0;
  for (struct rt_stackref *r = gs->refs; r; r = r->next) n++;
  return n > REFS_MAX;
}

static bool has_had_its_turn(struct rt_g *g) {
  return atomic_load_explicit(&g->shrink, memory_order_relaxed) & RT_SHRUNK;
}

// g waits and cannot be readied.  True: it gave memory back.
static bool shrinkstack(struct rt_g *g, struct rt_m *m) {
  const struct rt_growth *growth = g->gs.growth;
  m->cache.last.from_bytes = 0;
  if (!growth->shrink || !growth->shrink(&g->gs, &m->cache)) return false;
  if (m->cache.last.from_bytes) rt_event_shrink(g, &m->cache.last);
  g->trial = false;  // what it grows to now says nothing about what it began with
  return true;
}

bool rt_shrink_due(int64_t idle_ns, int64_t waited_ns, uint8_t *soon) {
  const int64_t due = idle_ns << *soon;
  if (waited_ns < due) return false;
  if (waited_ns > LONG * due)
    *soon = 0;
  else if (*soon < SOON_MAX)
    *soon += 1;
  return true;
}

// What a pass has come for: those that have waited since `before`, or, by `policy`, for their time.
struct look {
  struct rt_m *m;
  int64_t now, before;
  bool policy;
  int64_t gave;  // how many gave memory back
  bool passed_over;  // somebody waits that has yet to have its turn
};

// The turn of g, which waits and cannot be readied.  False: it is not due, or its stack is in use.
static bool turn(struct look *l, struct rt_g *g) {
  uint8_t soon = atomic_load_explicit(&g->shrink, memory_order_relaxed);
  const bool due = l->policy ? rt_shrink_due(state.policy.idle_ns, l->now - g->waitsince, &soon)
                             : g->waitsince <= l->before;
  if (!due) return false;
  if (!waits_on_too_many(&g->gs)) {
    if (!try_lock_all(&g->gs)) return false;
    l->gave += shrinkstack(g, l->m);
    unlock_until(&g->gs, NULL);
  }
  atomic_store_explicit(&g->shrink, soon | RT_SHRUNK, memory_order_relaxed);
  return true;
}

static void look_at(struct look *l, struct rt_g *g) {
  uint32_t waits = RT_GWAITING;
  if (has_had_its_turn(g) || atomic_load_explicit(&g->status, memory_order_relaxed) != waits)
    return;  // as a rule: another M may give it its turn just now
  // Once the bit is set, whoever readies g waits for us.
  if (!atomic_compare_exchange_strong_explicit(&g->status, &waits, RT_GWAITING | RT_GSCAN,
                                               memory_order_acquire, memory_order_relaxed))
    return;
  l->passed_over |= !has_had_its_turn(g) && !turn(l, g);
  atomic_store_explicit(&g->status, RT_GWAITING, memory_order_release);
}

static void look_at_chunk(struct look *l, struct rt_gchunk *chunk) {
  for (int i = 0; i < RT_GCHUNK; i++) look_at(l, &chunk->g[i]);
}

static struct rt_gchunk *first_chunk(void) {
  rt_lock(&rt_sched.lock);
  struct rt_gchunk *chunk = rt_sched.chunks;
  rt_unlock(&rt_sched.lock);
  return chunk;
}

// ---- A pass ----------------------------------------------------------------------------------

static void begin(void) {
  // In this order: who parks from now on is seen by this pass or asks for the next.
  atomic_store(&rt_shrinking.fresh, false);
  state.chunk = first_chunk();
  state.running = true;
  state.passed_over = false;
}

static void end(void) {
  state.running = false;
  atomic_store(&state.all, false);
  if (state.passed_over) atomic_store(&rt_shrinking.fresh, true);
  atomic_store(&rt_shrinking.wanted, false);
}

bool rt_shrink_some(struct rt_m *m) {
  if (!rt_trylock(&state.lock)) return false;
  if (!state.running && atomic_load(&rt_shrinking.wanted)) begin();
  const int64_t now = atomic_load_explicit(&rt_sched.coarse_now, memory_order_relaxed);
  struct look l = {.m = m, .now = now, .before = now, .policy = !atomic_load(&state.all)};
  for (int i = 0; i < SOME / RT_GCHUNK && state.chunk && l.gave < SOME_GIVE; i++) {
    look_at_chunk(&l, state.chunk);
    state.chunk = state.chunk->next;
  }
  state.passed_over |= l.passed_over;
  if (state.running && !state.chunk) end();
  const bool more = state.running;
  rt_unlock(&state.lock);
  return more;
}

// ---- When ------------------------------------------------------------------------------------

bool rt_shrink_tick(int64_t now, int64_t *again) {
  *again = 0;
  if (!rt_shrinking.on) return false;
  if (atomic_load(&rt_shrinking.wanted)) {  // whom that pass passes over, another is for
    *again = now + PAUSE_NS;
    return false;
  }
  if (!atomic_load(&rt_shrinking.fresh)) return false;
  const int64_t idle = state.policy.idle_ns, half = idle / 2 > PAUSE_NS ? idle / 2 : PAUSE_NS;
  bool due = idle > 0 && now - state.passed >= half;
  if (idle > 0) *again = state.passed + half;
  if (state.policy.pressure) {
    if (now - state.asked >= PRESSURE_NS) {
      state.asked = now;
      const bool pressed = os_memory_short(rt_shrinking.root);
      if (pressed) atomic_store(&state.all, true);
      due |= pressed;
    }
    const int64_t ask = state.asked + PRESSURE_NS;
    if (*again == 0 || ask < *again) *again = ask;
  }
  if (!due) return false;
  state.passed = now;
  atomic_store(&rt_shrinking.wanted, true);
  return true;
}

// ---- Asked for -------------------------------------------------------------------------------

static void shrink_all(void *arg) {
  struct look *l = arg;
  l->m = rt_getg()->m;
  for (struct rt_gchunk *chunk = first_chunk(); chunk; chunk = chunk->next)
    look_at_chunk(l, chunk);
}

int64_t go_shrink(int64_t idle_ns) {
  const struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  struct look l = {.before = idle_ns > 0 ? rt_nanotime() - idle_ns : INT64_MAX};
  rt_systemstack(shrink_all, &l);
  return l.gave;
}
