// Goroutines that send, receive, select, close and time out, in the deterministic scheduler: what
// they were told must be explained by some order of single steps of a sequential model, in which an
// operation takes its step between its call and its return (Herlihy and Wing, "Linearizability",
// TOPLAS 1990).  And when all have come to rest, nobody waits for what is there.
//
// An input is a header of six bytes, then operations of three (kind, a, b); what is missing reads
// as 0.  Operation i is of goroutine i % WORKERS.
//
//   0, 1  the seed      2  growth strategy      3..5  room in each channel
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/alarm.h"
#include "fuzz/results.h"
#include "runtime/go.h"
#include "runtime/sched/deterministic.h"

enum { HEADER = 6, WORKERS = 4, CHANS = 3, CASES = 3, OPS_MAX = 20, HISTORY_MAX = OPS_MAX + CHANS };
enum { CAP_MAX = 4, STEPS_MAX = 1 << 16 };

enum kind { SEND, RECV, SELECT, CLOSE, TIMER, YIELD, KINDS };
enum how { WAITS, TRIES, UNTIL, HOWS };

struct elem {
  uint64_t value, inverse;
};

// One operation: what was asked, and what came of it.
struct op {
  uint8_t kind, how, a, b;
  int ncases;
  struct {
    enum go_dir dir;
    int chan;
    uint64_t value;  // sent, or received
  } cases[CASES];
  int chosen, result;
  int began, ended;  // when, in calls and returns; ended 0: not yet
};

static struct op ops[OPS_MAX], history[HISTORY_MAX];
static int nops, nhistory, moment, left;
static struct go_chan *chans[CHANS];
static int caps[CHANS];

static void expect(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "chan: %s\n", what);
  abort();
}

// ---- The sequential model, and the search for an order ---------------------------------------

struct model {
  uint64_t queue[CHANS][CAP_MAX];
  uint8_t n[CHANS];
  bool closed[CHANS];
};

// Whether case `k` can go on, and with what; an unbuffered channel takes two at once: see meet().
static bool ready(const struct model *m, const struct op *op, int k, int *result, uint64_t *got) {
  const int c = op->cases[k].chan;
  const bool send = op->cases[k].dir == GO_SEND;
  *result = GO_OK;
  *got = op->cases[k].value;
  if (send) {
    if (m->closed[c]) *result = GO_ECLOSED;
    return m->closed[c] || m->n[c] < caps[c];
  }
  *got = m->n[c] > 0 ? m->queue[c][0] : 0;
  if (m->n[c] == 0) *result = GO_ECLOSED;
  return m->n[c] > 0 || m->closed[c];
}

static void do_case(struct model *m, const struct op *op, int k) {
  const int c = op->cases[k].chan;
  if (op->cases[k].dir == GO_SEND) {
    if (!m->closed[c]) m->queue[c][m->n[c]++] = op->cases[k].value;
  } else if (m->n[c] > 0) {
    m->n[c]--;
    memmove(m->queue[c], m->queue[c] + 1, m->n[c] * sizeof m->queue[c][0]);
    m->queue[c][m->n[c]] = 0;
  }
}

// Takes op's step, if the model would have answered as it was answered.
static bool take(struct model *m, const struct op *op) {
  int result;
  uint64_t got;
  if (op->result == GO_ETIMEDOUT) return true;
  if (op->kind == CLOSE) {
    const int c = op->cases[0].chan;
    const bool was = m->closed[c];
    m->closed[c] = true;
    return op->result == (was ? GO_ECLOSED : GO_OK);
  }
  if (op->result == GO_EAGAIN) {
    for (int k = 0; k < op->ncases; k++)
      if (ready(m, op, k, &result, &got)) return false;
    return true;
  }
  const int k = op->chosen;
  if (!ready(m, op, k, &result, &got)) return false;
  if (result != op->result || got != op->cases[k].value) return false;
  do_case(m, op, k);
  return true;
}

// Whether s gave r its element through a channel without room.
static bool meet(const struct model *m, const struct op *s, const struct op *r) {
  if (s->kind == CLOSE || r->kind == CLOSE || s->result != GO_OK || r->result != GO_OK)
    return false;
  const int c = s->cases[s->chosen].chan;
  return s->cases[s->chosen].dir == GO_SEND && r->cases[r->chosen].dir == GO_RECV &&
         c == r->cases[r->chosen].chan && caps[c] == 0 && !m->closed[c] &&
         s->cases[s->chosen].value == r->cases[r->chosen].value;
}

static int steps;

// Whether no other operation had ended before i began.
static bool may_be_next(uint32_t taken, int i) {
  for (int k = 0; k < nhistory; k++)
    if (!(taken >> k & 1) && history[k].ended < history[i].began) return false;
  return true;
}

// States that led nowhere, by a hash.
static uint64_t dead[1 << 12];

static uint64_t hash(uint32_t taken, const struct model *m) {
  uint64_t h = (taken + UINT64_C(1)) * 0x94d049bb133111eb;
  for (int c = 0; c < CHANS; c++) {
    h = (h ^ (uint64_t)(m->n[c] * 2 + m->closed[c])) * 0x9e3779b97f4a7c15;
    for (int i = 0; i < m->n[c]; i++) h = (h ^ m->queue[c][i]) * 0xbf58476d1ce4e5b9;
  }
  return h ^ h >> 31;
}

static bool linearizable(uint32_t taken, const struct model *m) {
  const uint64_t key = hash(taken, m);
  uint64_t *const known_dead = &dead[key % (sizeof dead / sizeof *dead)];
  if (taken == ((uint32_t)1 << nhistory) - 1) return true;
  if (++steps > STEPS_MAX) return true;  // unknown: it is counted
  if (*known_dead == key) return false;
  for (int i = 0; i < nhistory; i++) {
    if (taken >> i & 1 || !may_be_next(taken, i)) continue;
    struct model next = *m;
    if (take(&next, &history[i]) && linearizable(taken | (uint32_t)1 << i, &next)) return true;
    for (int k = 0; k < nhistory; k++)
      if (!(taken >> k & 1) && may_be_next(taken, k) && meet(m, &history[i], &history[k]) &&
          linearizable(taken | (uint32_t)1 << i | (uint32_t)1 << k, m))
        return true;
  }
  *known_dead = key;
  return false;
}

// ---- Goroutines ------------------------------------------------------------------------------

static struct op *begin(const struct op *asked) {
  struct op *op = &history[nhistory++];
  *op = *asked;
  op->began = ++moment;
  return op;
}

static void end(struct op *op, int result) {
  op->result = result;
  op->ended = ++moment;
}

static int do_select(struct go_case *cases, const struct op *op, int64_t deadline) {
  if (op->how == WAITS) return go_select(cases, op->ncases);
  if (op->how == TRIES) return go_select_try(cases, op->ncases);
  return go_select_until(cases, op->ncases, deadline);
}

static int do_one(enum go_dir dir, struct go_chan *c, struct elem *e, const struct op *op,
                  int64_t deadline) {
  const bool send = dir == GO_SEND;
  if (op->how == WAITS) return send ? go_chan_send(c, e) : go_chan_recv(c, e);
  if (op->how == TRIES) return send ? go_chan_try_send(c, e) : go_chan_try_recv(c, e);
  return send ? go_chan_send_until(c, e, deadline) : go_chan_recv_until(c, e, deadline);
}

// The elements lie on this stack, which may move meanwhile.
static void communicate(struct op *op) {
  struct elem elems[CASES];
  struct go_case cases[CASES];
  for (int k = 0; k < op->ncases; k++) {
    const uint64_t v = op->cases[k].dir == GO_SEND ? op->cases[k].value : 99;
    elems[k] = (struct elem){v, ~v};
    cases[k] = (struct go_case){op->cases[k].dir, chans[op->cases[k].chan], &elems[k], 0};
  }
  const int64_t deadline = go_nanotime() + 1 + op->b % 8;
  int result;
  if (op->kind == SELECT) {
    result = do_select(cases, op, deadline);
    op->chosen = result >= 0 ? result : 0;
    if (result >= 0) result = cases[result].result;
  } else {
    result = do_one(op->cases[0].dir, chans[op->cases[0].chan], &elems[0], op, deadline);
  }
  const struct elem *e = &elems[op->chosen];
  if (op->cases[op->chosen].dir == GO_RECV && (result == GO_OK || result == GO_ECLOSED)) {
    expect(e->inverse == (result == GO_OK ? ~e->value : 0), "half an element");
    op->cases[op->chosen].value = e->value;
  }
  end(op, result);
}

// A timer of its own: it sends once, not too early, or was stopped in time.
static void use_timer(const struct op *op) {
  struct go_chan *c;
  struct go_timer *t;
  int64_t at = 0;
  const int64_t began = go_nanotime(), ns = op->a % 8, wait = op->b % 8;
  if (go_chan_new(sizeof at, 1, &c) != GO_OK || go_timer_chan(c, &t) != GO_OK) abort();
  expect(go_timer_start(t, ns, 0) == GO_OK, "cannot start a timer");
  if (wait) go_sleep(wait);
  const bool stopped = op->how == TRIES && go_timer_stop(t);
  const int result = go_chan_recv_until(c, &at, began + 1000000);
  expect(result == (stopped ? GO_ETIMEDOUT : GO_OK), "a timer that was stopped, or did not come");
  expect(stopped || (at >= began + ns && at <= go_nanotime()), "a timer at another time");
  go_timer_free(t);
  go_chan_free(c);
}

static void worker_main(void *arg) {
  for (int i = (int)(intptr_t)arg; i < nops; i += WORKERS) {
    switch (ops[i].kind) {
      case CLOSE: {
        struct op *op = begin(&ops[i]);
        end(op, go_chan_close(chans[op->cases[0].chan]));
        break;
      }
      case TIMER:
        use_timer(&ops[i]);
        break;
      case YIELD:
        if (ops[i].how == TRIES) go_sleep(ops[i].a % 8);
        if (ops[i].how == UNTIL) go_shrink(0);
        go_yield();
        break;
      default:
        communicate(begin(&ops[i]));
    }
  }
  left--;
}

// Nobody runs, and no deadline is to come.
static bool at_rest(void) {
  for (int i = 0; i < nhistory; i++)
    if (!history[i].ended && history[i].how == UNTIL) return false;
  return rt_det.n == 0;
}

static void check_rest(void) {
  bool waits[2][CHANS] = {{false}};
  for (int i = 0; i < nhistory; i++)
    for (int k = 0; !history[i].ended && k < history[i].ncases; k++)
      waits[history[i].cases[k].dir][history[i].cases[k].chan] = true;
  for (int c = 0; c < CHANS; c++) {
    const int n = (int)go_chan_len(chans[c]);
    expect(!(waits[GO_RECV][c] && n > 0), "waits to receive, and there is something");
    expect(!(waits[GO_SEND][c] && n < caps[c]), "waits to send, and there is room");
  }
  // One goroutine that waits for both cannot meet itself.
  for (int i = 0; i < nhistory; i++)
    for (int k = 0; !history[i].ended && k < history[i].ncases; k++)
      for (int j = 0; j < nhistory; j++)
        for (int l = 0; j != i && !history[j].ended && l < history[j].ncases; l++)
          expect(history[i].cases[k].chan != history[j].cases[l].chan ||
                     history[i].cases[k].dir == history[j].cases[l].dir,
                 "a sender and a receiver wait for each other");
}

static void start(void *unused) {
  (void)unused;
  for (int c = 0; c < CHANS; c++)
    if (go_chan_new(sizeof(struct elem), (size_t)caps[c], &chans[c]) != GO_OK) abort();
  for (intptr_t i = 0; i < WORKERS; i++)
    if (go_spawn(NULL, worker_main, (void *)i) != GO_OK) abort();
  do go_sleep(10000000);
  while (!at_rest());
  check_rest();
  for (int c = 0; c < CHANS; c++) {
    struct op *op = begin(&(struct op){.kind = CLOSE, .cases[0].chan = c});
    end(op, go_chan_close(chans[c]));
  }
  for (int turns = 0; left > 0; turns++) {
    expect(turns < 1000, "the channels are closed, and somebody waits");
    go_sleep(10000000);
  }
  for (int c = 0; c < CHANS; c++) go_chan_free(chans[c]);
}

// ----------------------------------------------------------------------------------------------

static struct op decode_op(const uint8_t *b, int i) {
  struct op op = {.kind = b[0] % KINDS, .how = b[0] / KINDS % HOWS, .a = b[1], .b = b[2]};
  if (op.kind == SEND || op.kind == RECV) op.ncases = 1;
  if (op.kind == SELECT) op.ncases = 1 + b[2] / 8 % CASES;
  for (int k = 0; k < CASES; k++) {
    op.cases[k].chan = (b[1] >> 2 * k) % CHANS;
    op.cases[k].dir = op.kind == SEND || (op.kind == SELECT && b[2] >> k & 1) ? GO_SEND : GO_RECV;
    op.cases[k].value = 100 + (uint64_t)i * CASES + (uint64_t)k;
    if (op.cases[k].dir == GO_RECV) op.cases[k].value = 0;
  }
  return op;
}

// What they were told, in the order in which it began.
static void tell(void) {
  static const char *const names[] = {"send", "recv", "select", "close"};
  static const char *const hows[] = {"", "_try", "_until"};
  for (int i = 0; i < nhistory; i++) {
    const struct op *op = &history[i];
    fprintf(stderr, "%3d..%-3d %s%s", op->began, op->ended, names[op->kind], hows[op->how]);
    for (int k = 0; k < op->ncases; k++)
      fprintf(stderr, " %s%s %d (%d)%s", k == op->chosen ? "[" : "",
              op->cases[k].dir == GO_SEND ? "to" : "from", op->cases[k].chan,
              (int)op->cases[k].value, k == op->chosen ? "]" : "");
    if (op->kind == CLOSE) fprintf(stderr, " %d", op->cases[0].chan);
    fprintf(stderr, ": %d\n", op->result);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  alarm_on_signal_stack();
  if (size < HEADER) return 0;
  nops = nhistory = moment = steps = 0;
  for (size_t at = HEADER; at + 3 <= size && nops < OPS_MAX; at += 3, nops++)
    ops[nops] = decode_op(data + at, nops);
  int nstrategies = 0;
  while (go_growth_name(nstrategies)) nstrategies++;
  for (int c = 0; c < CHANS; c++) caps[c] = data[3 + c] % CAP_MAX;
  const struct go_config config = {
      .seed = 1 + (uint64_t)data[0] + ((uint64_t)data[1] << 8),
      .growth = go_growth_name(data[2] % nstrategies),
      .stack_initial = 16384,
  };
  left = WORKERS;
  const int error = go_run(&config, start, NULL);
  expect(error != GO_EDEADLOCK, "a wake-up was lost: all are asleep");
  expect(error == GO_OK, "go_run fails");
  memset(dead, 0, sizeof dead);
  const bool explained = linearizable(0, &(struct model){.n = {0}});
  if (!explained) tell();
  expect(explained, "no order of steps explains the results");
  if (steps > STEPS_MAX) fuzz_gave_up();
  for (int i = 0; i < nhistory; i++) {
    const struct op *op = &history[i];
    const int told[] = {op->began, op->ended, op->chosen, op->result};
    fuzz_result(told, sizeof told);
  }
  return 0;
}
