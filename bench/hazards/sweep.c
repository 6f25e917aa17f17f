// sweep.c: calls a case at every place of its sweep.  See sweep.h.
//
//   hi ┌──────────────────┐
//      │ entry, call_case │
//      │ not used         │
//      ├──────────────────┤ SP of the case
//      │ left             │ swept, so that the stack runs out at each place in the case
//   lo └──────────────────┘ of a stack of 8 KiB, whatever the strategy gives
#include "bench/hazards/sweep.h"

#include <alloca.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/go.h"
#include "tests/call_at.h"

enum {
  INITIAL_BYTES = 8 << 10,
  PLACES = 250,
  STEP = 16,
  IN_A_CALL_FROM = 2048,
  LEAST_GROWTH = 4096,          // how far hazard_grow goes beyond what is left
  ENOUGH_BYTES = 256 << 10,     // hazard_grow leaves a stack alone that has so much left
  ROOMY_BYTES = 1 << 20,        // a stack that large from the start need not grow
  THREAD_BYTES = 64 << 20,
  MAX_BYTES = 64 << 20,         // of a stack that grows: one that does so without end is stopped
};

static const struct hazard *hazard;
static const struct rt_growth *growth;
static struct sweep *sweep;
static uint64_t expected;
static struct go_waitgroup ended, never;

uint64_t *volatile hazard_global;

void *hazard_heap(void) {
  static void *page;
  if (!page) page = aligned_alloc(4096, 4096);
  return page;
}

const char *hazard_growth(void) { return growth->name; }
void hazard_refused(int code) { sweep->refused = code; }

void hazard_not_here(const char *why) {
  snprintf(sweep->not_here, sizeof sweep->not_here, "%s", why);
}

// ---- Growing -----------------------------------------------------------------------------------
struct look {
  struct go_stack_bounds bounds;
  uint64_t growths;  // segments too
};

static void look(struct look *out) {
  struct go_stats stats;
  go_stats(&stats);
  out->growths = stats.growths + stats.segments_made;
  go_stack_bounds(&out->bounds);
}

static bool has_grown(const struct look *from, const struct look *to) {
  return to->growths != from->growths || to->bounds.hi != from->bounds.hi ||
         to->bounds.lo != from->bounds.lo;
}

NOINLINE static void use_stack(size_t bytes) {
  volatile char *p = alloca(bytes);
  p[0] = 1;
}

void hazard_with_room(size_t bytes, void (*fn)(void *), void *arg) {
  if (sweep->mode != ON_REQUEST)
    fn(arg);
  else if (go_call_on_stack(bytes, fn, arg) != GO_OK)
    sweep->failed = 1;
}

struct deep {
  size_t bytes;
  struct go_stack_bounds of_caller;
  bool elsewhere;  // on another stack than the caller, as it was before the call
};

static void go_deep(void *arg) {
  struct deep *d = arg;
  const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  d->elsewhere = here < d->of_caller.lo || here >= d->of_caller.hi;
  use_stack(d->bytes);
}

void hazard_grow(void) {
  struct look before = {.growths = 0}, after;
  if (go_self() == 0) {  // a plain thread
    use_stack(2 * INITIAL_BYTES);
    return;
  }
  look(&before);
  const uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
  const size_t left = sp > before.bounds.lo ? sp - before.bounds.lo : 0;
  if (left >= ENOUGH_BYTES) {
    use_stack(LEAST_GROWTH);
    return;
  }
  struct deep deep = {left + LEAST_GROWTH, before.bounds, false};
  hazard_with_room(deep.bytes, go_deep, &deep);
  look(&after);
  sweep->grow_calls++;
  // A segment that was made before serves again, and is then known by where it was.
  sweep->grown += has_grown(&before, &after) || deep.elsewhere;
}

// ---- One call ----------------------------------------------------------------------------------
struct place {
  const struct instruction *instruction;
  unsigned left;
  struct look at_entry;
};
static struct place place;  // of the one call at a time

static void note_growth(void) {
  struct look now;
  look(&now);
  sweep->grew += has_grown(&place.at_entry, &now);
  sweep->moved += now.bounds.hi != place.at_entry.bounds.hi;
}

void hazard_dies_now(void) {
  note_growth();
  sweep->dying = 1;
}

NOINLINE static bool is_on_own_stack(void) {
  struct go_stack_bounds b;
  const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  return go_stack_bounds(&b) == GO_OK && here >= b.lo && here < b.hi;
}

NOINLINE static void call_case(void) {
  look(&place.at_entry);
  const struct go_stack_bounds *b = &place.at_entry.bounds;
  sweep->roomy += b->hi - b->lo >= ROOMY_BYTES;
  const uintptr_t sp = b->hi - INITIAL_BYTES + place.left;
  const uint64_t got = place.instruction ? place.instruction->run(sp)
                                         : case_call_at(sp, hazard->run, hazard->arg);
  if (got != expected) {
    if (sweep->wrong == 0) sweep->wrong_left = place.left;
    sweep->wrong++;
  }
  if (!is_on_own_stack()) sweep->strayed++;
  note_growth();
}

static void goroutine(void *arg) {
  (void)arg;
  call_case();
  sweep->ended++;
  go_waitgroup_done(&ended);
}

// ---- The sweep ---------------------------------------------------------------------------------
unsigned sweep_modes(const struct hazard *h, const struct rt_growth *g) {
  const bool asks = g->checkpoint || g->call;
  const unsigned fault = g->fault ? BY_FAULT : 0;
  const unsigned request = asks && h->moment == IN_A_CALL ? ON_REQUEST : 0;
  // Nothing has it grow: it has room, or the hazard is that it has none.
  const bool roomy = !g->fault && !asks;
  return fault | request | (roomy || (h->overruns && !fault && !request) ? BY_ITSELF : 0);
}

static bool call_on_goroutine(unsigned left, enum growth_mode mode) {
  const struct go_spawn_options options = {.growth = growth->name,
                                           .stack_initial = INITIAL_BYTES};
  place.left = sweep->left = left;
  sweep->mode = mode;
  sweep->begun++;
  go_waitgroup_add(&ended, 1);
  if (go_spawn(&options, goroutine, NULL) != GO_OK) {
    sweep->failed = 1;
    return false;
  }
  go_waitgroup_wait(&ended);
  return true;
}

static void visit(enum growth_mode mode) {
  const unsigned from = hazard->to ? hazard->from
                                   : hazard->moment == IN_A_CALL ? IN_A_CALL_FROM : 0;
  const unsigned step = hazard->to ? hazard->step : STEP;
  const unsigned to = hazard->to ? hazard->to : from + PLACES * STEP;
  for (unsigned left = from; left < to; left += step)
    if (!call_on_goroutine(left, mode)) return;
}

// From SP at the end of the stack to where all that the instruction touches is on it.
static void visit_instructions(enum growth_mode mode) {
  for (const struct instruction *i = hazard->instructions; i->name; i++) {
    if (i->here && !i->here()) continue;
    place.instruction = i;
    snprintf(sweep->instruction, sizeof sweep->instruction, "%s", i->name);
    sweep->must_grow += (i->reach + i->step - 1) / i->step;
    for (unsigned left = 0; left < i->reach + i->step; left += i->step)
      if (!call_on_goroutine(left, mode)) return;
  }
}

// Grows once and keeps what it has: the stacks under study then go from one place in the arena of
// their first size to another place in the next, as in a program with more than one goroutine.
static void sit(void *arg) {
  (void)arg;
  if (growth->checkpoint && go_checkpoint(INITIAL_BYTES) != GO_OK) sweep->failed = 1;
  if (growth->fault) use_stack(INITIAL_BYTES);
  go_waitgroup_done(&ended);
  go_waitgroup_wait(&never);
}

// On a stack that never moves.
static void visit_all(void *arg) {
  (void)arg;
  const struct go_spawn_options options = {.growth = growth->name,
                                           .stack_initial = INITIAL_BYTES};
  go_waitgroup_add(&never, 1);
  go_waitgroup_add(&ended, 1);
  if (go_spawn(&options, sit, NULL) != GO_OK) sweep->failed = 1;
  go_waitgroup_wait(&ended);
  const unsigned modes = sweep_modes(hazard, growth);
  for (unsigned mode = 1; mode <= modes; mode *= 2)
    if (modes & mode) hazard->instructions ? visit_instructions(mode) : visit(mode);
}

static void *on_thread(void *arg) {
  (void)arg;
  if (hazard->prepare && hazard->prepare() != 0) sweep->failed = 1;
  if (hazard->run && !hazard->goroutine_only && !hazard->dies_of)
    expected = hazard->run(hazard->arg);
  return NULL;
}

static void find_expected(void) {
  pthread_attr_t attr;
  pthread_t thread;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, THREAD_BYTES);
  if (pthread_create(&thread, &attr, on_thread, NULL) == 0)
    pthread_join(thread, NULL);
  else
    sweep->failed = 1;
  pthread_attr_destroy(&attr);
}

// A stack that has been left is soon somebody else's: it is filled with other bytes, so that a
// stale read does not find there what it looks for.
void sweep_run(const struct hazard *h, const struct rt_growth *g, struct sweep *out) {
  hazard = h;
  growth = g;
  sweep = out;
  find_expected();
  const struct go_config config = {.maxprocs = 1,
                                   .growth = "reserve",
                                   .stack_max = MAX_BYTES,
                                   // What fills a range first, and then moves, moves at once.
                                   .stack_hybrid = INITIAL_BYTES,
                                   .stack_guard = h->guard_bytes,
                                   .stack_debug = g->moves || h->poison ? "poison" : NULL,
                                   .asyncpreempt = h->interrupted ? "on" : "off"};
  if (!sweep->failed && !sweep->not_here[0] && go_run(&config, visit_all, NULL) != GO_OK)
    sweep->failed = 1;
}
