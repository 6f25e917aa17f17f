// Tracebacks of goroutines, the last thing that a process does.  No lock is taken: whoever held one
// may be the reason.  The other Ms are stopped instead, each in a handler of SIGQUIT, for good; one
// that runs a goroutine prints its own stack when asked.
#include "runtime/sched/traceback.h"

#include <stdatomic.h>
#include "runtime/arch/arch.h"
#include "runtime/nosanitize.h"
#include "runtime/os/throw.h"
#include "runtime/sched/growthprofile.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/trace.h"

enum {
  MOST = 1000,            // goroutines with a traceback; the others are counted
  STOP_NS = 1000000000,   // how long all Ms together may take to stop
  TELL_NS = 2000000000,   // and one of them, to print
  LOOK_US = 100,
};

// What is asked of an M, and what it answers (rt_m.last).
enum { STARTS, RUNS, STOP, STOPPED, TELL, TOLD };

static enum rt_traceback_level level;

// ---- The other Ms -----------------------------------------------------------------------------

static void say(const char *line) {
  struct rt_text t = {.n = 0};
  rt_text_str(&t, line);
  rt_text_print(&t);
}

static void unwind_from(void *pc) { os_backtrace((uintptr_t)pc); }

// Calls fn(arg), which unwinds a stack that may be broken, or in the middle of a move.
static void carefully(void (*fn)(void *), void *arg) {
  if (!os_guarded(fn, arg)) say("  (its stack cannot be read further)\n");
}

// On the signal stack of m, until the process ends.
__attribute__((noreturn)) static void stand_still(struct rt_m *m, uintptr_t pc) {
  atomic_store(&m->last, STOPPED);
  for (;;) {
    const uint32_t asked = atomic_load(&m->last);
    if (asked == TELL) {
      carefully(unwind_from, (void *)pc);
      atomic_store(&m->last, TOLD);
    } else {
      os_wait(&m->last, asked);
    }
  }
}

static bool wait_for(struct rt_m *m, uint32_t answer, int64_t until) {
  while (atomic_load(&m->last) != answer) {
    if (os_nanotime() > until) return false;
    os_usleep(LOOK_US);
  }
  return true;
}

RT_NOSANITIZE static void stop(struct rt_m *m) {
  uint32_t runs = RUNS;
  if (atomic_compare_exchange_strong(&m->last, &runs, STOP) && !os_thread_quit(&m->self))
    atomic_store(&m->last, RUNS);
}

RT_NOSANITIZE static void stop_all(const struct rt_m *self) {
  const int64_t until = os_nanotime() + STOP_NS;
  if (rt_sched.sysmon.m && rt_sched.sysmon.m != self) stop(rt_sched.sysmon.m);
  for (struct rt_m *m = rt_sched.allm; m; m = m->all_link)
    if (m != self) stop(m);
  for (struct rt_m *m = rt_sched.allm; m; m = m->all_link)
    if (atomic_load(&m->last) == STOP) (void)wait_for(m, STOPPED, until);
}

// ---- One goroutine ----------------------------------------------------------------------------

static void decimal(struct rt_text *t, int64_t ns) {  // seconds with one digit after the point
  rt_text_dec(t, (uint64_t)ns / 1000000000);
  rt_text_str(t, ".");
  rt_text_dec(t, (uint64_t)ns / 100000000 % 10);
  rt_text_str(t, " s");
}

const char *const rt_gstatus_names[RT_GSTATES] = {"idle", "runnable", "running", "syscall", "",
                                                  "dead", "stack being moved", "preempted"};

RT_NOSANITIZE static void print_state(struct rt_text *t, const struct rt_g *g, uint32_t status) {
  rt_text_str(t, " [");
  if (status == RT_GWAITING) {
    const int64_t waited = rt_nanotime() - g->waitsince;
    rt_text_str(t, rt_waitreason_name((enum rt_waitreason)g->waitreason));
    rt_text_str(t, ", ");
    decimal(t, waited > 0 ? waited : 0);
  } else {
    rt_text_str(t, rt_gstatus_names[status]);
  }
  rt_text_str(t, "]");
}

RT_NOSANITIZE static void print_header(const struct rt_g *g, uint32_t status) {
  char entry[128];
  os_symbol((uintptr_t)g->fn, entry, sizeof entry);
  struct rt_text t = {.n = 0};
  rt_text_str(&t, "\ngoroutine ");
  rt_text_dec(&t, g->gs.goid);
  print_state(&t, g, status);
  rt_text_str(&t, " of ");
  rt_text_str(&t, entry);
  rt_text_str(&t, ", stack [");
  rt_text_hex(&t, g->gs.stack.lo);
  rt_text_str(&t, ", ");
  rt_text_hex(&t, g->gs.stack.hi);
  rt_text_str(&t, ") of ");
  rt_text_str(&t, g->gs.growth->name);
  rt_text_str(&t, ", ");
  rt_text_dec(&t, rt_stack_size(&g->gs.stack));
  rt_text_str(&t, " bytes, grown ");
  rt_text_dec(&t, g->gs.ngrowths);
  rt_text_str(&t, " times\n");
  rt_text_print(&t);
}

RT_NOSANITIZE static void print_saved(void *arg) {
  const struct rt_g *g = arg;
  os_backtrace(rt_savedpc(g->gs.sp));
}

RT_NOSANITIZE static void unwind_saved(void *arg) {
  const struct rt_g *g = arg;
  if (!g->gs.sp)
    say("  (it has yet to begin)\n");
  else
    rt_onframe(print_saved, arg, g->gs.sp);
}

RT_NOSANITIZE static void print_running(struct rt_m *m) {
  if (m && atomic_load(&m->last) == STOPPED) {
    atomic_store(&m->last, TELL);
    os_wake(&m->last, 1);
    if (wait_for(m, TOLD, os_nanotime() + TELL_NS)) return;
  }
  say("  (it runs on a thread that does not stop)\n");
}

RT_NOSANITIZE static void print_goroutine(struct rt_g *g, uint32_t status) {
  print_header(g, status);
  if (status == RT_GRUNNING || status == RT_GSYSCALL || status == RT_GCOPYSTACK)
    print_running(g->m);
  else
    carefully(unwind_saved, g);
}

// ---- All of them ------------------------------------------------------------------------------

RT_NOSANITIZE static void print_others(const struct rt_g *self) {
  uint64_t n = 0;
  for (struct rt_gchunk *c = rt_sched.chunks; c; c = c->next) {
    for (int i = 0; i < RT_GCHUNK; i++) {
      struct rt_g *g = &c->g[i];
      const uint32_t status = atomic_load(&g->status) & ~(uint32_t)RT_GSCAN;
      if (g == self || status == RT_GDEAD || status == RT_GIDLE) continue;
      if (n++ < MOST) print_goroutine(g, status);
    }
  }
  if (n <= MOST) return;
  struct rt_text t = {.n = 0};
  rt_text_str(&t, "\nand ");
  rt_text_dec(&t, n - MOST);
  rt_text_str(&t, " goroutines more\n");
  rt_text_print(&t);
}

struct telling {
  struct rt_m *m;
  uintptr_t pc;
};

RT_NOSANITIZE static void tell_of_goroutines(const struct telling *t) {
  const struct rt_g *g = t->m ? t->m->curg : NULL;
  if (t->pc && g) print_header(g, atomic_load(&g->status) & ~(uint32_t)RT_GSCAN);
  if (t->pc && !g) say("\na thread that runs no goroutine\n");
  if (t->pc) os_backtrace(t->pc);
  if (level == RT_TRACEBACK_ALL) print_others(t->pc ? g : NULL);
}

static bool writes_files(void) { return rt_tracing || rt_growthprofile_opened; }

static void tell(void *arg) {
  const struct telling *t = arg;
  if (level == RT_TRACEBACK_ALL || writes_files()) stop_all(t->m);
  rt_trace_lastwords();
  rt_growthprofile_lastwords();
  if (level != RT_TRACEBACK_NONE) tell_of_goroutines(t);
}

// A goroutine's own stack may be small; the signal stack, and g0's, are not.
static void last_words(uintptr_t pc) {
  const struct rt_g *g = rt_getg();
  struct telling t = {g ? g->m : NULL, pc};
  const uintptr_t sp = rt_getsp();
  if (g && g != &g->m->g0 && sp >= g->gs.stack.slot_lo && sp <= g->gs.stack.hi)
    rt_systemstack(tell, &t);
  else
    tell(&t);
}

static void on_quit(uintptr_t pc) {
  const struct rt_g *g = rt_getg();
  if (g && atomic_load(&g->m->last) == STOP) stand_still(g->m, pc);
  struct rt_text t = {.n = 0};
  rt_text_str(&t, "stacklab: SIGQUIT\n");
  rt_lastwords(&t, pc);
  os_quit();
}

void rt_traceback_join(struct rt_m *m) {
  os_thread_self(&m->self);
  atomic_store_explicit(&m->last, RUNS, memory_order_release);
}

int rt_traceback_init(enum rt_traceback_level asked) {
  level = asked;
  rt_lastwords_hook = asked == RT_TRACEBACK_NONE && !writes_files() ? NULL : last_words;
  return os_quit_install(on_quit);
}

void rt_traceback_done(void) { rt_lastwords_hook = NULL; }
