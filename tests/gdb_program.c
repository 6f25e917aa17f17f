// gdb_program.c: goroutines in every state that a debugger may find them in; for gdb_test.py.
//
// It stops, for a debugger, in everything_is_set.  Left to itself it lets them all go on, adds
// up what they have in their frames, and prints that.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "runtime/go.h"

enum { DEPTH = 500 };

static struct go_chan *numbers;
static struct go_mutex mutex;
static struct go_waitgroup all;
static int ends[2];
static volatile int spinning, reading, waiting, go_on;
static volatile int64_t sum;

static void check(int result, const char *what) {
  if (result == 0) return;
  fprintf(stderr, "gdb_program: %s: %s\n", what, go_strerror(result));
  exit(1);
}

static void add(int64_t n) {
  __atomic_fetch_add(&sum, n, __ATOMIC_RELAXED);
  check(go_waitgroup_done(&all), "go_waitgroup_done");
}

// Its frames are many, and move when the stack grows.
static int64_t receive_deep(int depth) {
  volatile int64_t mine = 1000 + depth;
  int64_t got = 0;
  if (depth > 0) return receive_deep(depth - 1) + mine;
  waiting++;
  check(go_chan_recv(numbers, &got), "go_chan_recv");
  return got + mine;
}

static void receiver(void *depth) {
  const int64_t got = receive_deep(*(const int *)depth);
  add(got);
}

static void locker(void *arg) {
  int64_t wanted = *(const int *)arg;
  waiting++;
  check(go_mutex_lock(&mutex), "go_mutex_lock");
  check(go_mutex_unlock(&mutex), "go_mutex_unlock");
  add(wanted);
}

// On a segment of 64 KiB, as the schedulers' stacks are: it lies above a small one in memory.
static void diver_below(void *arg) {
  int level = *(const int *)arg - 1;
  if (level == 0)
    locker(arg);
  else
    check(go_call_on_stack(level * 15000, diver_below, &level), "go_call_on_stack");
}

static void diver(void *arg) {
  (void)arg;
  int levels = 4;
  diver_below(&levels);
}

static void sleeper(void *arg) {  // go_run drops it
  (void)arg;
  waiting++;
  check(go_sleep(3600 * (int64_t)GO_SECOND), "go_sleep");
}

static void spinner(void *arg) {
  int64_t turns = 0, mine = *(const int *)arg;
  for (spinning = 1; !go_on;) turns++;
  add(mine + (turns < 0));
}

static void reader(void *arg) {
  int64_t mine = *(const int *)arg;
  char c;
  go_entersyscall();
  reading = 1;
  const ssize_t n = read(ends[0], &c, 1);
  go_exitsyscall();
  add(n == 1 ? mine + c : 0);
}

static void late(void *arg) { add(*(const int *)arg); }

__attribute__((noinline)) static void everything_is_set(void) { __asm__ volatile(""); }

// To be called by a debugger.
__attribute__((used)) static int twice(int n) { return 2 * n; }

// ---- Small cores ------------------------------------------------------------------------------
// gdb's generate-core-file writes all that can be read, 2 GiB for each arena of stacks, and gives a
// mapping up where it meets a guard of MADV_GUARD_INSTALL.  The kernel's own cores do neither.

struct range {
  uintptr_t lo, hi;
};

static int large_mappings(struct range *out, int most) {
  enum { LARGE = 16 << 20 };
  int n = 0;
  char line[512];
  FILE *maps = fopen("/proc/self/maps", "r");
  if (!maps) exit(1);
  while (n < most && fgets(line, sizeof line, maps)) {
    struct range *r = &out[n];
    if (sscanf(line, "%lx-%lx", &r->lo, &r->hi) == 2 && r->hi - r->lo >= LARGE) n++;
  }
  fclose(maps);
  return n;
}

// The pages that do not exist are left out of cores.
static void leave_out_the_empty(int pagemap, const struct range *r) {
  enum { PAGE = 4096, AT_ONCE = 4096 };
  static uint64_t pages[AT_ONCE];
  for (uintptr_t p = r->lo, empty = p; p < r->hi; p += sizeof pages / sizeof *pages * PAGE) {
    const size_t left = (r->hi - p) / PAGE, n = left < AT_ONCE ? left : AT_ONCE;
    const ssize_t bytes = (ssize_t)(n * sizeof *pages);
    if (pread(pagemap, pages, (size_t)bytes, (off_t)(p / PAGE * sizeof *pages)) != bytes) exit(1);
    for (size_t i = 0; i <= n; i++) {
      const uintptr_t at = p + i * PAGE;
      const bool exists = i < n && pages[i] >> 63;
      if (i < n && !exists) continue;
      if (at > empty && madvise((void *)empty, at - empty, MADV_DONTDUMP) != 0) exit(1);
      empty = exists ? at + PAGE : at;
    }
  }
}

static void make_cores_small(void) {
  struct range large[64];
  const int pagemap = open("/proc/self/pagemap", O_RDONLY), n = large_mappings(large, 64);
  if (pagemap < 0) exit(1);
  for (int i = 0; i < n; i++) leave_out_the_empty(pagemap, &large[i]);
  close(pagemap);
}

// ---- The goroutines ---------------------------------------------------------------------------

static void spawn(const char *growth, void (*fn)(void *), int *arg) {
  check(go_waitgroup_add(&all, 1), "go_waitgroup_add");
  check(go_spawn(&(struct go_spawn_options){.growth = growth}, fn, arg), "go_spawn");
}

static void first(void *arg) {
  static int shallow = 1, deep = DEPTH, forty = 40, fifty = 50, sixty = 60, seventy = 70;
  (void)arg;
  check(go_chan_new(sizeof(int64_t), 0, &numbers), "go_chan_new");
  check(go_mutex_lock(&mutex), "go_mutex_lock");
  spawn("checkpoint", receiver, &shallow);
  spawn("signal", receiver, &deep);
  spawn("reserve", locker, &forty);
  check(go_spawn(NULL, sleeper, NULL), "go_spawn");
  // One P and no preemption: whoever has said that it waits does so when we are back.
  spawn("segment", diver, NULL);
  while (waiting < 5) go_yield();
  spawn(NULL, reader, &fifty);
  while (!reading) go_yield();
  go_gomaxprocs(2);
  spawn(NULL, spinner, &sixty);
  while (!spinning) go_yield();
  spawn(NULL, late, &seventy);  // nobody is there to run it
  make_cores_small();
  everything_is_set();
  everything_is_set();
  go_on = 1;
  check(go_mutex_unlock(&mutex), "go_mutex_unlock");
  for (int64_t n = 1; n <= 2; n++) check(go_chan_send(numbers, &n), "go_chan_send");
  if (write(ends[1], "\1", 1) != 1) exit(1);
  check(go_waitgroup_wait(&all), "go_waitgroup_wait");
}

int main(void) {
  if (pipe(ends) != 0) return 1;
  const struct go_config config = {.maxprocs = 1, .asyncpreempt = "off", .stack_initial = 8192};
  check(go_run(&config, first, NULL), "go_run");
  printf("sum %lld\n", (long long)sum);
  return fflush(stdout) == 0 ? 0 : 1;
}
