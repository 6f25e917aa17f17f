// A ring of old stacks without access (quarantine.h).  A place in the ring is claimed with its
// `busy` flag; who finds it taken frees the stack at once, so nobody ever waits.
#include "runtime/stack/quarantine.h"

#include <stdatomic.h>
#include "runtime/os/throw.h"

static struct place {
  _Atomic bool busy;
  bool held;
  struct rt_stack stack;
  uint64_t goid;
  uint32_t move;
} ring[RT_QUARANTINED];
static _Atomic uint32_t turn;

static void release(struct rt_stackcache *cache, struct place *p) {
  if (!p->held) return;
  p->held = false;
  // One of the two applies; the other fails and changes nothing that matters.
  os_guard_remove((void *)p->stack.lo, rt_stack_size(&p->stack));
  os_commit((void *)p->stack.lo, rt_stack_size(&p->stack));
  rt_stackfree(cache, &p->stack);
}

void rt_quarantine(struct rt_stackcache *cache, const struct rt_stack *old, uint64_t goid,
                   uint32_t move) {
  struct place *p = &ring[atomic_fetch_add(&turn, 1) % RT_QUARANTINED];
  if (atomic_exchange(&p->busy, true)) {
    rt_stackfree(cache, old);
    return;
  }
  release(cache, p);
  const size_t size = rt_stack_size(old);
  if (os_guard_install((void *)old->lo, size) == 0 || os_forbid((void *)old->lo, size) == 0) {
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
    rt_text_print(&t);
    os_backtrace(fault->context);
    os_abort();
  }
}

void rt_quarantine_empty(struct rt_stackcache *cache) {
  for (int i = 0; i < RT_QUARANTINED; i++) release(cache, &ring[i]);
}
