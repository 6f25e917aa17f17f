// Slots, arenas and the shared pool of stacks (stack.h has the picture).
//
// Two lists per kind and class hold free slots: `ready` (guard in place) and `raw` (no guard yet,
// or of an odd size before).  They are lock-free stacks of slot numbers (Treiber 1986) whose
// heads carry a tag against ABA; a slot's record is never freed, so reading the link of a slot
// that somebody else has just popped is harmless.
#include "runtime/stack/stack.h"

#include <assert.h>
#include <stdatomic.h>
#include "runtime/os/os.h"
#include "runtime/stack/count.h"
#include "runtime/stack/poison.h"

#define ARENA_BYTES ((uintptr_t)1 << 31)
#define ARENA_STRIDE ((uintptr_t)1 << 32)  // one arena per 4 GiB: its upper half

enum {
  SLOT_BYTES_MIN = 128 << 10,
  SLOTS_LOG2 = 14,  // most slots of one arena
  ARENAS_MAX = 1 << 15,
  GUARD_BYTES_MAX = 1 << 20,
  META_CHUNK_BYTES = 1 << 20,
  COLORS = 8,
  STOCK_BYTES_MAX = 1 << 20,  // no larger stack is made resident ahead of need
};
static const uint64_t warm_bytes_max = 256 << 20;  // resident bytes the shared pool may keep

static_assert(((uintptr_t)SLOT_BYTES_MIN << SLOTS_LOG2) == ARENA_BYTES, "slot numbers fit");

// There may be millions.  All but `next` is of whoever has the slot.
struct slot {
  _Atomic uint32_t next;   // number + 1 of the slot below in its list
  uint32_t npages : 20;    // elastic: of the stack that the guard stands below
  uint32_t guarded : 1;    // else it is raw
  uint32_t forbidden : 1;  // the guard is of mprotect, in an arena that should have had marks
  uint32_t resident : 1;   // has memory of an earlier user
  uint32_t warm : 1;       // counted in pool.warm_bytes while in the shared pool
};
static_assert(RT_STACK_MAX / RT_STACK_MIN < 1 << 20, "npages holds any");

struct arena {
  uintptr_t base;
  size_t slot_bytes;
  uint32_t guard_bytes;
  bool marked;  // guards are MADV_GUARD_INSTALL marks in readable memory
  enum rt_stack_kind kind;
  int class;
  uint32_t number, nslots;
  _Atomic uint32_t carved;  // slots handed out so far; may overshoot nslots
  struct slot slots[];
};

struct list {
  _Alignas(64) _Atomic uint64_t head;  // tag << 32 | number + 1
};

static struct {
  _Atomic(struct arena *) arenas[ARENAS_MAX];
  _Atomic uint32_t narenas;
  _Atomic(struct arena *) current[RT_STACK_KINDS][GO_STACK_CLASSES];
  struct list ready[RT_STACK_KINDS][GO_STACK_CLASSES], raw[RT_STACK_KINDS][GO_STACK_CLASSES];
  _Atomic uint64_t warm_bytes;
  _Atomic uintptr_t next_base;  // where the next arena is asked for
  _Atomic(char *) meta;         // chunk that arena records are cut from
} pool;

static struct {
  size_t guard_bytes;
  bool marked;
  bool poison;
  _Atomic bool locked;  // memory takes no marks: see guard_slot
} how = {.guard_bytes = RT_STACK_GUARD_BYTES};

static size_t round_up(size_t n, size_t to) { return (n + to - 1) & ~(to - 1); }

int rt_stackinit(const struct rt_stack_config *config) {
  if (config->guard_bytes > GUARD_BYTES_MAX) return GO_EINVAL;
  if (config->guard == RT_GUARD_MADVISE && !os_guard_supported()) return GO_EINVAL;
  const size_t asked = config->guard_bytes ? config->guard_bytes : RT_STACK_GUARD_BYTES;
  const size_t least = asked > os_stack_guard_least() ? asked : os_stack_guard_least();
  how.guard_bytes = round_up(least, os_pagesize());
  how.marked = config->guard != RT_GUARD_MPROTECT && os_guard_supported();
  how.poison = config->poison;
  atomic_store(&how.locked, false);
  return 0;
}

bool rt_stack_poisons(void) { return how.poison; }

static bool is_wide(enum rt_stack_kind k) {
  return k == RT_STACK_WIDE || k == RT_STACK_WIDE_ELASTIC;
}
static bool is_colored(enum rt_stack_kind k) {
  return k == RT_STACK_FIXED || k == RT_STACK_ELASTIC;
}
static bool is_elastic(enum rt_stack_kind k) {
  return k == RT_STACK_ELASTIC || k == RT_STACK_WIDE_ELASTIC;
}

// ---- Lists -----------------------------------------------------------------------------------

static struct arena *arena_of(uint32_t number) {
  return atomic_load_explicit(&pool.arenas[number >> SLOTS_LOG2], memory_order_acquire);
}

static struct slot *slot_of(uint32_t number) {
  return &arena_of(number)->slots[number & ((1u << SLOTS_LOG2) - 1)];
}

static void push(struct list *list, uint32_t number) {
  struct slot *s = slot_of(number);
  uint64_t head = atomic_load_explicit(&list->head, memory_order_relaxed), next;
  do {
    atomic_store_explicit(&s->next, (uint32_t)head, memory_order_relaxed);
    next = ((head >> 32) + 1) << 32 | (number + 1);
  } while (!atomic_compare_exchange_weak_explicit(&list->head, &head, next, memory_order_release,
                                                  memory_order_relaxed));
}

static bool pop(struct list *list, uint32_t *number) {
  uint64_t head = atomic_load_explicit(&list->head, memory_order_acquire), next;
  do {
    if ((uint32_t)head == 0) return false;
    const uint32_t below =
        atomic_load_explicit(&slot_of((uint32_t)head - 1)->next, memory_order_relaxed);
    next = ((head >> 32) + 1) << 32 | below;
  } while (!atomic_compare_exchange_weak_explicit(&list->head, &head, next, memory_order_acq_rel,
                                                  memory_order_acquire));
  *number = (uint32_t)head - 1;
  return true;
}

// ---- Arenas ----------------------------------------------------------------------------------

// Cuts memory for a record from the current chunk; records live as long as the process.
static void *meta_alloc(size_t bytes, int *error) {
  bytes = round_up(bytes, 64);
  struct chunk {
    _Atomic size_t used;
  };
  for (;;) {
    struct chunk *c = (struct chunk *)atomic_load_explicit(&pool.meta, memory_order_acquire);
    if (c) {
      const size_t at = atomic_fetch_add_explicit(&c->used, bytes, memory_order_relaxed);
      if (at + bytes <= META_CHUNK_BYTES) return (char *)c + at;
    }
    struct chunk *fresh = os_reserve(NULL, META_CHUNK_BYTES, OS_ACCESS_READWRITE, error);
    if (!fresh) return NULL;
    atomic_store_explicit(&fresh->used, 64, memory_order_relaxed);
    char *expected = (char *)c;
    if (!atomic_compare_exchange_strong(&pool.meta, &expected, (char *)fresh))
      os_release(fresh, META_CHUNK_BYTES);
  }
}

// Reserves the upper half of some 4 GiB of addresses: next to the last one where that is free,
// else cut from a reservation large enough to hold one wherever it lies.
static uintptr_t reserve_arena(int *error) {
  const enum os_access access = how.marked ? OS_ACCESS_READWRITE : OS_ACCESS_NONE;
  const uintptr_t hint = atomic_load_explicit(&pool.next_base, memory_order_relaxed);
  if (hint) {
    const uintptr_t got = (uintptr_t)os_reserve((void *)hint, ARENA_BYTES, access, error);
    if (got && (got & (ARENA_STRIDE - 1)) == ARENA_BYTES) {
      atomic_store_explicit(&pool.next_base, got - ARENA_STRIDE, memory_order_relaxed);
      return got;
    }
    if (got) os_release((void *)got, ARENA_BYTES);
  }
  const size_t window = ARENA_STRIDE + ARENA_BYTES;
  const uintptr_t lo = (uintptr_t)os_reserve(NULL, window, access, error);
  if (!lo) return 0;
  const uintptr_t base =
      ((lo + ARENA_BYTES - 1) & ~(ARENA_STRIDE - 1)) + ARENA_BYTES;  // first upper half >= lo
  if (base > lo) os_release((void *)lo, base - lo);
  if (base + ARENA_BYTES < lo + window)
    os_release((void *)(base + ARENA_BYTES), lo + window - base - ARENA_BYTES);
  atomic_store_explicit(&pool.next_base, base - ARENA_STRIDE, memory_order_relaxed);
  return base;
}

static size_t slot_bytes_of(enum rt_stack_kind kind, int class) {
  const size_t stack = round_up((size_t)4096 << class, os_pagesize());
  size_t bytes = is_wide(kind) ? RT_STACK_REACH : SLOT_BYTES_MIN;
  const size_t pad = (is_colored(kind) ? COLORS : 1) * os_pagesize();
  while (bytes < stack + how.guard_bytes + pad) bytes *= 2;
  return bytes;
}

// Makes a new arena current in place of `full`, unless another thread was first.
static int add_arena(enum rt_stack_kind kind, int class, struct arena *full) {
  int error = GO_ENOMEM;
  const size_t slot_bytes = slot_bytes_of(kind, class);
  const uint32_t nslots = (uint32_t)(ARENA_BYTES / slot_bytes);
  if (atomic_load(&pool.narenas) >= ARENAS_MAX) return GO_ENOMEM;
  // The addresses first: they are what runs out, and a record cannot be given back.
  const uintptr_t base = reserve_arena(&error);
  if (!base) return error;
  struct arena *a = meta_alloc(sizeof *a + nslots * sizeof a->slots[0], &error);
  if (!a) {
    os_release((void *)base, ARENA_BYTES);
    return error;
  }
  const uint32_t number = atomic_fetch_add(&pool.narenas, 1);
  if (number >= ARENAS_MAX) {
    atomic_fetch_sub(&pool.narenas, 1);
    os_release((void *)base, ARENA_BYTES);
    return GO_ENOMEM;
  }
  a->base = base;
  a->slot_bytes = slot_bytes;
  a->guard_bytes = (uint32_t)how.guard_bytes;
  a->marked = how.marked;
  a->kind = kind;
  a->class = class;
  a->number = number;
  a->nslots = nslots;
  atomic_store_explicit(&pool.arenas[number], a, memory_order_release);
  struct arena *expected = full;
  if (!atomic_compare_exchange_strong(&pool.current[kind][class], &expected, a)) {
    // Another thread's arena is current: keep ours as raw slots.
    for (uint32_t i = 0; i < nslots; i++) push(&pool.raw[kind][class], number << SLOTS_LOG2 | i);
  }
  return 0;
}

// Takes a slot that has no guard yet: one given back, or the next of the current arena.
static int take_raw(enum rt_stack_kind kind, int class, uint32_t *number) {
  for (;;) {
    if (pop(&pool.raw[kind][class], number)) return 0;
    struct arena *a = atomic_load_explicit(&pool.current[kind][class], memory_order_acquire);
    if (a && atomic_load_explicit(&a->carved, memory_order_relaxed) < a->nslots) {
      const uint32_t i = atomic_fetch_add_explicit(&a->carved, 1, memory_order_relaxed);
      if (i < a->nslots) {
        *number = a->number << SLOTS_LOG2 | i;
        return 0;
      }
    }
    const int error = add_arena(kind, class, a);
    if (error) return error;
  }
}

// ---- Stacks ----------------------------------------------------------------------------------

static void describe(uint32_t number, size_t size, struct rt_stack *out) {
  const struct arena *a = arena_of(number);
  const struct slot *s = slot_of(number);
  const uintptr_t slot_lo =
      a->base + (uintptr_t)(number & ((1u << SLOTS_LOG2) - 1)) * a->slot_bytes;
  // Stacks whose addresses differ in high bits alone compete for the ways of the first-level cache
  // (AMD predicts a way from a hash of the address).  Those that never move can differ in low bits.
  const size_t color = is_colored(a->kind) ? number % COLORS : 0;
  const uintptr_t top = slot_lo + a->slot_bytes - (1 + color) * os_pagesize();
  out->lo = (top - size) & ~(uintptr_t)(os_pagesize() - 1);
  out->hi = out->lo + size;
  out->slot_lo = slot_lo;
  out->slot = number;
  out->resident = s->resident;
  out->usable = false;
  // Without marks, all that lies below the stack is inaccessible.
  const uint32_t mark = s->guarded ? a->guard_bytes : 0;
  out->guard_bytes = a->marked ? mark : (uint32_t)(out->lo - slot_lo);
}

// Forbids access to [lo, hi), part of a guard in a marked arena.
static int put_guard(struct slot *s, uintptr_t lo, uintptr_t hi) {
  if (os_guard_install((void *)lo, hi - lo) == 0) return 0;
  const int error = os_forbid((void *)lo, hi - lo);  // locked memory takes no marks (madvise(2))
  if (!error) s->forbidden = true;
  atomic_store_explicit(&how.locked, true, memory_order_relaxed);
  return error;
}

// Allows it again, however it was forbidden.
static int drop_guard(const struct slot *s, uintptr_t lo, uintptr_t hi) {
  const int error = s->forbidden ? os_commit((void *)lo, hi - lo) : 0;
  return error ? error : os_guard_remove((void *)lo, hi - lo);
}

// Puts the guard of a raw slot in place, for a stack of `size` bytes.
static int guard_slot(uint32_t number, size_t size) {
  const struct arena *a = arena_of(number);
  struct slot *s = slot_of(number);
  struct rt_stack st;
  describe(number, size, &st);
  // Below an elastic guard there is more memory, and then the pad of the slot below, which ends a
  // descent that has skipped the guard.
  int error = 0;
  if (a->marked && is_elastic(a->kind)) error = put_guard(s, st.hi, st.slot_lo + a->slot_bytes);
  // Without marks, nothing of the arena is accessible but what is committed.
  if (!error)
    error = a->marked ? put_guard(s, st.lo - a->guard_bytes, st.lo)
                      : os_stack_commit((void *)st.lo, round_up(size, os_pagesize()),
                                        a->kind == RT_STACK_FIXED && !how.poison);
  if (error) return error;
  s->guarded = true;
  s->npages = (uint32_t)(round_up(size, os_pagesize()) / os_pagesize());
  return 0;
}

// Takes the guard of a slot away, for a stack of another size to come.  False if the system
// refuses (it is short of mappings): the slot must not be used again then, since an old guard
// could lie inside the next stack, or old memory where the next guard should be.
static bool unguard_slot(const struct rt_stack *st) {
  const struct arena *a = arena_of(st->slot);
  struct slot *s = slot_of(st->slot);
  const size_t bytes = round_up(rt_stack_size(st), os_pagesize());
  if (a->marked) os_discard((void *)st->lo, bytes);
  const int error = a->marked ? drop_guard(s, st->lo - a->guard_bytes, st->lo)
                              : os_stack_forbid((void *)st->lo, bytes);
  s->forbidden = s->resident = s->guarded = false;
  return error == 0;
}

// Fills a stack.  One that is paged in, from before stacks were filled, is made whole first; if the
// system refuses, it stays as it is.
static void fill(const struct rt_stack *st, void (*with)(const struct rt_stack *)) {
  if (os_stack_commit((void *)st->lo, rt_stack_size(st), false) == 0) with(st);
}

static void count_in_use(struct rt_stackcache *cache, int class, int64_t by) {
  rt_count(&cache->stats.in_use[class], (uint64_t)by);
}

static bool is_pooled(size_t size) { return (size & (size - 1)) == 0; }

// The bytes of the stack that a slot in the pool holds.
static size_t size_in_pool(uint32_t number) {
  const struct arena *a = arena_of(number);
  return is_elastic(a->kind) ? slot_of(number)->npages * os_pagesize() : (size_t)4096 << a->class;
}

// The memory that it takes, once it has been used.
static size_t memory_in_pool(uint32_t number) {
  return round_up(size_in_pool(number), os_pagesize());
}

// Takes a guarded slot from the shared pool, and out of its account.
static bool pop_ready(enum rt_stack_kind kind, int class, uint32_t *number) {
  if (!pop(&pool.ready[kind][class], number)) return false;
  struct slot *s = slot_of(*number);
  if (s->warm)
    atomic_fetch_sub_explicit(&pool.warm_bytes, memory_in_pool(*number), memory_order_relaxed);
  s->warm = false;
  return true;
}

static bool take_ready(enum rt_stack_kind kind, int class, struct rt_stackcache *cache,
                       uint32_t *number) {
  if (cache->n[kind][class] == 0) return pop_ready(kind, class, number);
  *number = cache->slots[kind][class][--cache->n[kind][class]];
  return true;
}

// Takes a slot that has no guard, and puts one there if that cannot wait.
static int take_fresh(enum rt_stack_kind kind, int class, size_t size,
                      struct rt_stackcache *cache, uint32_t *number) {
  rt_count(&cache->stats.pool_misses, 1);
  int error = take_raw(kind, class, number);
  if (error) return error;
  const bool later =
      arena_of(*number)->marked && !atomic_load_explicit(&how.locked, memory_order_relaxed);
  error = later ? 0 : guard_slot(*number, size);
  if (error) push(&pool.raw[kind][class], *number);
  return error;
}

int rt_stackreserve(enum rt_stack_kind kind, size_t size, struct rt_stackcache *cache,
                    struct rt_stack *out) {
  if (size > RT_STACK_MAX) return GO_ELIMIT;
  if (size < RT_STACK_MIN) return GO_EINVAL;
  size = round_up(size, 16);
  const int class = rt_stack_class(size);
  uint32_t number;
  if (is_pooled(size) && take_ready(kind, class, cache, &number)) {
    rt_count(&cache->stats.pool_hits, 1);
  } else {
    const int error = take_fresh(kind, class, size, cache, &number);
    if (error) return error;
  }
  count_in_use(cache, class, 1);
  describe(number, size, out);
  return 0;
}

int rt_stackcommit(struct rt_stack *stack) {
  if (stack->usable) return 0;
  struct slot *s = slot_of(stack->slot);
  if (!s->guarded) {
    const int error = guard_slot(stack->slot, rt_stack_size(stack));
    if (error) return error;
    stack->guard_bytes = arena_of(stack->slot)->guard_bytes;
  }
  s->resident = true;  // from now on
  stack->usable = true;
  if (how.poison) fill(stack, rt_poison_fresh);
  return 0;
}

int rt_stackalloc(enum rt_stack_kind kind, size_t size, struct rt_stackcache *cache,
                  struct rt_stack *out) {
  struct rt_stack stack;
  int error = rt_stackreserve(kind, size, cache, &stack);
  if (error) return error;
  error = rt_stackcommit(&stack);
  if (error)
    rt_stackfree(cache, &stack);
  else
    *out = stack;
  return error;
}

static void push_ready(uint32_t number) {
  const struct arena *a = arena_of(number);
  struct slot *s = slot_of(number);
  const uint64_t bytes = memory_in_pool(number);
  s->warm = s->resident && atomic_fetch_add_explicit(&pool.warm_bytes, bytes,
                                                     memory_order_relaxed) + bytes <=
                               warm_bytes_max;
  if (s->resident && !s->warm) {
    atomic_fetch_sub_explicit(&pool.warm_bytes, bytes, memory_order_relaxed);
    struct rt_stack st;
    describe(number, size_in_pool(number), &st);
    rt_stackdiscard(&st);
  }
  push(&pool.ready[a->kind][a->class], number);
}

void rt_stackfree(struct rt_stackcache *cache, const struct rt_stack *stack) {
  const struct arena *a = arena_of(stack->slot);
  const bool raw = !slot_of(stack->slot)->guarded;  // reserved alone
  const bool elastic = is_elastic(a->kind);
  count_in_use(cache, elastic ? rt_stack_class(rt_stack_size(stack)) : a->class, -1);
  if (raw || (!elastic && !is_pooled(rt_stack_size(stack)))) {
    if (raw || unguard_slot(stack)) push(&pool.raw[a->kind][a->class], stack->slot);
    return;
  }
  if (how.poison && stack->usable) fill(stack, rt_poison_freed);
  uint32_t *n = &cache->n[a->kind][a->class];
  if (*n < RT_STACK_CACHED) {
    cache->slots[a->kind][a->class][(*n)++] = stack->slot;
    return;
  }
  push_ready(stack->slot);
}

// ---- Elastic stacks --------------------------------------------------------------------------

// Moves the guard of a marked slot down, or up to where the stack has less.
static int move_marks(const struct arena *a, const struct rt_stack *st, uintptr_t to) {
  struct slot *s = slot_of(st->slot);
  const uintptr_t from = st->lo, guard = a->guard_bytes;
  // The new guard first: at every moment one stands.  Where the two overlap nothing is done.
  const bool down = to < from;
  const uintptr_t new_lo = down || to - guard > from ? to - guard : from;
  const uintptr_t new_hi = down && from - guard < to ? from - guard : to;
  const uintptr_t old_lo = down && to > from - guard ? to : from - guard;
  const uintptr_t old_hi = !down && to - guard < from ? to - guard : from;
  int error = put_guard(s, new_lo, new_hi);
  if (!error) error = drop_guard(s, old_lo, old_hi);
  if (error) {
    (void)drop_guard(s, new_lo, new_hi);
    (void)put_guard(s, old_lo, old_hi);
  }
  // A mark empties its pages; below it lies what was the stack, or was reached past the old guard.
  if (!error && !down) os_discard((void *)st->slot_lo, to - guard - st->slot_lo);
  return error;
}

// Without marks all that lies below the stack is the guard.
static int move_commit(const struct rt_stack *st, uintptr_t to) {
  if (to < st->lo) return os_stack_commit((void *)to, st->lo - to, false);
  return os_stack_shrink((void *)st->lo, to - st->lo);
}

// Makes *st, whose slot is elastic, `size` bytes large: whole pages.
static int resize(struct rt_stack *st, size_t size) {
  const struct arena *a = arena_of(st->slot);
  struct slot *s = slot_of(st->slot);
  const uintptr_t to = st->hi - size;
  if (to == st->lo) return 0;
  const int error = a->marked ? move_marks(a, st, to) : move_commit(st, to);
  if (error) return error;
  s->npages = (uint32_t)(size / os_pagesize());
  const bool usable = st->usable;
  describe(st->slot, size, st);
  st->usable = usable;
  return 0;
}

int rt_stackrange(enum rt_stack_kind kind, size_t range, size_t size,
                  struct rt_stackcache *cache, struct rt_stack *out) {
  if (range > RT_STACK_MAX) return GO_ELIMIT;
  if (size < RT_STACK_MIN || size > range) return GO_EINVAL;
  size = round_up(size, os_pagesize());
  const int class = rt_stack_class(range);
  uint32_t number;
  if (take_ready(kind, class, cache, &number)) {
    rt_count(&cache->stats.pool_hits, 1);
    struct rt_stack st;
    describe(number, size_in_pool(number), &st);
    const int error = resize(&st, size);
    if (error) {
      push_ready(number);
      return error;
    }
  } else {
    const int error = take_fresh(kind, class, size, cache, &number);
    if (error) return error;
  }
  count_in_use(cache, rt_stack_class(size), 1);
  describe(number, size, out);
  return 0;
}

int rt_stackresize(struct rt_stackcache *cache, struct rt_stack *stack, size_t size) {
  const struct arena *a = arena_of(stack->slot);
  if (!is_elastic(a->kind)) return GO_ESTRATEGY;
  size = round_up(size, os_pagesize());
  if (size > round_up((size_t)4096 << a->class, os_pagesize())) return GO_ELIMIT;
  const size_t old = rt_stack_size(stack);
  const int error = resize(stack, size);
  if (error) return error;
  count_in_use(cache, rt_stack_class(old), -1);
  count_in_use(cache, rt_stack_class(size), 1);
  return 0;
}

void rt_stackemptied(const struct rt_stack *stack) { slot_of(stack->slot)->resident = false; }

void rt_stackdiscard(const struct rt_stack *stack) {
  os_discard((void *)stack->lo, rt_stack_size(stack));
  rt_stackemptied(stack);
}

// Fetches one stack of a class and makes it resident.  False: no memory.
static bool stock(struct rt_stackcache *cache, enum rt_stack_kind kind, int class) {
  const size_t size = (size_t)4096 << class;
  uint32_t number;
  if (!pop_ready(kind, class, &number)) {
    if (take_raw(kind, class, &number) != 0) return false;
    if (guard_slot(number, size) != 0) {
      push(&pool.raw[kind][class], number);
      return false;
    }
  }
  struct rt_stack st;
  describe(number, size, &st);
  if (!st.resident) os_populate((void *)st.lo, round_up(size, os_pagesize()));
  slot_of(number)->resident = true;
  cache->slots[kind][class][cache->n[kind][class]++] = number;
  return true;
}

void rt_stackcache_want(struct rt_stackcache *cache, enum rt_stack_kind kind, size_t size) {
  const int class = rt_stack_class(size);
  if (cache->n[kind][class] == 0 && size <= STOCK_BYTES_MAX) cache->wanted[kind] |= 1u << class;
}

void rt_stackcache_stock(struct rt_stackcache *cache) {
  for (int kind = 0; kind < RT_STACK_KINDS; kind++)
    for (; cache->wanted[kind]; cache->wanted[kind] &= cache->wanted[kind] - 1) {
      const int class = __builtin_ctz(cache->wanted[kind]);
      if (cache->n[kind][class] == 0 && !stock(cache, kind, class)) return;
    }
}

void rt_stackcache_flush(struct rt_stackcache *cache) {
  for (int kind = 0; kind < RT_STACK_KINDS; kind++)
    for (int class = 0; class < GO_STACK_CLASSES; class ++)
      while (cache->n[kind][class] > 0)
        push_ready(cache->slots[kind][class][--cache->n[kind][class]]);
}

void rt_stackdrain(struct rt_stackcache *cache) {
  rt_stackcache_flush(cache);
  for (int kind = 0; kind < RT_STACK_KINDS; kind++)
    for (int class = 0; class < GO_STACK_CLASSES; class ++) {
      uint32_t number, n = 0, first = 0;
      // Chain what was drained through `first`, so that no slot is drained twice.
      while (pop_ready(kind, class, &number)) {
        struct slot *s = slot_of(number);
        struct rt_stack st;
        describe(number, size_in_pool(number), &st);
        rt_stackdiscard(&st);
        atomic_store_explicit(&s->next, first, memory_order_relaxed);
        first = number + 1;
        n++;
      }
      for (; n > 0; n--) {
        number = first - 1;
        first = atomic_load_explicit(&slot_of(number)->next, memory_order_relaxed);
        push(&pool.ready[kind][class], number);
      }
    }
}
