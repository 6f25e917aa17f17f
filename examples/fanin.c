// fanin.c: one goroutine listens to several at once.
//
// Each producer has a channel of its own and closes it at the end.  The consumer selects among
// them all and a context that ends by itself if they take too long.
#include "examples/check.h"

enum { PRODUCERS = 4, NUMBERS = 1000 };

static struct producer {
  struct go_chan *out;
  int64_t first;
} producers[PRODUCERS];
static int received[PRODUCERS];
static int64_t total;

static void produce(void *arg) {
  const struct producer *p = arg;
  for (int64_t n = p->first; n < p->first + NUMBERS; n++)
    check(go_chan_send(p->out, &n), "go_chan_send");
  check(go_chan_close(p->out), "go_chan_close");
}

// Receives from all producers until each has closed its channel, or until ctx ends.
static int consume(struct go_context *ctx) {
  enum { DONE = PRODUCERS };
  int64_t number;
  struct go_case cases[PRODUCERS + 1];
  for (int i = 0; i < PRODUCERS; i++)
    cases[i] = (struct go_case){.dir = GO_RECV, .chan = producers[i].out, .elem = &number};
  cases[DONE] = (struct go_case){.dir = GO_RECV, .chan = go_context_done(ctx)};

  for (int open = PRODUCERS; open > 0;) {
    const int chosen = (int)check(go_select(cases, DONE + 1), "go_select");
    if (chosen == DONE) return go_context_err(ctx);
    if (cases[chosen].result == GO_ECLOSED) {
      cases[chosen].chan = NULL;  // which is never ready: the case is out of the race
      open--;
    } else {
      check(cases[chosen].result, "go_chan_recv");
      received[chosen]++;
      total += number;
    }
  }
  return GO_OK;
}

static void first(void *arg) {
  (void)arg;
  struct go_context *ctx;
  check(go_context_with_timeout(go_context_background(), 60LL * GO_SECOND, &ctx),
        "go_context_with_timeout");
  for (int i = 0; i < PRODUCERS; i++) {
    struct producer *p = &producers[i];
    p->first = (int64_t)i * NUMBERS;
    check(go_chan_new(sizeof p->first, 0, &p->out), "go_chan_new");
    check(go_spawn(NULL, produce, p), "go_spawn");
  }
  check(consume(ctx), "the producers");
  go_context_cancel(ctx, 0);  // or its timer would hold it until it is due
  go_context_free(ctx);
  for (int i = 0; i < PRODUCERS; i++) go_chan_free(producers[i].out);
}

int main(void) {
  check(go_run(NULL, first, NULL), "go_run");
  for (int i = 0; i < PRODUCERS; i++) say("producer %d: %d numbers\n", i, received[i]);
  say("total: %lld\n", (long long)total);
  return 0;
}
