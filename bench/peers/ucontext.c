// ucontext.c: glibc's makecontext and swapcontext, on a mapping with a guard page for each.
#include "bench/peers/peer.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { STACK_DEFAULT = 64 * 1024, GUARD = 4096 };

struct coroutine {
  ucontext_t context, resumer;
  void (*fn)(void *);
  void *arg;
  char *stack;
  size_t bytes;
};

static struct coroutine *running;

static void entry(void) {
  struct coroutine *c = running;
  c->fn(c->arg);
  swapcontext(&c->context, &c->resumer);
}

static void *make(void (*fn)(void *), void *arg) {
  struct coroutine *c = calloc(1, sizeof *c);
  if (!c)
    peer_die("calloc");
  c->bytes = (peer_stack_bytes ? peer_stack_bytes : STACK_DEFAULT) + GUARD;
  c->stack = mmap(NULL, c->bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (c->stack == MAP_FAILED || mprotect(c->stack, GUARD, PROT_NONE) != 0)
    peer_die("no stack");
  getcontext(&c->context);
  c->context.uc_stack.ss_sp = c->stack;
  c->context.uc_stack.ss_size = c->bytes;
  c->fn = fn;
  c->arg = arg;
  makecontext(&c->context, entry, 0);
  return c;
}

static void resume(void *coroutine) {
  struct coroutine *c = coroutine;
  running = c;
  swapcontext(&c->resumer, &c->context);
}

static void suspend(void) {
  swapcontext(&running->context, &running->resumer);
}

static void drop(void *coroutine) {
  struct coroutine *c = coroutine;
  munmap(c->stack, c->bytes);
  free(c);
}

static const struct peer_coroutines coroutines = {make, resume, suspend, drop};
const struct peer peer = {
    .name = "ucontext", .about = "64 KiB mapping with a guard page", .coroutines = &coroutines};
