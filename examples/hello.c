// hello.c: a goroutine says hello, and the first one waits until it has.
#include "examples/check.h"

// What goroutines share is not on the stack of one of them: stacks may move.
static struct go_waitgroup greeters;

static void greet(void *whom) {
  say("hello, %s, from goroutine %d\n", (const char *)whom, (int)go_self());
  check(go_waitgroup_done(&greeters), "go_waitgroup_done");
}

// When the first goroutine returns, so does go_run: it waits for the others if it needs them.
static void first(void *whom) {
  check(go_waitgroup_add(&greeters, 1), "go_waitgroup_add");
  check(go_spawn(NULL, greet, whom), "go_spawn");
  check(go_waitgroup_wait(&greeters), "go_waitgroup_wait");
}

int main(void) {
  check(go_run(NULL, first, "world"), "go_run");
  return 0;
}
