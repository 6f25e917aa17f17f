// pipeline.c: three stages with channels between them: generate -> square -> sum.
//
// Each stage closes its output when it is done; the next one drains what is still there, and then
// closes its own.  So the end travels down the pipeline behind the last number, and nobody has to
// be told how many there are.
#include <stdbool.h>
#include "examples/check.h"

enum { NUMBERS = 1000, ROOM = 16 };

static struct go_chan *numbers, *squares;
static int64_t total;

// Stores the next number and returns true; false once the channel is closed and drained.
static bool receive(struct go_chan *from, int64_t *number) {
  const int code = go_chan_recv(from, number);
  return code != GO_ECLOSED && check(code, "go_chan_recv") == GO_OK;
}

static int generate(struct go_scope *scope, void *arg) {
  (void)scope, (void)arg;
  for (int64_t n = 1; n <= NUMBERS; n++) check(go_chan_send(numbers, &n), "go_chan_send");
  return go_chan_close(numbers);
}

static int square(struct go_scope *scope, void *arg) {
  (void)scope, (void)arg;
  for (int64_t n; receive(numbers, &n);) {
    n *= n;
    check(go_chan_send(squares, &n), "go_chan_send");
  }
  return go_chan_close(squares);
}

static int sum(struct go_scope *scope, void *arg) {
  (void)scope, (void)arg;
  for (int64_t n; receive(squares, &n);) total += n;
  return GO_OK;
}

static int stages(struct go_scope *scope, void *arg) {
  check(go_scope_spawn(scope, NULL, generate, NULL, NULL), "go_scope_spawn");
  check(go_scope_spawn(scope, NULL, square, NULL, NULL), "go_scope_spawn");
  return sum(scope, arg);
}

static void first(void *arg) {
  check(go_chan_new(sizeof(int64_t), ROOM, &numbers), "go_chan_new");
  check(go_chan_new(sizeof(int64_t), ROOM, &squares), "go_chan_new");
  check(go_scope_run(stages, arg), "a stage");  // returns when all stages have
  go_chan_free(numbers);
  go_chan_free(squares);
}

int main(void) {
  check(go_run(NULL, first, NULL), "go_run");
  say("the squares of 1 to %d add up to %lld\n", NUMBERS, (long long)total);
  return 0;
}
