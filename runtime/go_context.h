// go_context.h: cancellation, deadlines and values that go down a tree of calls; part of go.h.
//
// A context is made from its parent and ends with it at the latest.  What Go's collector does,
// references do here: every function that makes a context gives its caller one reference, a context
// holds one of its parent, and go_context_free lets one go.  All functions may be called by several
// goroutines at once.  Goroutine only; none parks.
#ifndef STACKLAB_RUNTIME_GO_CONTEXT_H_
#define STACKLAB_RUNTIME_GO_CONTEXT_H_

#include <stdbool.h>
#include <stdint.h>
#include "runtime/go_api.h"

GO_API_BEGIN

struct go_chan;
struct go_context;

// go_context_background returns the root: never cancelled, no deadline, no values; it needs no
// go_context_free, and bears it.
struct go_context *go_context_background(void);

// These make a child.  GO_ENOMEM, GO_EPOLL, GO_EINVAL (no parent, no out), GO_ENOTG.
//   with_cancel    ends when go_context_cancel is called
//   with_deadline  ends, besides, at `deadline` ns of go_nanotime, if the parent does not before;
//                  it has ended when this returns if that has passed.  The end of go_run forgets
//                  deadlines
//   with_timeout   the same, `ns` nanoseconds from now
//   with_value     ends when the parent does; has one more value, see go_context_value
int go_context_with_cancel(struct go_context *parent, struct go_context **out);
int go_context_with_deadline(struct go_context *parent, int64_t deadline, struct go_context **out);
int go_context_with_timeout(struct go_context *parent, int64_t ns, struct go_context **out);
int go_context_with_value(struct go_context *parent, const void *key, void *value,
                          struct go_context **out);

// go_context_cancel ends a context and everything made from it, unless it has ended: `cause` is
// what go_context_cause will answer, 0 for GO_ECANCELED.  The background cannot be cancelled.
void go_context_cancel(struct go_context *ctx, int cause);

// go_context_free lets a reference go.  The last one's end cancels nothing: a context that nobody
// holds has nobody to tell.  Cancel one that has a deadline before: until that comes, its timer
// holds it, too.  NULL does nothing.
void go_context_free(struct go_context *ctx);
// go_context_ref takes one more reference, for another goroutine; returns ctx.
struct go_context *go_context_ref(struct go_context *ctx);

// go_context_done returns a channel that is closed when the context ends: for go_select and
// go_chan_recv, which answer GO_ECLOSED then.  It is the context's; NULL for the background, which
// is a channel that is never ready.
struct go_chan *go_context_done(struct go_context *ctx);

// go_context_err returns 0 while the context has not ended, then GO_ECANCELED or GO_ETIMEDOUT;
// go_context_cause, then what it was cancelled with.
int go_context_err(struct go_context *ctx);
int go_context_cause(struct go_context *ctx);
// go_context_deadline returns true and the time at which it ends at the latest, if there is one.
bool go_context_deadline(struct go_context *ctx, int64_t *deadline);

// go_context_value returns the value of the nearest context upwards that has this key (compared as
// a pointer: use the address of a static variable of yours), NULL if none has.
void *go_context_value(struct go_context *ctx, const void *key);

GO_API_END
#endif
