// skynet.c: a tree of goroutines, ten children to each, that adds up the numbers of its leaves.
//
// Each goroutine sends one number to its parent: a leaf its own ordinal, the others the sum of what
// their children sent.  A million leaves take 1,111,111 goroutines.
#include <string.h>
#include "examples/check.h"

static const char HELP[] =
    "usage: skynet [leaves]\n"
    "Adds up the ordinals of 1 to 100000000 goroutines [1000000], the leaves of a tree.\n";

enum { CHILDREN = 10 };

// The leaves [first, first + leaves), and where their sum goes.
struct node {
  struct go_chan *parent;
  int64_t first, leaves;
};

// What a goroutine and its children share.
struct family {
  struct go_chan *sums;  // with room for all: no child waits for its parent
  struct node children[CHILDREN];
};

static int64_t sum_of(int64_t first, int64_t leaves);

// Its last act is to send: the parent frees the channel and the node when it has all sums.
static void child(void *arg) {
  const struct node self = *(const struct node *)arg;
  const int64_t sum = self.leaves == 1 ? self.first : sum_of(self.first, self.leaves);
  check(go_chan_send(self.parent, &sum), "go_chan_send");
}

// Has the leaves in [first, first + leaves) summed up by children.
static int64_t sum_of(int64_t first, int64_t leaves) {
  struct family *f = check_memory(malloc(sizeof *f));
  check(go_chan_new(sizeof(int64_t), CHILDREN, &f->sums), "go_chan_new");
  const int64_t each = (leaves + CHILDREN - 1) / CHILDREN;
  int children = 0;
  for (int64_t done = 0; done < leaves; done += each) {
    struct node *n = &f->children[children++];
    *n = (struct node){f->sums, first + done, leaves - done < each ? leaves - done : each};
    check(go_spawn(NULL, child, n), "go_spawn");
  }
  int64_t total = 0;
  for (int64_t sum; children > 0; children--, total += sum)
    check(go_chan_recv(f->sums, &sum), "go_chan_recv");
  go_chan_free(f->sums);
  free(f);
  return total;
}

static int64_t leaves = 1000000, result;

static void first(void *arg) {
  (void)arg;
  result = sum_of(0, leaves);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--help") == 0) {
    say("%s", HELP);
    return 0;
  }
  if (argc > 1) leaves = number("skynet", argv[1], 100000000);
  if (argc > 2) misuse("skynet", "one argument too many", argv[2]);
  check(go_run(NULL, first, NULL), "go_run");
  say("%lld\n", (long long)result);
  return 0;
}
