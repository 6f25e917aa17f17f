// go_scope: goroutines that end before their parent goes on.
#include <stdlib.h>
#include "runtime/sync/sync.h"

struct go_task {
  struct go_scope *scope;
  struct go_task *next;
  struct go_waitgroup running;
  int (*fn)(struct go_scope *, void *);
  void *arg;
  int result;
};

struct go_scope {
  struct rt_lock lock;
  int failed;             // the first result that was not 0
  struct go_task *tasks;  // all there ever were: freed when the scope ends
  struct go_waitgroup running;
};

struct memory {
  size_t bytes;
  void *p;
};

static void get(void *arg) {
  struct memory *m = arg;
  m->p = rt_malloc(m->bytes);
}

static void *allocate(size_t bytes) {
  struct memory m = {bytes, NULL};
  rt_systemstack(get, &m);
  return m.p;
}

static void free_all(void *arg) {
  struct go_scope *scope = arg;
  for (struct go_task *t = scope->tasks, *next; t; t = next) {
    next = t->next;
    free(t);
  }
  free(scope);
}

static void note(struct go_scope *scope, int result) {
  rt_plock(&scope->lock);
  if (!scope->failed) scope->failed = result;
  rt_punlock(&scope->lock);
}

int go_scope_failed(struct go_scope *scope) {
  if (!scope) return GO_EINVAL;
  rt_plock(&scope->lock);
  const int failed = scope->failed;
  rt_punlock(&scope->lock);
  return failed;
}

// Once the body has returned, or its goroutine ends: nobody is left behind.
static void end(void *arg) {
  struct go_scope *scope = arg;
  go_waitgroup_wait(&scope->running);
  rt_systemstack(free_all, scope);
}

int go_scope_run(int (*body)(struct go_scope *, void *), void *arg) {
  const struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  if (!body) return GO_EINVAL;
  struct go_scope *scope = allocate(sizeof *scope);
  if (!scope) return GO_ENOMEM;
  *scope = (struct go_scope){0};
  struct go_deferred abandoned;
  go_defer(&abandoned, end, scope);
  note(scope, body(scope, arg));
  go_defer_drop(&abandoned);
  go_waitgroup_wait(&scope->running);
  const int failed = go_scope_failed(scope);
  rt_systemstack(free_all, scope);
  return failed;
}

static void finish(void *arg) {
  struct go_task *t = arg;
  struct go_scope *scope = t->scope;
  note(scope, t->result);
  go_waitgroup_done(&t->running);
  go_waitgroup_done(&scope->running);  // from here on both may be gone
}

static void run(void *arg) {
  struct go_task *t = arg;
  struct go_deferred abandoned;
  t->result = GO_EPANIC;
  go_defer(&abandoned, finish, t);
  t->result = t->fn(t->scope, t->arg);
  go_defer_drop(&abandoned);
  finish(t);
}

int go_scope_spawn(struct go_scope *scope, const struct go_spawn_options *options,
                   int (*fn)(struct go_scope *, void *), void *arg, struct go_task **task) {
  if (!scope || !fn) return GO_EINVAL;
  const int refused = rt_sync_check(scope);
  if (refused) return refused;
  if (rt_mystack(arg)) return GO_EMOVES;
  struct go_task *t = allocate(sizeof *t);
  if (!t) return GO_ENOMEM;
  *t = (struct go_task){.scope = scope, .fn = fn, .arg = arg};
  go_waitgroup_add(&t->running, 1);
  go_waitgroup_add(&scope->running, 1);
  const int error = go_spawn(options, run, t);
  if (error) {
    go_waitgroup_done(&scope->running);
    rt_systemstack(free, t);
    return error;
  }
  rt_plock(&scope->lock);
  t->next = scope->tasks;
  scope->tasks = t;
  rt_punlock(&scope->lock);
  if (task) *task = t;
  return 0;
}

int go_task_join(struct go_task *task, int *result) {
  if (!task) return GO_EINVAL;
  const int error = go_waitgroup_wait(&task->running);
  if (error) return error;
  if (result) *result = task->result;
  return 0;
}
