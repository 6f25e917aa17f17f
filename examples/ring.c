// ring.c: a token goes around a ring of goroutines, each of which adds 1 and passes it on.
#include <string.h>
#include "examples/check.h"

static const char HELP[] =
    "usage: ring [goroutines [laps]]\n"
    "Passes a token around a ring of 1 to 1000000 goroutines [1000], 1 to 1000000 times [100].\n";

struct link {
  struct go_chan *in, *out;
};

static long goroutines = 1000, laps = 100;
static struct link *links;  // link i takes from channel i and gives to channel i + 1
static struct go_waitgroup running;
static int64_t hops;

static void pass(void *arg) {
  const struct link *l = arg;
  int64_t token;
  int code;
  while ((code = go_chan_recv(l->in, &token)) == GO_OK) {
    token++;
    check(go_chan_send(l->out, &token), "go_chan_send");
  }
  if (code != GO_ECLOSED) check(code, "go_chan_recv");
  check(go_chan_close(l->out), "go_chan_close");
  check(go_waitgroup_done(&running), "go_waitgroup_done");
}

static void first(void *arg) {
  (void)arg;
  struct go_chan *begin, *end;
  check(go_chan_new(sizeof hops, 0, &begin), "go_chan_new");
  check(go_waitgroup_add(&running, (int)goroutines), "go_waitgroup_add");
  end = begin;
  for (long i = 0; i < goroutines; i++) {
    links[i].in = end;
    check(go_chan_new(sizeof hops, 0, &end), "go_chan_new");
    links[i].out = end;
    check(go_spawn(NULL, pass, &links[i]), "go_spawn");
  }
  for (long lap = 0; lap < laps; lap++) {
    check(go_chan_send(begin, &hops), "go_chan_send");
    check(go_chan_recv(end, &hops), "go_chan_recv");
  }
  check(go_chan_close(begin), "go_chan_close");
  check(go_waitgroup_wait(&running), "go_waitgroup_wait");
  for (long i = 0; i < goroutines; i++) go_chan_free(links[i].in);
  go_chan_free(end);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--help") == 0) {
    say("%s", HELP);
    return 0;
  }
  if (argc > 1) goroutines = number("ring", argv[1], 1000000);
  if (argc > 2) laps = number("ring", argv[2], 1000000);
  if (argc > 3) misuse("ring", "one argument too many", argv[3]);
  links = check_memory(malloc((size_t)goroutines * sizeof *links));
  check(go_run(NULL, first, NULL), "go_run");
  free(links);
  say("%ld goroutines, %ld laps: %lld hops\n", goroutines, laps, (long long)hops);
  return 0;
}
