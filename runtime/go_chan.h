// go_chan.h: channels and select; part of go.h.
//
// A channel passes elements of one size between goroutines, in order (the Go specification's
// "Channel types", "Select statements").  Elements are copied, straight from the sender's memory to
// the receiver's where one of them waits; both may lie on stacks, moving ones included: the runtime
// follows them for as long as the call lasts.
#ifndef STACKLAB_RUNTIME_GO_CHAN_H_
#define STACKLAB_RUNTIME_GO_CHAN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/go_api.h"

GO_API_BEGIN

struct go_chan;

// go_chan_new makes a channel of elements of `elem` bytes (0 to 65,536) with room for `cap` of
// them; 0: each send waits for its receiver.  Any stack.  GO_EINVAL, GO_ENOMEM.
int go_chan_new(size_t elem, size_t cap, struct go_chan **out);
// go_chan_free gives a channel's memory back; nobody may use it any more, nor be in a go_select
// that names it, even if that has been served.  Whoever has received the last element may free it
// where that came from a go_chan_send.  NULL does nothing.
void go_chan_free(struct go_chan *c);

// go_chan_send waits until it can pass *elem on, then does.  go_chan_recv waits for an element and
// stores it in *elem (NULL: drops it).  Goroutine only; park.  On a NULL channel they wait for
// ever.
//   send: GO_ECLOSED if the channel is, or while it waits becomes, closed: nothing was sent
//   recv: GO_ECLOSED once the channel is closed and drained: *elem is zeroed
int go_chan_send(struct go_chan *c, const void *elem);
int go_chan_recv(struct go_chan *c, void *elem);
// The same, but never wait: GO_EAGAIN instead (a NULL channel always).  Goroutine only.
int go_chan_try_send(struct go_chan *c, const void *elem);
int go_chan_try_recv(struct go_chan *c, void *elem);
// The same, but wait no longer than until `deadline`, in ns of go_nanotime: GO_ETIMEDOUT.
// GO_ENOMEM or GO_EPOLL, with nothing sent or received: no timer could be had.
int go_chan_send_until(struct go_chan *c, const void *elem, int64_t deadline);
int go_chan_recv_until(struct go_chan *c, void *elem, int64_t deadline);

// go_chan_close ends sending: waiting senders fail, receivers drain what is there.  Goroutine only;
// does not park.  GO_EINVAL: NULL; GO_ECLOSED: it is closed already.
int go_chan_close(struct go_chan *c);

// Elements in the buffer now, and room in all; 0 for NULL.  Any stack.
size_t go_chan_len(const struct go_chan *c);
size_t go_chan_cap(const struct go_chan *c);

// One case of a select.
enum go_dir { GO_SEND, GO_RECV };
struct go_case {
  enum go_dir dir;
  struct go_chan *chan;  // NULL: never ready
  void *elem;            // as in go_chan_send, go_chan_recv
  int result;            // of the case that was chosen: as of go_chan_send, go_chan_recv
};

// go_select waits until one of n cases (0 to 65,536) can go on, does it, and returns its number;
// among several that can, each is as likely.  Goroutine only; parks.  GO_EINVAL, GO_ENOMEM,
// GO_EPOLL: no case was done.  With no case that can ever be ready it waits for ever.
int go_select(struct go_case *cases, int n);
// The same, but instead of waiting GO_EAGAIN (Go's default case), or GO_ETIMEDOUT after `deadline`.
int go_select_try(struct go_case *cases, int n);
int go_select_until(struct go_case *cases, int n, int64_t deadline);

GO_API_END
#endif
