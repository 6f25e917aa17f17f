// The table of growth strategies, and what they share.
#include "runtime/stack/growth/growth.h"

#include <stdatomic.h>
#include <string.h>
#include "runtime/arch/arch.h"
#include "runtime/os/throw.h"
#include "runtime/stack/count.h"
#include "runtime/stack/fault.h"
#include "runtime/stack/quarantine.h"
#include "runtime/stack/sanitize.h"

#define ROW(name) &rt_growth_##name,
static const struct rt_growth *const table[] = {RT_GROWTH_TABLE(ROW)};
#undef ROW

struct rt_growth_options rt_growth_options = {.reserve_bytes = 256 << 20,
                                              .hybrid_bytes = 1 << 20};

enum { ROWS = sizeof table / sizeof *table };

const char *rt_growth_missing(const struct rt_growth *growth) {
  if (growth->moves && !RT_ARCH_FRAMES_MOVE)
    return "stacks cannot move: return addresses are signed with SP (pac-ret)";
  if (growth->fault && growth->moves && !os_fault_elsewhere())
    return "this system handles a fault on the stack that ran out, which cannot move then";
  if (growth->mark_bytes && !rt_arch_has_marks)
    return "compiled code makes no checks on this target";
  return NULL;
}

const struct rt_growth *rt_growth_at(int i) {
  for (int row = 0, n = 0; row < ROWS; row++)
    if (!rt_growth_missing(table[row]) && n++ == i) return table[row];
  return NULL;
}

const struct rt_growth *rt_growth_find(const char *name) {
  // As a rule the name comes from go_growth_name: the pointer is enough.
  for (int i = 0; i < ROWS; i++)
    if (table[i]->name == name) return table[i];
  for (int i = 0; i < ROWS; i++)
    if (strcmp(table[i]->name, name) == 0) return table[i];
  return NULL;
}

int rt_growth_alloc(struct rt_gstack *gs, struct rt_stackcache *cache) {
  return rt_stackreserve(gs->growth->kind, gs->initial, cache, &gs->stack);
}

int rt_newstack(struct rt_gstack *gs, struct rt_stackcache *cache, size_t size, uintptr_t lowest,
                struct rt_copied *moved) {
  const struct rt_stack old = gs->stack;
  const size_t had = rt_stack_size(&old);
  const int64_t began_ns = rt_growth_options.clock ? rt_growth_options.clock() : 0;
  struct rt_stack fresh;
  const int error = rt_stackalloc(gs->growth->kind, size, cache, &fresh);
  if (error) return error;
  rt_copystack(&old, &fresh, lowest, RT_COPY_AUTO, moved);
  if (moved->moved_pages) rt_stackemptied(&old);
  uint64_t nadjusted = 0;
  gs->sp = rt_adjustword(gs->sp, &moved->words, &nadjusted);
  gs->defers = rt_adjustword(gs->defers, &moved->words, &nadjusted);
  for (struct rt_stackref *r = gs->refs; r; r = r->next)
    r->p = (void *)rt_adjustword((uintptr_t)r->p, &moved->words, &nadjusted);
  gs->stack = fresh;
  gs->low = rt_growth_low(gs);
  gs->ngrowths++;
  gs->nmoves++;
  if (size < had) rt_stackdiscard(&old);  // memory is what it was moved for
  if (rt_growth_options.quarantine)
    rt_quarantine(cache, &old, gs->goid, gs->nmoves);
  else
    rt_stackfree(cache, &old);
  if (size >= had) rt_stackcache_want(cache, gs->growth->kind, size);
  rt_count(size > had   ? &cache->stats.growths
           : size < had ? &cache->stats.shrinks
                        : &cache->stats.moves_forced,
           1);
  if (size > had) rt_count(&cache->stats.pages_moved_growths, moved->moved_pages);
  rt_count(&cache->stats.bytes_copied, moved->bytes);
  rt_count(&cache->stats.words_adjusted, moved->adjusted);
  cache->last = (struct rt_stackmove){had, size, moved->bytes, moved->adjusted,
                                      began_ns};
  return 0;
}

bool rt_growth_forcemove(struct rt_gstack *gs, struct rt_stackcache *cache) {
  if (!rt_growth_options.forcemove || !gs->growth->moves) return false;
  struct rt_copied moved;
  // Best effort: without memory for a second stack, the goroutine stays where it is.
  return rt_newstack(gs, cache, rt_stack_size(&gs->stack), gs->sp, &moved) == 0;
}

// The one message of a goroutine that cannot go on.
void rt_growth_overflow(const struct rt_gstack *gs, const struct os_fault *fault, size_t need,
                        const char *why) {
  struct rt_text t = {.n = 0};
  rt_text_str(&t, "stacklab: goroutine ");
  rt_text_dec(&t, gs->goid);
  rt_text_str(&t, ": stack overflow: ");
  rt_text_str(&t, why);
  rt_text_str(&t, " (strategy ");
  rt_text_str(&t, gs->growth->name);
  rt_text_str(&t, ", size ");
  rt_text_dec(&t, rt_stack_size(&gs->stack));
  rt_text_str(&t, " bytes, limit ");
  rt_text_dec(&t, gs->max);
  rt_text_str(&t, ", needed ");
  rt_text_dec(&t, need);
  rt_text_str(&t, ", fault address ");
  rt_text_hex(&t, fault->addr);
  rt_text_str(&t, ", pc ");
  rt_text_hex(&t, fault->pc);
  rt_text_str(&t, ")\n");
  rt_fatal(&t, fault->pc);
}

// Where a handler runs on the stack that ran out, that is not to end, nor its guard to lie, within
// what the handler still needs: its calls of the system.
enum { HANDLER_REST = 4096 };

static size_t below_handler(const struct rt_gstack *gs, size_t size) {  // 0: beyond the limit
  if (os_fault_elsewhere()) return size;
  const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  return rt_stackneed(size, gs->stack.hi - here, HANDLER_REST, gs->max);
}

bool rt_growth_fault(struct rt_gstack *gs, struct rt_stackcache *cache, struct os_fault *fault) {
  size_t size;
  uintptr_t lowest;
  switch (rt_faultdecide(&gs->stack, gs->max, rt_arch_redzone_bytes, fault->addr, fault->sp,
                         &size, &lowest)) {
    case RT_FAULT_FOREIGN:
      return false;
    case RT_FAULT_OVERFLOW:
      rt_growth_overflow(gs, fault, size, "the stack is at its limit");
    case RT_FAULT_GROW:
      break;
  }
  if (!gs->growth->fault)
    rt_growth_overflow(gs, fault, size, "this strategy cannot grow on a fault");
  const size_t larger = below_handler(gs, size);
  if (!larger) rt_growth_overflow(gs, fault, size, "the handler has no room below the limit");
  const int error = gs->growth->fault(gs, cache, fault, larger, lowest);
  if (error) rt_growth_overflow(gs, fault, size, go_strerror(error));
  return true;
}
