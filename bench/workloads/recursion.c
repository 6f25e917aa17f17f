// recursion.c: recursive programs that people know from papers about stacks (Farvardin and Reppy,
// "From folklore to fact", PLDI 2020: fib, tak, ack, deep recursion), and a recursion whose frames
// differ in size.
//
// fib and tak stay on the stack they find: what they show is the price of being able to grow.  ack
// rises and falls by hundreds of levels; deep goes down once.
#include "bench/workloads/workload.h"

// ---- fib, tak: shallow and many calls --------------------------------------------------------
enum { FIB_OF = 25, TAK_X = 18, TAK_Y = 12, TAK_Z = 6, SHALLOW_NEEDED = 8192 };

static __attribute__((noinline)) uint64_t fib(unsigned n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static __attribute__((noinline)) int tak(int x, int y, int z) {
  if (y >= x)
    return z;
  return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

static uint64_t run_fib(size_t size) {
  (void)size;
  return checksum_word(checksum_seed, fib(FIB_OF));
}

static uint64_t run_tak(size_t size) {
  (void)size;
  return checksum_word(checksum_seed, (uint64_t)tak(TAK_X, TAK_Y, TAK_Z));
}

// ---- ack: up and down ------------------------------------------------------------------------
// Every ACK_LEVELS levels it asks for the stack of as many more.  Where it has not been as deep
// before, that may grow the stack: it is timed until what was asked for has been used.
enum { ACK_M = 3, ACK_N = 5, ACK_LEVELS = 16, ACK_NEEDED = 4096, ACK_USED = ACK_NEEDED - 1024 };

struct ack {
  unsigned m, n, depth, result;
  uint64_t begin;  // ns; 0: not timed
};

static unsigned ack_deepest;  // levels, of this run

static __attribute__((noinline)) unsigned ack(unsigned m, unsigned n, unsigned depth);

// Returns when.  That it calls code without checks has a check ask for more here than in ack.
static __attribute__((noinline)) uint64_t use_stack(void) {
  volatile unsigned char bytes[ACK_USED];
  __asm__ volatile("" : : "r"(bytes) : "memory");
  bytes[0] = 1;
  return clock_ns();
}

static void ack_further(void *arg) {
  struct ack *a = arg;
  if (a->begin)
    note_call(use_stack() - a->begin);
  a->result = ack(a->m, a->n, a->depth);
}

static unsigned ack(unsigned m, unsigned n, unsigned depth) {
  if (depth % ACK_LEVELS == 0) {
    struct ack a = {m, n, depth + 1, 0, 0};
    if (depth > ack_deepest) {
      ack_deepest = depth;
      a.begin = clock_ns();
    }
    call_with_stack(ACK_NEEDED, ack_further, &a);
    return a.result;
  }
  if (m == 0)
    return n + 1;
  if (n == 0)
    return ack(m - 1, 1, depth + 1);
  return ack(m - 1, ack(m, n - 1, depth + 1), depth + 1);
}

static uint64_t run_ack(size_t size) {
  (void)size;
  ack_deepest = 0;
  return checksum_word(checksum_seed, ack(ACK_M, ACK_N, 1));
}

// ---- descend, deep ---------------------------------------------------------------------------
// A level points to the one above it and reads through it on the way back, so that a frame that
// was lost or a pointer that went stale shows in the checksum.  Every LEG levels it asks for the
// stack of the next LEG.
enum { FRAME_BYTES = 128, LOCALS = 4, LEG = 8, LEG_NEEDED = LEG * FRAME_BYTES + 2048, PAGE = 4096 };

struct level {
  const volatile struct level *up;
  uint64_t value;
  uint64_t locals[LOCALS];
};

// The rest of the way, for call_with_stack.
struct leg {
  const volatile struct level *up;
  size_t levels;
  void (*leaf)(void *);
  void *arg;
  uint64_t sum;
};

static uint64_t descend_level(const volatile struct level *up, size_t levels,
                              void (*leaf)(void *), void *arg);

static void descend_leg(void *arg) {
  struct leg *leg = arg;
  leg->sum = descend_level(leg->up, leg->levels, leg->leaf, leg->arg);
}

static __attribute__((noinline)) uint64_t descend_level(const volatile struct level *up,
                                                        size_t levels, void (*leaf)(void *),
                                                        void *arg) {
  volatile struct level here;
  here.up = up;
  here.value = levels * 2654435761u;
  __asm__ volatile("" : : "r"(&here) : "memory");  // all of it has to be there
  struct leg leg = {&here, levels - 1, leaf, arg, checksum_seed};
  if (levels == 0) {
    if (leaf)
      leaf(arg);
  } else if (levels % LEG == 0) {
    call_with_stack(LEG_NEEDED, descend_leg, &leg);
  } else {
    descend_leg(&leg);
  }
  return checksum_word(leg.sum, here.value ^ (here.up ? here.up->value : 0));
}

uint64_t descend(size_t bytes, void (*leaf)(void *), void *arg) {
  return descend_level(NULL, bytes / FRAME_BYTES, leaf, arg);
}

// A page of stack more than was used so far: in one of these calls the stack grows.
static void touch_page(void *arg) {
  volatile unsigned char page[PAGE];
  __asm__ volatile("" : : "r"(page) : "memory");
  page[0] = 1;
  *(uint64_t *)arg += page[0];
}

struct pages {
  size_t left;
  uint64_t touched, sum;
};

// The leaf of a descent by one page: times a touch of the next, and descends on.
static void next_page(void *arg) {
  struct pages *pages = arg;
  const uint64_t begin = clock_ns();
  call_with_stack(PAGE + 1024, touch_page, &pages->touched);
  note_call(clock_ns() - begin);
  if (pages->left == 0)
    return;
  pages->left--;
  const uint64_t sum = descend(PAGE, next_page, pages);
  pages->sum = checksum_word(pages->sum, sum);
}

static uint64_t run_deep(size_t size) {
  struct pages pages = {size / PAGE, 0, checksum_seed};
  next_page(&pages);
  return checksum_word(pages.sum, pages.touched);
}

// ---- mutual: frames of 64 bytes and of 6 KiB by turns ----------------------------------------
// Any turn may grow the stack, and takes less than the clock does: one in TIMED_IN is timed, other
// ones in each run.
enum { LARGE_FRAME = 6144, MUTUAL_NEEDED = LARGE_FRAME + 2048, TIMED_IN = 4 };

struct turn {
  size_t left;
  uint64_t sum;
  uint64_t begin;  // ns; 0: not timed
};

static unsigned mutual_run;

static void large_turn(void *arg);

static __attribute__((noinline)) void small_turn(struct turn *turn) {
  const uint64_t mine = turn->left * 40503;
  turn->begin = (turn->left + mutual_run) % TIMED_IN == 0 ? clock_ns() : 0;
  call_with_stack(MUTUAL_NEEDED, large_turn, turn);
  turn->sum = checksum_word(turn->sum, mine);
}

static void large_turn(void *arg) {
  struct turn *turn = arg;
  volatile unsigned char bytes[LARGE_FRAME];
  const size_t mine = turn->left;
  __asm__ volatile("" : : "r"(bytes) : "memory");
  bytes[0] = (unsigned char)mine;
  bytes[LARGE_FRAME - 1] = (unsigned char)(mine >> 8);
  if (turn->begin)
    note_call(clock_ns() - turn->begin);
  if (mine > 0) {
    turn->left--;
    small_turn(turn);
  }
  turn->sum = checksum_word(turn->sum, bytes[0] | (uint64_t)bytes[LARGE_FRAME - 1] << 8);
}

static uint64_t run_mutual(size_t size) {
  struct turn turn = {size / LARGE_FRAME, checksum_seed, 0};
  mutual_run++;
  small_turn(&turn);
  return turn.sum;
}

// ---- Rows ------------------------------------------------------------------------------------
const struct workload workload_fib = {
    .name = "fib",
    .library = "own code",
    .does = "fib(25): 240,000 shallow calls",
    .checkpoint_bytes = SHALLOW_NEEDED,
    .run = run_fib,
    .kind = KIND_PROGRAM,
};

const struct workload workload_tak = {
    .name = "tak",
    .library = "own code",
    .does = "Takeuchi's function of 18, 12, 6: 64,000 shallow calls of three arguments",
    .checkpoint_bytes = SHALLOW_NEEDED,
    .run = run_tak,
    .kind = KIND_PROGRAM,
};

const struct workload workload_ack = {
    .name = "ack",
    .library = "own code",
    .does = "Ackermann's function of 3, 5: 42,000 calls, up and down by 250 levels",
    .checkpoint_bytes = ACK_NEEDED,
    .run = run_ack,
    .kind = KIND_PROGRAM,
};

static const size_t mutual_sizes[] = {128 * 1024, 1024 * 1024, 0};
const struct workload workload_mutual = {
    .name = "mutual",
    .library = "own code",
    .does = "two functions that call each other to a depth, with frames of 64 bytes and of 6 KiB",
    .checkpoint_bytes = MUTUAL_NEEDED,
    .run = run_mutual,
    .kind = KIND_PROGRAM,
    .sizes = mutual_sizes,
    .quick_sizes = 1,
};

static const size_t deep_sizes[] = {1024 * 1024, 64 * 1024 * 1024, 0};
const struct workload workload_deep = {
    .name = "deep",
    .library = "own code",
    .does = "recursion in 128-byte frames to a depth; one call in every page of the way is timed",
    .checkpoint_bytes = LEG_NEEDED,
    .run = run_deep,
    .kind = KIND_PROGRAM,
    .sizes = deep_sizes,
    .quick_sizes = 1,
};
