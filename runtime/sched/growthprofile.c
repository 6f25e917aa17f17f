// Recording a growth profile, and when it is written (growthprofile.h); how: profilefile.c.
//
// Who called is asked of the unwinder over CFI: code without frame pointers tells nothing else.  At
// a checkpoint or a resume the goroutine lies saved and this is g0, so that is as safe as any
// traceback.  In the fault handler it is safe, too: the unwinder takes no lock and no memory (see
// os_callers), the interrupted code has stopped at a touch of its own stack, and its frames lie, by
// then, whole on the larger one.  What it cannot follow ends the chain; should it run astray, the
// fault is caught (os_guarded).  Where the C library is too old, faults have no callers.
#include "runtime/sched/growthprofile.h"

#include <stdatomic.h>
#include <string.h>
#include "runtime/arch/arch.h"
#include "runtime/go_profile.h"
#include "runtime/nosanitize.h"
#include "runtime/os/os.h"
#include "runtime/sched/preempt.h"
#include "runtime/sched/profilefile.h"
#include "runtime/sched/sched.h"
#include "runtime/stack/profile.h"

static struct rt_lock lock;  // of all but recording; nothing is locked after it

static _Atomic bool callers_at_faults;

// ---- Recording -------------------------------------------------------------------------------

// The runtime's own calls: what every goroutine begins with, and those on the way to a checkpoint.
enum { FIRST_OURS = 2, LAST_OURS_MOST = 12 };
enum { MOST = RT_PROFILE_FRAMES + FIRST_OURS + LAST_OURS_MOST };

struct unwinding {
  const struct rt_g *g;
  uintptr_t pc;
  int most, n;
  uintptr_t pcs[MOST];
};

static void unwind(void *arg) {
  struct unwinding *u = arg;
  os_callers(u->pc, u->pcs, u->most, &u->n);
}

RT_NOSANITIZE static void unwind_saved(void *arg) {
  struct unwinding *u = arg;
  u->pc = rt_savedpc(u->g->gs.sp);
  rt_onframe(unwind, u, u->g->gs.sp);
}

// Where g was interrupted, whatever code that is.
static int at_fault(struct unwinding *u, uintptr_t pc) {
  u->pc = pc;
  u->most = RT_PROFILE_FRAMES + FIRST_OURS;
  if (atomic_load_explicit(&callers_at_faults, memory_order_relaxed)) (void)os_guarded(unwind, u);
  if (u->n == 0) u->pcs[u->n++] = pc;
  return 0;
}

// Where the program called the runtime.
static int at_call(struct unwinding *u) {
  u->most = MOST;
  (void)os_guarded(unwind_saved, u);
  int first = 0;
  while (first < u->n && first < u->most && rt_in_runtime(u->pcs[first])) first++;
  return first;
}

void rt_growthprofile_record(struct rt_g *g, enum rt_tracecause by, uintptr_t pc) {
  const struct rt_stackmove *v = &g->m->cache.last;
  if (v->to_bytes <= v->from_bytes || !rt_profile_take()) return;
  struct unwinding u = {.g = g, .n = 0};
  const int first = pc ? at_fault(&u, pc) : at_call(&u);
  const bool whole = u.n <= u.most;
  int end = whole ? u.n : u.most;
  while (whole && end > first + 1 && rt_in_runtime(u.pcs[end - 1])) end--;
  const int nframes = end - first < RT_PROFILE_FRAMES ? end - first : RT_PROFILE_FRAMES;
  struct rt_growsite s = {.entry = (uintptr_t)g->fn,
                          .from_bytes = (uint32_t)v->from_bytes,
                          .to_bytes = (uint32_t)v->to_bytes,
                          .cause = (uint8_t)by,
                          .nframes = (uint8_t)nframes,
                          .cut = !whole || end - first > nframes};
  for (int i = 0; i < nframes; i++) s.frames[i] = u.pcs[first + i];
  rt_profile_add(&s, v->bytes_copied);
}

// ---- Asking for it ---------------------------------------------------------------------------

struct request {
  uint32_t rate;
  enum go_profile_format format;
  go_profile_sink sink;
  void *arg;
  int error;
};

// On g0, or on a thread that is not the runtime's: names and lines take stack.
static void ask(void (*fn)(void *), struct request *r) {
  if (rt_getg())
    rt_systemstack(fn, r);
  else
    fn(r);
}

static void start(void *arg) {
  const struct request *r = arg;
  atomic_store(&callers_at_faults, os_callers_init());
  rt_lock_outside(&lock);
  rt_profile_begin(r->rate);
  rt_unlock_outside(&lock);
}

static void stop(void *arg) {
  (void)arg;
  rt_lock_outside(&lock);
  rt_profile_end();
  rt_unlock_outside(&lock);
}

static void reset(void *arg) {
  (void)arg;
  rt_lock_outside(&lock);
  const bool on = atomic_load(&rt_profiling);
  struct rt_profile_totals t;
  rt_profile_read(&t);
  rt_profile_begin(t.rate);
  if (!on) rt_profile_end();
  rt_unlock_outside(&lock);
}

static void write(void *arg) {
  struct request *r = arg;
  rt_lock_outside(&lock);
  r->error = rt_profilefile_write(r->format, r->sink, r->arg);
  rt_unlock_outside(&lock);
}

void go_profile_start(uint32_t rate) {
  struct request r = {.rate = rate ? rate : 1};
  ask(start, &r);
}

void go_profile_stop(void) {
  struct request r = {.rate = 0};
  ask(stop, &r);
}

void go_profile_reset(void) {
  struct request r = {.rate = 0};
  ask(reset, &r);
}

int go_profile_write_to(go_profile_sink sink, void *arg, enum go_profile_format how) {
  if (!sink || how < GO_PROFILE_TABLE || how > GO_PROFILE_FOLDED_BYTES) return GO_EINVAL;
  struct request r = {.format = how, .sink = sink, .arg = arg};
  ask(write, &r);
  return r.error;
}

static int to_fd(void *arg, const char *text, size_t bytes) {
  const int *fd = arg;
  for (size_t at = 0; at < bytes;) {
    const int64_t n = os_write(*fd, text + at, bytes - at, -1);
    if (n <= 0) return n ? (int)n : GO_ESYSTEM;
    at += (size_t)n;
  }
  return 0;
}

int go_profile_write(int fd, enum go_profile_format how) {
  return go_profile_write_to(to_fd, &fd, how);
}

// ---- The file of a go_run --------------------------------------------------------------------

bool rt_growthprofile_opened;
static int file;
static enum go_profile_format format;

static bool ends_in(const char *path, const char *end) {
  const size_t n = strlen(path), m = strlen(end);
  return n >= m && strcmp(path + n - m, end) == 0;
}

static void say(struct rt_text *t, const char *what, const char *path, int error) {
  rt_text_str(t, "stacklab: GO_STACKPROFILE");
  rt_text_str(t, path ? "=" : "");
  rt_text_str(t, path ? path : "");
  rt_text_str(t, what);
  rt_text_str(t, go_strerror(error));
  rt_text_str(t, "\n");
}

int rt_growthprofile_open(const char *path, uint32_t rate, struct rt_text *why) {
  if (!path) return 0;
  const int fd = os_create(path);
  if (fd < 0) {
    say(why, ": cannot be written: ", path, fd);
    return GO_EINVAL;
  }
  file = fd;
  format = ends_in(path, ".bytes.folded") ? GO_PROFILE_FOLDED_BYTES
           : ends_in(path, ".folded")     ? GO_PROFILE_FOLDED
                                          : GO_PROFILE_TABLE;
  rt_growthprofile_opened = true;
  go_profile_start(rate);
  return 0;
}

static void write_file(void) {
  rt_growthprofile_opened = false;
  const int error = rt_profilefile_write(format, to_fd, &file);
  os_close(file);
  if (!error) return;
  struct rt_text t = {.n = 0};
  say(&t, ": the profile is cut short: ", NULL, error);
  rt_text_print(&t);
}

void rt_growthprofile_close(void) {
  if (!rt_growthprofile_opened) return;
  go_profile_stop();
  rt_lock_outside(&lock);
  write_file();
  rt_unlock_outside(&lock);
}

void rt_growthprofile_lastwords(void) {
  // Never let go: nobody is to write after the end.  If it is held, then by an M that stands still.
  if (rt_growthprofile_opened && rt_trylock(&lock)) write_file();
}
