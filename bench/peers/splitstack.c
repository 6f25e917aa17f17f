// splitstack.c: libgcc's split stacks (gcc -fsplit-stack), switched by ucontext.  Checked code runs
// on a chain of segments that __morestack makes and gives back.  It blocks signals meanwhile, by
// two system calls, unless it is told not to.
#include "bench/peers/peer.h"

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { FIRST_SEGMENT = 8 * 1024, CONTEXT_WORDS = 10 };

// Of libgcc (gcc/libgcc/generic-morestack.c); no header has them.
void *__splitstack_makecontext(size_t bytes, void *context[CONTEXT_WORDS], size_t *size);
void __splitstack_getcontext(void *context[CONTEXT_WORDS]);
void __splitstack_setcontext(void *context[CONTEXT_WORDS]);
void __splitstack_releasecontext(void *context[CONTEXT_WORDS]);
void __splitstack_block_signals_context(void *context[CONTEXT_WORDS], int *off, int *old);

struct coroutine {
  ucontext_t context, resumer;
  void *segments[CONTEXT_WORDS], *resumer_segments[CONTEXT_WORDS];
  void (*fn)(void *);
  void *arg;
};

static struct coroutine *running;

// Not checked: it runs while the segments named in the thread are not those of its stack.
static __attribute__((no_split_stack, noinline)) void leave(struct coroutine *c) {
  __splitstack_getcontext(c->segments);
  __splitstack_setcontext(c->resumer_segments);
  swapcontext(&c->context, &c->resumer);
}

static void entry(void) {
  struct coroutine *c = running;
  c->fn(c->arg);
  leave(c);
}

static void *make(void (*fn)(void *), void *arg) {
  struct coroutine *c = calloc(1, sizeof *c);
  int block = !strcmp(peer_variant ? peer_variant : "", "blocking");
  if (!c)
    peer_die("calloc");
  getcontext(&c->context);
  c->context.uc_stack.ss_sp = __splitstack_makecontext(
      peer_stack_bytes ? peer_stack_bytes : FIRST_SEGMENT, c->segments,
      &c->context.uc_stack.ss_size);
  __splitstack_block_signals_context(c->segments, &block, NULL);
  c->fn = fn;
  c->arg = arg;
  makecontext(&c->context, entry, 0);
  return c;
}

static __attribute__((no_split_stack)) void resume(void *coroutine) {
  struct coroutine *c = coroutine;
  running = c;
  __splitstack_getcontext(c->resumer_segments);
  __splitstack_setcontext(c->segments);
  swapcontext(&c->resumer, &c->context);
}

static void suspend(void) {
  leave(running);
}

static void drop(void *coroutine) {
  struct coroutine *c = coroutine;
  __splitstack_releasecontext(c->segments);
  free(c);
}

static const char *variant(int i) {
  static const char *const names[] = {"blocking", "not blocking"};
  return i < 2 ? names[i] : NULL;
}

static const struct peer_coroutines coroutines = {make, resume, suspend, drop};
const struct peer peer = {
    .name = "libgcc split stacks",
    .about = "gcc -fsplit-stack and ucontext, first segment 8 KiB; signals blocked while a segment "
             "is made or left, as by default, or not",
    .coroutines = &coroutines,
    .variant = variant};
