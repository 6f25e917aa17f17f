// A ring of old stacks without access (quarantine.h).  A place in the ring is claimed with its
// `busy` flag; who finds it taken frees the stack at once, so nobody ever waits.
#include "runtime/stack/quarantine.h"

#include <stdatomic.h>
#include "runtime/os/throw.h"

static struct place {
  _Atomic bool busy;
  bool held;
  bool marked;  // without access by a guard mark; else by mprotect
  struct rt_stack stack;
  uint64_t goid;
  uint32_t move;
} ring[RT_QUARANTINED];
static _Atomic uint32_t turn;

// Frees the stack that is held.  False if the system refuses to make it accessible again: the next
// user of its slot would crash, so it stays.
static bool release(struct rt_stackcache *cache, struct place *p) {
  if (!p->held) return true;
  const size_t size = rt_stack_size(&p->stack);
  void *lo = (void *)p->stack.lo;
  if ((p->marked ? os_guard_remove(lo, size) : os_commit(lo, size)) != 0) return false;
  p->held = false;
  rt_stackfree(cache, &p->stack);
  return true;
}

void rt_quarantine(struct rt_stackcache *cache, const struct rt_stack *old, uint64_t goid,
                   uint32_t move) {
  struct place *p = &ring[atomic_fetch_add(&turn, 1) % RT_QUARANTINED];
  if (atomic_exchange(&p->busy, true)) {
    rt_stackfree(cache, old);
    return;
  }
  const size_t size = rt_stack_size(old);
  const bool free = release(cache, p);
  const bool marked = free && os_guard_install((void *)old->lo, size) == 0;
  if (marked || (free && os_forbid((void *)old->lo, size) == 0)) {
    p->marked = marked;
    p->stack = *old;
    p->goid = goid;
    p->move = move;
    p->held = true;
  } else {
    rt_stackfree(cache, old);
  }
  atomic_store(&p->busy, false);
}

void rt_quarantine_check(const struct os_fault *fault, uint64_t goid) {
  for (int i = 0; i < RT_QUARANTINED; i++) {
    const struct place *p = &ring[i];
    if (!p->held || fault->addr < p->stack.lo || fault->addr >= p->stack.hi) continue;
    struct rt_text t = {.n = 0};
    rt_text_str(&t, "stacklab: goroutine ");
    rt_text_dec(&t, goid);
    rt_text_str(&t, " touched a stack that has moved: goroutine ");
    rt_text_dec(&t, p->goid);
    rt_text_str(&t, " left it at growth ");
    rt_text_dec(&t, p->move);
    rt_text_str(&t, "; the address ");
    rt_text_hex(&t, fault->addr);
    rt_text_str(&t, " is ");
    rt_text_dec(&t, p->stack.hi - fault->addr);
    rt_text_str(&t, " bytes below its hi\n");
    rt_fatal(&t, fault->pc);
  }
}

void rt_quarantine_empty(struct rt_stackcache *cache) {
  for (int i = 0; i < RT_QUARANTINED; i++) (void)release(cache, &ring[i]);
}
