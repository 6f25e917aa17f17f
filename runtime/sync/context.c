// go_context: a tree; to cancel a node is to cancel all below it.
//
// Locks are taken from the parent to the child.  A node is in its parent's list while it may still
// be cancelled from there; the list holds no references, so a node leaves it before it goes.
#include <stdatomic.h>
#include <stdlib.h>
#include "runtime/chan/chan.h"
#include "runtime/sync/sync.h"

struct go_context {
  struct rt_lock lock;
  _Atomic int32_t refs;
  struct go_context *parent;         // NULL: the background
  struct go_context *children;       // lock
  struct go_context *next, **at;     // in parent->children; parent->lock; at NULL: not there
  struct go_chan *done;
  _Atomic int err;                   // 0: it has not ended
  int cause;
  struct rt_timer timer;             // of its deadline
  int64_t deadline;                  // 0: none, not even above
  const void *key;
  void *value;
};

static struct go_context background;

struct go_context *go_context_background(void) { return &background; }

struct go_context *go_context_ref(struct go_context *ctx) {
  if (ctx && ctx != &background) atomic_fetch_add(&ctx->refs, 1);
  return ctx;
}

// ---- Ending ----------------------------------------------------------------------------------

// parent->lock is held.
static void detach(struct go_context *ctx) {
  if (!ctx->at) return;
  *ctx->at = ctx->next;
  if (ctx->next) ctx->next->at = ctx->at;
  ctx->at = NULL;
}

// Takes a reference, unless the last has just gone.
static bool try_ref(struct go_context *ctx) {
  int32_t n = atomic_load(&ctx->refs);
  while (n > 0 && !atomic_compare_exchange_weak(&ctx->refs, &n, n + 1)) continue;
  return n > 0;
}

// The next child to cancel, with a reference; it is no longer a child.
static struct go_context *take_child(struct go_context *ctx) {
  struct go_context *child = NULL;
  rt_lock(&ctx->lock);
  while (!child && ctx->children) {
    struct go_context *c = ctx->children;
    detach(c);
    if (try_ref(c)) child = c;
  }
  rt_unlock(&ctx->lock);
  return child;
}

// Ends ctx itself; false if it had ended.
static bool end(struct go_context *ctx, int err, int cause) {
  rt_lock(&ctx->lock);
  const bool first = atomic_load(&ctx->err) == 0;
  if (first) {
    ctx->cause = cause;
    atomic_store(&ctx->err, err);
  }
  rt_unlock(&ctx->lock);
  if (!first) return false;
  if (rt_timer_remove(&ctx->timer)) go_context_free(ctx);
  rt_chan_close(ctx->done);
  return true;
}

// Ends ctx and all below it, without recursion: a child's children are moved up to ctx, as it were,
// by being cancelled from a list of their own.
static void end_all(struct go_context *ctx, int err, int cause) {
  if (!end(ctx, err, cause)) return;
  struct go_context *todo = NULL;
  for (struct go_context *at = go_context_ref(ctx); at;) {
    for (struct go_context *c; (c = take_child(at)) != NULL;) {
      if (end(c, err, cause)) {
        c->next = todo;  // it is in no list of a parent's any more
        todo = c;
      } else {
        go_context_free(c);
      }
    }
    go_context_free(at);
    at = todo;
    if (at) todo = at->next;
  }
}

void go_context_cancel(struct go_context *ctx, int cause) {
  if (!ctx || ctx == &background || rt_sync_check(ctx)) return;
  end_all(ctx, GO_ECANCELED, cause ? cause : GO_ECANCELED);
}

// The deadline, or with 0 the end of go_run.  g0; the timer's reference is ours now.
static void due(void *arg, uint64_t seq) {
  if (seq) end_all(arg, GO_ETIMEDOUT, GO_ETIMEDOUT);
  go_context_free(arg);
}

static void free_one(void *arg) {
  struct go_context *ctx = arg;
  go_chan_free(ctx->done);
  free(ctx);
}

void go_context_free(struct go_context *ctx) {
  while (ctx && ctx != &background && atomic_fetch_sub(&ctx->refs, 1) == 1) {
    struct go_context *parent = ctx->parent;
    rt_lock(&parent->lock);
    detach(ctx);
    rt_unlock(&parent->lock);
    if (rt_getg())
      rt_systemstack(free_one, ctx);
    else
      free_one(ctx);
    ctx = parent;
  }
}

// ---- Making ----------------------------------------------------------------------------------

static void make(void *arg) {
  struct go_context **out = arg;
  struct go_chan *done = NULL;
  struct go_context *ctx = rt_malloc(sizeof *ctx);
  if (ctx && go_chan_new(0, 0, &done) != 0) {
    free(ctx);
    ctx = NULL;
  }
  if (ctx) *ctx = (struct go_context){.done = done, .refs = 1};
  *out = ctx;
}

// Makes a child that is in its parent's list, or has ended with it.
static int make_child(struct go_context *parent, struct go_context **out) {
  const int error = rt_sync_check(parent);
  if (error) return error;
  if (!out) return GO_EINVAL;
  struct go_context *made;
  struct go_context **where = &made;
  rt_systemstack(make, where);
  struct go_context *ctx = made;
  if (!ctx) return GO_ENOMEM;
  ctx->parent = go_context_ref(parent);
  ctx->deadline = parent->deadline;
  rt_lock(&parent->lock);
  const int err = atomic_load(&parent->err), cause = parent->cause;
  if (!err && parent != &background) {
    ctx->next = parent->children;
    ctx->at = &parent->children;
    if (ctx->next) ctx->next->at = &ctx->next;
    parent->children = ctx;
  }
  rt_unlock(&parent->lock);
  if (err) end(ctx, err, cause);
  *out = ctx;
  return 0;
}

int go_context_with_cancel(struct go_context *parent, struct go_context **out) {
  return make_child(parent, out);
}

int go_context_with_deadline(struct go_context *parent, int64_t deadline,
                             struct go_context **out) {
  if (!out) return GO_EINVAL;
  struct go_context *ctx;
  int error = make_child(parent, &ctx);
  if (error) return error;
  const int64_t at = rt_deadline(deadline);
  if (at <= rt_nanotime()) {
    if (!ctx->deadline || at < ctx->deadline) ctx->deadline = at;
    end(ctx, GO_ETIMEDOUT, GO_ETIMEDOUT);
  } else if (!ctx->deadline || at < ctx->deadline) {
    ctx->deadline = at;
    ctx->timer.fn = due;
    ctx->timer.arg = ctx;
    ctx->timer.seq = 1;
    go_context_ref(ctx);
    error = rt_timer_start(&ctx->timer, at);
    if (error) {
      go_context_free(ctx);
      go_context_free(ctx);
      return error;
    }
    // Cancelled from above before there was a timer to stop: nobody else will.
    if (atomic_load(&ctx->err) && rt_timer_remove(&ctx->timer)) go_context_free(ctx);
  }
  *out = ctx;
  return 0;
}

int go_context_with_timeout(struct go_context *parent, int64_t ns, struct go_context **out) {
  const int64_t now = rt_nanotime();
  return go_context_with_deadline(parent, ns < INT64_MAX - now ? now + ns : INT64_MAX, out);
}

int go_context_with_value(struct go_context *parent, const void *key, void *value,
                          struct go_context **out) {
  if (!key) return GO_EINVAL;
  const int error = make_child(parent, out);
  if (error) return error;
  (*out)->key = key;
  (*out)->value = value;
  return 0;
}

// ---- Asking ----------------------------------------------------------------------------------

struct go_chan *go_context_done(struct go_context *ctx) { return ctx ? ctx->done : NULL; }

int go_context_err(struct go_context *ctx) { return ctx ? atomic_load(&ctx->err) : GO_EINVAL; }

int go_context_cause(struct go_context *ctx) {
  return go_context_err(ctx) ? (ctx ? ctx->cause : GO_EINVAL) : 0;
}

bool go_context_deadline(struct go_context *ctx, int64_t *deadline) {
  if (!ctx || !ctx->deadline) return false;
  if (deadline) *deadline = ctx->deadline;
  return true;
}

void *go_context_value(struct go_context *ctx, const void *key) {
  for (; ctx && key; ctx = ctx->parent)
    if (ctx->key == key) return ctx->value;
  return NULL;
}
