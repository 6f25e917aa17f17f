// cond_queue.c: a bounded queue of a mutex and two condition variables, and who uses it.
//
// A channel does this job in fewer lines; a queue of one's own can be asked for more, as how full
// it has been.
#include <stdbool.h>
#include "examples/check.h"

enum { PRODUCERS = 3, CONSUMERS = 2, ITEMS = 1000, ROOM = 8 };

// mutex protects all of it.
static struct queue {
  struct go_mutex mutex;
  struct go_cond not_full, not_empty;
  int64_t items[ROOM];
  int head, count, fullest;
  bool closed;
} queue;

static struct go_waitgroup producers, consumers;
static int64_t sums[CONSUMERS];
static int counts[CONSUMERS];

static void lock(struct queue *q) {
  check(go_mutex_lock(&q->mutex), "go_mutex_lock");
}

static void unlock(struct queue *q) {
  check(go_mutex_unlock(&q->mutex), "go_mutex_unlock");
}

static void put(struct queue *q, int64_t item) {
  lock(q);
  while (q->count == ROOM) check(go_cond_wait(&q->not_full, &q->mutex), "go_cond_wait");
  q->items[(q->head + q->count++) % ROOM] = item;
  if (q->count > q->fullest) q->fullest = q->count;
  unlock(q);
  check(go_cond_signal(&q->not_empty), "go_cond_signal");
}

// Returns false when the queue is empty and nothing will come any more.
static bool get(struct queue *q, int64_t *item) {
  lock(q);
  while (q->count == 0 && !q->closed) check(go_cond_wait(&q->not_empty, &q->mutex), "go_cond_wait");
  const bool got = q->count > 0;
  if (got) {
    *item = q->items[q->head];
    q->head = (q->head + 1) % ROOM;
    q->count--;
  }
  unlock(q);
  check(go_cond_signal(&q->not_full), "go_cond_signal");
  return got;
}

static void end(struct queue *q) {
  lock(q);
  q->closed = true;
  unlock(q);
  check(go_cond_broadcast(&q->not_empty), "go_cond_broadcast");
}

static void produce(void *arg) {
  (void)arg;
  for (int64_t n = 1; n <= ITEMS; n++) put(&queue, n);
  check(go_waitgroup_done(&producers), "go_waitgroup_done");
}

static void consume(void *sum) {
  const int64_t i = (int64_t *)sum - sums;
  for (int64_t item; get(&queue, &item); counts[i]++) sums[i] += item;
  check(go_waitgroup_done(&consumers), "go_waitgroup_done");
}

static void first(void *arg) {
  (void)arg;
  check(go_waitgroup_add(&producers, PRODUCERS), "go_waitgroup_add");
  check(go_waitgroup_add(&consumers, CONSUMERS), "go_waitgroup_add");
  for (int i = 0; i < CONSUMERS; i++) check(go_spawn(NULL, consume, &sums[i]), "go_spawn");
  for (int i = 0; i < PRODUCERS; i++) check(go_spawn(NULL, produce, NULL), "go_spawn");
  check(go_waitgroup_wait(&producers), "go_waitgroup_wait");
  end(&queue);
  check(go_waitgroup_wait(&consumers), "go_waitgroup_wait");
}

int main(void) {
  int64_t sum = 0;
  int count = 0;
  check(go_run(NULL, first, NULL), "go_run");
  for (int i = 0; i < CONSUMERS; i++) {
    count += counts[i];
    sum += sums[i];
  }
  say("%d producers, %d consumers: %d items, sum %lld\n", PRODUCERS, CONSUMERS, count,
      (long long)sum);
  say("never more than %d in the queue: %s\n", ROOM, queue.fullest <= ROOM ? "yes" : "no");
  return 0;
}
