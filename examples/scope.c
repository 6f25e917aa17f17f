// scope.c: structured concurrency: goroutines that end before the function that started them does.
//
// A scope waits for its children and answers with the first error among them; children that run
// for long look now and then whether there is one, and stop.
#include <stdbool.h>
#include "examples/check.h"

enum { PARTS = 4, NUMBERS = 100000, WATCHERS = 3, STEPS = 5 };

// ---- Children with results: they leave them where their argument says -------------------------

static struct part {
  int from, to;  // [from, to)
  int primes;
} parts[PARTS];

static bool is_prime(int n) {
  for (int d = 2; d * d <= n; d++)
    if (n % d == 0) return false;
  return n > 1;
}

static int count_primes(struct go_scope *scope, void *arg) {
  (void)scope;
  struct part *p = arg;
  for (int n = p->from; n < p->to; n++) p->primes += is_prime(n);
  return GO_OK;
}

static int count_in_parts(struct go_scope *scope, void *arg) {
  (void)arg;
  for (int i = 0; i < PARTS; i++) {
    parts[i] = (struct part){NUMBERS / PARTS * i, NUMBERS / PARTS * (i + 1), 0};
    const int error = go_scope_spawn(scope, NULL, count_primes, &parts[i], NULL);
    if (error) return error;
  }
  return GO_OK;
}

// ---- One fails, the others stop -----------------------------------------------------------------

static int stopped;  // by body alone, after its join

static int watch(struct go_scope *scope, void *arg) {
  (void)arg;
  while (!go_scope_failed(scope)) go_yield();  // where there would be work to do
  return GO_ECANCELED;
}

static int stumble(struct go_scope *scope, void *arg) {
  (void)scope, (void)arg;
  for (int i = 0; i < STEPS; i++) go_yield();
  return GO_ETIMEDOUT;
}

static int watch_one_stumble(struct go_scope *scope, void *arg) {
  (void)arg;
  struct go_task *watchers[WATCHERS];
  for (int i = 0; i < WATCHERS; i++)
    check(go_scope_spawn(scope, NULL, watch, NULL, &watchers[i]), "go_scope_spawn");
  check(go_scope_spawn(scope, NULL, stumble, NULL, NULL), "go_scope_spawn");
  for (int i = 0; i < WATCHERS; i++) {
    int result;
    check(go_task_join(watchers[i], &result), "go_task_join");
    stopped += result == GO_ECANCELED;
  }
  return GO_OK;  // the scope answers with the child's error all the same
}

static int failure;

static void first(void *arg) {
  check(go_scope_run(count_in_parts, arg), "count_in_parts");
  failure = go_scope_run(watch_one_stumble, arg);
}

int main(void) {
  int primes = 0;
  check(go_run(NULL, first, NULL), "go_run");
  for (int i = 0; i < PARTS; i++) primes += parts[i].primes;
  say("%d children count the primes below %d: %d\n", PARTS, NUMBERS, primes);
  say("one child fails (%s): %d of %d others stop\n", go_strerror(failure), stopped, WATCHERS);
  return 0;
}
