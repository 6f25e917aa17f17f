// Small programs, run on real goroutines under every growth strategy at once and by a model that
// has no stack: all that they read from their frames must agree.  Programs run deterministically
// (go_config.seed), so an input that fails fails again.
//
// An input is a header of four bytes, then instructions of three (kind, a, b); what is missing
// reads as 0.
//
//   0  the seed      1  flags: 1 forcemove, 4 twice (with the same digest), 8 a smaller guard,
//                      0xf0 poison
//   2  first size of stacks, a class      3  when they shrink
//
// A frame has blocks of memory on its stack: one from the start, one more for each ALLOCA.  A block
// has eight cells, spread over it, and four pointers to cells of its own frame or of those below;
// a new block takes over the pointers of the one before it, which it is the first to touch: then
// the fault finds them in vector registers.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/alarm.h"
#include "fuzz/results.h"
#include "runtime/go.h"
#include "runtime/stack/growth/growth.h"

enum { HEADER = 4, OPS_MAX = 160, STRATEGIES = 16, CHILDREN = 4, TASKS = 1 + CHILDREN };
enum { DEPTH_MAX = 64, FRAMES_BYTES_MAX = 1 << 20, BLOCKS_MAX = 5, CELLS = 8, POINTERS = 4 };
enum { ALLOCA_MAX = 4096, SLACK_BYTES = 24 << 10 };

enum kind { CALL, RETURN, ALLOCA, POINT, STORE, LOAD, RECV, YIELD, SLEEP, CHECKPOINT, SHRINK,
            SPAWN, KINDS };

struct op {
  uint8_t kind, a, b;
};

struct program {
  struct op ops[OPS_MAX];
  size_t n;
};

static void expect(bool holds, const char *who, const char *what) {
  if (holds) return;
  fprintf(stderr, "growth: %s: %s\n", who, what);
  abort();
}

// ---- What model and goroutines share: how instructions are read ------------------------------

static size_t frame_bytes(uint8_t a) { return ((size_t)128 << a % 10) + a / 10 * 48; }
static size_t alloca_bytes(uint8_t a) { return ((size_t)ALLOCA_MAX >> a % 5) - a / 5 % 8 * 8; }

// Cell `k` of a block of n words.
static size_t spread(size_t n, size_t k) { return k * (n - 1) / (CELLS - 1); }

// What the instruction at `at` writes.  The top bit is set: no address looks like it.
static uint64_t value(size_t at, uint64_t salt) {
  const uint64_t x = (at + 1) * 0x9e3779b97f4a7c15 ^ (salt + 1) * 0xbf58476d1ce4e5b9;
  return (x ^ x >> 29) | (uint64_t)1 << 63;
}

static void mix(uint64_t *digest, uint64_t w) {
  *digest = (*digest ^ w) * 0x94d049bb133111eb;
  *digest ^= *digest >> 31;
}

// Calls and returns come in runs; calls that would go too deep are left out.
static void decode(const uint8_t *data, size_t size, struct program *p) {
  size_t depth = 0, bytes[DEPTH_MAX + 1] = {0};
  p->n = 0;
  for (size_t at = 0; at + 3 <= size; at += 3) {
    const struct op op = {data[at] % KINDS, data[at + 1], data[at + 2]};
    const size_t times = op.kind == CALL || op.kind == RETURN ? 1 + op.b % 8 : 1;
    for (size_t i = 0; i < times && p->n < OPS_MAX; i++) {
      if (op.kind == CALL) {
        const size_t deeper = bytes[depth] + frame_bytes(op.a);
        if (depth == DEPTH_MAX || deeper > FRAMES_BYTES_MAX) break;
        bytes[++depth] = deeper;
      } else if (op.kind == RETURN && depth > 0) {
        depth--;
      }
      p->ops[p->n++] = op;
    }
  }
}

// A child runs what follows its SPAWN, up to here.
static size_t child_end(const struct program *p, size_t at) {
  const size_t end = at + 1 + p->ops[at].a % 64;
  return end < p->n ? end : p->n;
}

// ---- The model -------------------------------------------------------------------------------

struct model_block {
  int held[POINTERS];  // a cell: its block times CELLS and its number; or -1
  uint64_t cells[CELLS];
};

struct model {
  struct model_block blocks[(DEPTH_MAX + 1) * BLOCKS_MAX];
  int first[DEPTH_MAX + 2];  // block of each frame; then, how many blocks there are
  int depth, spawned;
  uint64_t digest;
};

static void model_block(struct model *m, size_t at) {
  const int i = m->first[m->depth + 1]++;
  struct model_block *b = &m->blocks[i];
  for (int k = 0; k < POINTERS; k++) b->held[k] = i > 0 ? m->blocks[i - 1].held[k] : -1;
  for (size_t k = 0; k < CELLS; k++) b->cells[k] = value(at, k);
}

static void model_call(struct model *m, size_t at) {
  m->depth++;
  m->first[m->depth + 1] = m->first[m->depth];
  model_block(m, at);
}

static void model_return(struct model *m) {
  for (int i = m->first[m->depth + 1] - 1; i >= m->first[m->depth]; i--)
    for (size_t k = 0; k < CELLS; k++) mix(&m->digest, m->blocks[i].cells[k]);
  m->depth--;
}

static void model_memory(struct model *m, struct op op, size_t at) {
  struct model_block *top = &m->blocks[m->first[m->depth + 1] - 1];
  int *held = &top->held[op.a % POINTERS];
  if (op.kind == POINT) {
    const int frame = m->depth - op.a / POINTERS % (m->depth + 1);
    const int n = m->first[frame + 1] - m->first[frame];
    *held = (m->first[frame] + op.b / CELLS % n) * CELLS + op.b % CELLS;
    return;
  }
  if (*held < 0) return;
  uint64_t *cell = &m->blocks[*held / CELLS].cells[*held % CELLS];
  if (op.kind == LOAD)
    mix(&m->digest, *cell);
  else
    *cell = value(at, op.b);
}

static void model_run(const struct program *p, size_t at, size_t end, bool spawns,
                      uint64_t digests[TASKS]) {
  struct model m;
  m.depth = -1;
  m.first[0] = m.spawned = 0;
  m.digest = 1;
  model_call(&m, at);
  for (at++; at < end; at++) {
    const struct op op = p->ops[at];
    const int nblocks = m.first[m.depth + 1] - m.first[m.depth];
    if (op.kind == CALL) model_call(&m, at);
    if (op.kind == RETURN && m.depth > 0) model_return(&m);
    if (op.kind == ALLOCA && nblocks < BLOCKS_MAX) model_block(&m, at);
    if (op.kind == POINT || op.kind == STORE || op.kind == LOAD || op.kind == RECV)
      model_memory(&m, op, at);
    if (op.kind == SPAWN && spawns && m.spawned < CHILDREN) {
      m.spawned++;
      model_run(p, at, child_end(p, at), false, digests + m.spawned);
    }
  }
  while (m.depth >= 0) model_return(&m);
  digests[0] = m.digest;
}

// ---- Goroutines ------------------------------------------------------------------------------

// One goroutine's share.  Nothing here points into a stack.
struct task {
  const struct program *program;
  const struct rt_growth *growth;
  size_t at, end;
  struct go_chan *values;  // what RECV waits for
  bool spawns, shrinks;    // shrinks: while it waits
  int spawned;
  uint64_t wanted;         // value for RECV
  uint64_t digest;
};

static struct task tasks[STRATEGIES][TASKS];
static struct go_waitgroup done;
static struct go_spawn_options spawn_options;

struct held {
  uint64_t *to[POINTERS];
};

struct block {
  struct held held;
  struct block *before;  // in its frame
  size_t n;
  uint64_t cells[];
};

struct frame {
  struct task *t;
  struct frame *caller;
  struct block *top;  // the newest
  int nblocks;
  size_t bytes;  // of its first block
};

// Inlined: a call would touch the stack first.
__attribute__((always_inline)) static inline void block_init(struct frame *f, struct block *b,
                                                             size_t bytes,
                                                             const struct block *from) {
  if (from)
    b->held = from->held;  // the lowest of it, and the first to be touched
  else
    b->held = (struct held){{NULL}};
  b->before = f->top;
  b->n = (bytes - sizeof *b) / sizeof b->cells[0];
  for (size_t k = 0; k < CELLS; k++) b->cells[spread(b->n, k)] = value(f->t->at, k);
  f->top = b;
  f->nblocks++;
}

static void point(struct frame *f, struct op op) {
  int depth = 0;
  for (const struct frame *g = f->caller; g; g = g->caller) depth++;
  const struct frame *to = f;
  for (int up = op.a / POINTERS % (depth + 1); up > 0; up--) to = to->caller;
  struct block *b = to->top;
  for (int down = to->nblocks - 1 - op.b / CELLS % to->nblocks; down > 0; down--) b = b->before;
  f->top->held.to[op.a % POINTERS] = &b->cells[spread(b->n, op.b % CELLS)];
}

static void send_value(void *arg) {
  struct task *t = arg;
  if (t->shrinks) {
    go_sleep(1000);  // nobody has waited before virtual time has passed
    go_shrink(0);
  }
  if (go_chan_send(t->values, &t->wanted) != GO_OK) abort();
  go_waitgroup_done(&done);
}

static void spawn(const struct rt_growth *growth, void (*fn)(void *), struct task *t) {
  struct go_spawn_options options = spawn_options;
  options.growth = growth->name;
  go_waitgroup_add(&done, 1);
  expect(go_spawn(&options, fn, t) == GO_OK, growth->name, "cannot spawn");
}

static void receive(struct task *t, uint64_t *to, uint8_t salt) {
  t->wanted = value(t->at, salt);
  spawn(rt_growth_find("reserve"), send_value, t);
  expect(go_chan_recv(t->values, to) == GO_OK, t->growth->name, "cannot receive");
}

static void task_main(void *t);
static void frame_main(void *frame);

static void spawn_child(struct task *t) {
  if (!t->spawns || t->spawned == CHILDREN) return;
  struct task *child = t + ++t->spawned;
  child->program = t->program;
  child->growth = t->growth;
  child->at = t->at;
  child->end = child_end(t->program, t->at);
  spawn(t->growth, task_main, child);
}

static void call(struct task *t, struct frame *caller, size_t bytes) {
  struct frame f = {t, caller, NULL, 0, bytes};
  // What no fault can grow has to ask, for what the frame may come to.
  if (t->growth->fault || (!t->growth->checkpoint && !t->growth->call))
    frame_main(&f);
  else
    expect(go_call_on_stack(bytes + BLOCKS_MAX * ALLOCA_MAX + SLACK_BYTES, frame_main, &f) == 0,
           t->growth->name, "cannot call");
}

static void step(struct frame *f, struct op op) {
  struct task *t = f->t;
  uint64_t *held = f->top->held.to[op.a % POINTERS];
  switch (op.kind) {
    case CALL:
      call(t, f, frame_bytes(op.a));
      break;
    case POINT:
      point(f, op);
      break;
    case STORE:
      if (held) *held = value(t->at, op.b);
      break;
    case LOAD:
      if (held) mix(&t->digest, *held);
      break;
    case RECV:
      if (held) receive(t, held, op.b);
      break;
    case YIELD:
      go_yield();
      break;
    case SLEEP:
      expect(go_sleep(op.a * 1000 + op.b) == GO_OK, t->growth->name, "cannot sleep");
      break;
    case CHECKPOINT: {
      const int error = go_checkpoint((size_t)64 << op.a % 12);
      expect(error == GO_OK || (error == GO_ESTRATEGY && t->growth->call), t->growth->name,
             "go_checkpoint: no room");
      break;
    }
    case SHRINK:
      expect(go_shrink(op.a % 2 * op.b) >= 0, t->growth->name, "cannot shrink");
      break;
    case SPAWN:
      spawn_child(t);
      break;
    default:
      break;
  }
}

// A frame: runs instructions up to its RETURN, which its caller steps over.
__attribute__((noinline)) static void frame_main(void *arg) {
  struct frame *f = arg;
  struct task *t = f->t;
  block_init(f, __builtin_alloca(f->bytes), f->bytes, f->caller ? f->caller->top : NULL);
  for (t->at++; t->at < t->end; t->at++) {
    const struct op op = t->program->ops[t->at];
    if (op.kind == RETURN && f->caller) break;
    if (op.kind == ALLOCA && f->nblocks < BLOCKS_MAX) {
      const size_t bytes = alloca_bytes(op.a);
      block_init(f, __builtin_alloca(bytes), bytes, f->top);
    } else {
      step(f, op);
    }
  }
  for (const struct block *b = f->top; b; b = b->before)
    for (size_t k = 0; k < CELLS; k++) mix(&t->digest, b->cells[spread(b->n, k)]);
}

static void task_main(void *arg) {
  struct task *t = arg;
  t->digest = 1;
  expect(go_chan_new(sizeof t->wanted, 0, &t->values) == GO_OK, t->growth->name, "no channel");
  call(t, NULL, frame_bytes(0));
  go_chan_free(t->values);
  go_waitgroup_done(&done);
}

struct run {
  const struct program *program;
  bool shrinks;
};

// The first goroutine: one task for each strategy.
static void start(void *arg) {
  const struct run *run = arg;
  memset(tasks, 0, sizeof tasks);
  done = (struct go_waitgroup){0};
  for (int i = 0; i < STRATEGIES && rt_growth_at(i); i++) {
    tasks[i][0] = (struct task){.program = run->program, .growth = rt_growth_at(i),
                                .at = SIZE_MAX, .end = run->program->n, .spawns = true};
    for (int k = 0; k < TASKS; k++) tasks[i][k].shrinks = run->shrinks;
    spawn(rt_growth_at(i), task_main, &tasks[i][0]);
  }
  go_waitgroup_wait(&done);
}

static uint64_t run_once(const struct go_config *config, struct run *run,
                         const uint64_t want[TASKS]) {
  expect(go_run(config, start, run) == GO_OK, "go_run", "failed");
  for (int i = 0; i < STRATEGIES && rt_growth_at(i); i++)
    for (int k = 0; k < TASKS; k++)
      expect(tasks[i][k].digest == want[k], rt_growth_at(i)->name, "read something else");
  return go_schedule_digest();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct program program;
  alarm_on_signal_stack();
  if (size < HEADER) return 0;
  decode(data + HEADER, size - HEADER, &program);
  uint64_t want[TASKS] = {0};
  model_run(&program, SIZE_MAX, program.n, true, want);
  const uint8_t flags = data[1];
  // Poison fills 1 MiB of each range that a stack may grow in: seldom.
  const char *const how_debug = flags & 1 ? "forcemove" : flags / 16 == 15 ? "poison" : "";
  const struct go_config config = {
      .seed = 1 + (uint64_t)data[0],
      .growth = "reserve",
      .stack_debug = how_debug,
      .stack_guard = flags & 8 ? 4096 : 0,
  };
  spawn_options.stack_initial = (size_t)4096 << data[2] % 5;
  struct run run = {&program, data[3] % 2 == 1};
  const uint64_t digest = run_once(&config, &run, want);
  fuzz_result(want, sizeof want);
  if (flags & 4)
    expect(run_once(&config, &run, want) == digest, "go_run", "did otherwise the second time");
  return 0;
}
