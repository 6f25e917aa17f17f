// many.c: workloads of many goroutines that hardly compute: skynet, a ring, and a crowd that waits.
#include "bench/workloads/crowd.h"
#include "runtime/go.h"

#include <stdlib.h>

// ---- skynet: a tree of goroutines, ten to a node, that sum up the numbers of its leaves ------
enum { CHILDREN = 10 };

struct node {
  struct go_chan *result;
  int64_t first, leaves;
};

static struct go_chan *new_chan(void) {
  struct go_chan *chan;
  const int code = go_chan_new(sizeof(int64_t), 0, &chan);
  if (code != GO_OK)
    workload_refuse("go_chan_new", code);
  return chan;
}

static void skynet(void *arg) {
  const struct node node = *(struct node *)arg;
  int64_t sum = node.first, one;
  if (node.leaves > 1) {
    // On the heap: children read it while this stack may move.
    struct node *children = malloc(CHILDREN * sizeof *children);
    struct go_chan *results = new_chan();
    if (!children)
      workload_refuse("malloc", GO_ENOMEM);
    for (int i = 0; i < CHILDREN; i++) {
      const int64_t leaves = node.leaves / CHILDREN;
      children[i] = (struct node){results, node.first + i * leaves, leaves};
      crowd_spawn(skynet, &children[i]);
    }
    sum = 0;
    for (int i = 0; i < CHILDREN; i++) {
      go_chan_recv(results, &one);
      sum += one;
    }
    go_chan_free(results);
    free(children);
  }
  go_chan_send(node.result, &sum);
}

static uint64_t run_skynet(size_t leaves) {
  struct node root = {new_chan(), 0, (int64_t)leaves};
  int64_t sum = 0;
  crowd_spawn(skynet, &root);
  go_chan_recv(root.result, &sum);
  go_chan_free(root.result);
  return checksum_word(checksum_seed, (uint64_t)sum);
}

static uint64_t expect_skynet(size_t leaves) {
  return checksum_word(checksum_seed, (uint64_t)leaves * (leaves - 1) / 2);
}

// ---- ring: a token goes round ----------------------------------------------------------------
// At its first token a member uses more stack than it began with.
enum { ROUNDS = 10, RING_BYTES = 12 * 1024 };

static size_t ring_members;
static uint64_t token;  // whoever has been woken for it owns it

static void ring_member(size_t i) {
  for (int round = 0; round < ROUNDS; round++) {
    crowd_wait_here(i);
    if (round == 0) {
      const uint64_t begin = clock_ns();
      crowd_add(descend(RING_BYTES, NULL, NULL));
      note_call(clock_ns() - begin);
    }
    token++;
    if (token < ring_members * ROUNDS)
      crowd_wake((i + 1) % ring_members);
  }
}

static uint64_t run_ring(size_t n) {
  ring_members = n;
  token = 0;
  crowd_start(n, ring_member);
  crowd_wake(0);
  const uint64_t sum = crowd_join();
  return checksum_word(sum, token);
}

static uint64_t expect_ring(size_t n) {
  return checksum_word(n * descend(RING_BYTES, NULL, NULL), n * ROUNDS);
}

// ---- c10m: many wait, few of them deep ----------------------------------------------------------
enum { ONE_DEEP_IN = 100, DEEP_BYTES = 64 * 1024, SHALLOW_BYTES = 512 };

static size_t depth_of(size_t i) {
  return i % ONE_DEEP_IN == 0 ? DEEP_BYTES : SHALLOW_BYTES;
}

static void c10m_member(size_t i) {
  const uint64_t begin = clock_ns();
  crowd_add(descend(depth_of(i), NULL, NULL));
  if (i % ONE_DEEP_IN == 0)
    note_call(clock_ns() - begin);
  crowd_arrive();
  crowd_wait_here(i);
  crowd_add(descend(SHALLOW_BYTES, NULL, NULL) + i);
}

static uint64_t run_c10m(size_t n) {
  crowd_start(n, c10m_member);
  crowd_gather();
  for (size_t i = 0; i < n; i++)
    crowd_wake(i);
  return crowd_join();
}

static uint64_t expect_c10m(size_t n) {
  const uint64_t shallow = descend(SHALLOW_BYTES, NULL, NULL);
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (i % ONE_DEEP_IN == 0 ? descend(DEEP_BYTES, NULL, NULL) : shallow) + shallow + i;
  return sum;
}

// ---- Rows ------------------------------------------------------------------------------------
static const size_t skynet_sizes[] = {10000, 1000000, 0};
const struct workload workload_skynet = {
    .name = "skynet",
    .library = "own code",
    .does = "a tree of goroutines, ten to a node, sums up the numbers of its leaves by channels",
    .run = run_skynet,
    .kind = KIND_PROGRAM,
    .sizes = skynet_sizes,
    .quick_sizes = 1,
    .expect = expect_skynet,
    .without_thread = true,
};

static const size_t ring_sizes[] = {1000, 10000, 0};
const struct workload workload_ring = {
    .name = "ring",
    .library = "own code",
    .does = "a token goes round ten times; each member descends to 12 KiB when it first has it",
    .run = run_ring,
    .kind = KIND_PROGRAM,
    .sizes = ring_sizes,
    .quick_sizes = 1,
    .expect = expect_ring,
};

static const size_t c10m_sizes[] = {20000, 200000, 0};
const struct workload workload_c10m = {
    .name = "c10m",
    .library = "own code",
    .does = "all wait at once, as connections do; one in a hundred has descended to 64 KiB before",
    .run = run_c10m,
    .kind = KIND_PROGRAM,
    .sizes = c10m_sizes,
    .quick_sizes = 1,
    .expect = expect_c10m,
};
