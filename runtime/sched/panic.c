// go_panic, go_goexit and what is deferred (go_panic.h).
#include "runtime/arch/arch.h"
#include "runtime/os/throw.h"
#include "runtime/sched/sched.h"

static struct rt_g *goroutine(void) {
  struct rt_g *g = rt_getg();
  return g && g != &g->m->g0 ? g : NULL;
}

// ---- Deferred functions ------------------------------------------------------------------------

int go_defer(struct go_deferred *d, void (*fn)(void *), void *arg) {
  struct rt_g *g = goroutine();
  if (!g) return GO_ENOTG;
  if (!d || !fn) return GO_EINVAL;
  *d = (struct go_deferred){(struct go_deferred *)g->gs.defers, fn, arg};
  g->gs.defers = (uintptr_t)d;
  return 0;
}

int go_defer_drop(struct go_deferred *d) {
  struct rt_g *g = goroutine();
  if (!g) return GO_ENOTG;
  if (!d || g->gs.defers != (uintptr_t)d) return GO_EINVAL;
  g->gs.defers = (uintptr_t)d->next;
  return 0;
}

int go_defer_run(struct go_deferred *d) {
  const int error = go_defer_drop(d);
  if (error) return error;
  d->fn(d->arg);
  return 0;
}

// ---- The end -----------------------------------------------------------------------------------

void go_goexit(void) {
  const struct rt_g *g = goroutine();
  if (!g) rt_throw("go_goexit: not on a goroutine");
  while (g->gs.defers) (void)go_defer_run((struct go_deferred *)g->gs.defers);
  rt_mcall(rt_goexit0);
  rt_throw("a goroutine that has ended was resumed");
}

int go_panic_handler(void (*fn)(void *, const char *), void *arg) {
  struct rt_g *g = goroutine();
  if (!g) return GO_ENOTG;
  g->panic_fn = fn;
  g->panic_arg = arg;
  return 0;
}

void go_panic(const char *message) {
  struct rt_g *g = goroutine();
  const uintptr_t pc = (uintptr_t)__builtin_return_address(0);
  if (!g || !g->panic_fn || g->panicking) {
    struct rt_text t = {.n = 0};
    rt_text_str(&t, "stacklab: panic: ");
    rt_text_str(&t, message ? message : "");
    rt_text_str(&t, g && g->panicking ? " (while it panicked)\n" : "\n");
    rt_fatal(&t, pc);
  }
  g->panicking = true;
  g->panic_fn(g->panic_arg, message);
  go_goexit();
}
