// `segment`: a call that needs more stack than is left runs on another stack, and returns from
// there to the one it came from (go_call_on_stack).  Nothing moves: sound for any C.  What the
// program does not ask for it does not get: a stack that runs out elsewhere ends the process.
//
//        hi ┌──────────┐  1. stack     hi ┌──────────┐  2. a segment
//           │ frames   │                  │ record   │  struct rt_segment
//           │ caller   │ ---------------> │ fn(arg)  │
//        lo └──────────┘               lo └──────────┘
//
// Each segment is twice as large as the stack it continues, so that few are made on the way down;
// the one that was left last is kept, so that a loop whose calls cross the boundary makes none (the
// "hot split" that ended segmented stacks elsewhere).  gs->segment is the head of a list: one that
// is kept, then those in use, the innermost first.
#include "runtime/stack/count.h"
#include "runtime/stack/fault.h"
#include "runtime/stack/growth/growth.h"
#include "runtime/stack/sanitize.h"

// At the upper end of its own stack.
struct rt_segment {
  struct rt_stack stack;     // the segment
  struct rt_stack below;     // the stack that it continues, while in use
  struct rt_segment *older;  // the next of the list
  size_t total;              // bytes of all stacks of the goroutine, up to and with this one
  bool in_use;
};

enum {
  RECORD_BYTES = (sizeof(struct rt_segment) + 63) & ~63u,
  ENTER_BYTES = 512,  // of our own frames, and the red zone's
};

static void drop(struct rt_gstack *gs, struct rt_stackcache *cache, bool discard) {
  struct rt_segment *s = gs->segment;
  const struct rt_stack stack = s->stack;  // the record goes with it
  gs->segment = s->older;
  rt_sanitize_forget(stack.lo, stack.hi);
  if (discard) rt_stackdiscard(&stack);
  rt_stackfree(cache, &stack);
  rt_count(&cache->stats.segments_freed, 1);
}

bool rt_segment_fits(const struct rt_gstack *gs, size_t bytes) {
  const struct rt_segment *s = gs->segment;
  const size_t ours = RECORD_BYTES + ENTER_BYTES + 2 * RT_STACKGUARD;
  return s && !s->in_use && bytes <= RT_STACK_MAX && rt_stack_size(&s->stack) >= bytes + ours;
}

// On g0.  Makes a segment ready that has `bytes` for whoever is called there.
static int call(struct rt_gstack *gs, struct rt_stackcache *cache, size_t bytes) {
  if (bytes > gs->max) return GO_ELIMIT;
  if (rt_segment_fits(gs, bytes)) return 0;
  if (gs->segment && !gs->segment->in_use) drop(gs, cache, false);
  const struct rt_segment *innermost = gs->segment;
  const size_t old = rt_stack_size(&gs->stack), used = innermost ? innermost->total : old;
  const size_t need = bytes + RECORD_BYTES + ENTER_BYTES + 2 * RT_STACKGUARD;
  if (used > gs->max || need > gs->max - used) return GO_ELIMIT;
  const size_t room = gs->max - used;
  // Twice the last, as far as the limit allows.
  size_t size = rt_stackneed(2 * old < room ? 2 * old : room, need, 0, room);
  if (size < RT_STACK_MIN) size = RT_STACK_MIN;
  struct rt_stack stack;
  const int error = rt_stackalloc(RT_STACK_FIXED, size, cache, &stack);
  if (error) return error;
  struct rt_segment *s = (struct rt_segment *)((stack.hi - RECORD_BYTES) & ~(uintptr_t)63);
  *s = (struct rt_segment){.stack = stack, .older = gs->segment, .total = used + size};
  gs->segment = s;
  rt_count(&cache->stats.segments_made, 1);
  return 0;
}

uintptr_t rt_segment_top(const struct rt_gstack *gs, const struct rt_stack **stack) {
  *stack = &gs->segment->stack;
  return (uintptr_t)gs->segment;
}

void rt_segment_enter(struct rt_gstack *gs) {
  struct rt_segment *s = gs->segment;
  s->below = gs->stack;
  s->in_use = true;
  gs->stack = s->stack;
}

// There is one.
static struct rt_segment *innermost_in_use(const struct rt_gstack *gs) {
  struct rt_segment *s = gs->segment;
  return s->in_use ? s : s->older;
}

const struct rt_stack *rt_segment_below(const struct rt_gstack *gs) {
  return &innermost_in_use(gs)->below;
}

bool rt_segment_leave(struct rt_gstack *gs) {
  struct rt_segment *s = innermost_in_use(gs);
  gs->stack = s->below;
  s->in_use = false;
  return gs->segment != s;
}

void rt_segment_trim(struct rt_gstack *gs, struct rt_stackcache *cache) {
  while (gs->segment && gs->segment->older && !gs->segment->older->in_use) drop(gs, cache, false);
}

static void end(struct rt_gstack *gs, struct rt_stackcache *cache) {
  while (gs->segment) {
    if (gs->segment->in_use) {
      gs->stack = gs->segment->below;
      gs->sp = gs->stack.lo;  // where it was there no longer counts
    }
    drop(gs, cache, false);
  }
}

// The segment that is kept, and the pages below SP of the one in use.  A first stack stays.
static bool shrink(struct rt_gstack *gs, struct rt_stackcache *cache) {
  const bool kept = gs->segment && !gs->segment->in_use;
  if (kept) drop(gs, cache, true);
  if (gs->segment && rt_shrinkinplace(gs, cache)) return true;
  if (kept) rt_count(&cache->stats.shrinks, 1);
  return kept;
}

const struct rt_growth rt_growth_segment = {
    .name = "segment",
    .summary = "go_call_on_stack runs the call on another stack where less is left",
    .moves = false,
    .kind = RT_STACK_FIXED,
    .alloc = rt_growth_alloc,
    .call = call,
    .end = end,
    .shrink = shrink,
};
