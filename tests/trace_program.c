// trace_program.c: programs for trace_test.py to trace: does what its argument says, under the
// options of the environment, and prints go_stats as a line of JSON.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/go.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/trace.h"

static void must(int ok) {
  if (!ok) abort();
}

static struct go_waitgroup done;

// Runs n goroutines of fn(arg) and waits for them.
static void crowd(int n, void (*fn)(void *), void *arg) {
  must(go_waitgroup_add(&done, n) == 0);
  for (int i = 0; i < n; i++) must(go_spawn(NULL, fn, arg) == 0);
  go_waitgroup_wait(&done);
}

// ---- What goroutines do ----------------------------------------------------------------------

static struct go_chan *chan;

static void trace_sender(void *unused) {
  (void)unused;
  for (int i = 0; i < 50; i++) go_chan_send(chan, &i);
  go_waitgroup_done(&done);
}

static void trace_receiver(void *unused) {
  (void)unused;
  for (int i = 0, got; i < 50; i++) go_chan_recv(chan, &got);
  go_waitgroup_done(&done);
}

static void trace_yielder(void *unused) {
  (void)unused;
  for (int i = 0; i < 200; i++) go_yield();
  go_waitgroup_done(&done);
}

// Has it run on several Ps?
static void trace_mover(void *moved) {
  const struct rt_p *first = rt_getg()->m->p;
  for (int i = 0; i < 200; i++) {
    go_yield();
    if (rt_getg()->m->p != first) atomic_store((atomic_bool *)moved, true);
  }
  go_waitgroup_done(&done);
}

static void trace_sleeper(void *unused) {
  (void)unused;
  for (int i = 0; i < 5; i++) go_sleep(200000);
  go_waitgroup_done(&done);
}

static struct go_mutex mutex;

static void trace_locker(void *unused) {
  (void)unused;
  for (int i = 0; i < 20; i++) {
    go_mutex_lock(&mutex);
    go_yield();
    go_mutex_unlock(&mutex);
  }
  go_waitgroup_done(&done);
}

static void nothing(void *unused) { (void)unused; }

static void trace_caller(void *unused) {
  (void)unused;
  for (int i = 0; i < 20; i++) {
    must(go_entersyscall() == 0);
    getppid();
    must(go_exitsyscall() == 0);
    must(go_blocking(nothing, NULL) == 0);
  }
  go_waitgroup_done(&done);
}

// A call that lasts until another goroutine, on the one P, ends it: only by a hand-off.
static int ends[2];

static void trace_reader(void *unused) {
  (void)unused;
  char c;
  must(go_read(ends[0], &c, 1) == 1);
  go_waitgroup_done(&done);
}

static void trace_writer(void *unused) {
  (void)unused;
  must(go_write(ends[1], "x", 1) == 1);
  go_waitgroup_done(&done);
}

__attribute__((noinline)) static void climb(void *arg) {
  int levels = *(int *)arg;
  char frame[1024];
  memset(frame, levels, sizeof frame);
  __asm__ volatile("" ::"r"(frame) : "memory");
  go_yield();
  must(frame[17] == levels--);
  if (levels >= 0) must(go_call_on_stack(4096, climb, &levels) == 0);
}

static void trace_climber(void *unused) {
  (void)unused;
  int levels = 60;
  must(go_call_on_stack(4096, climb, &levels) == 0);
  go_waitgroup_done(&done);
}

static void trace_spinner(void *stop) {
  while (atomic_load_explicit((atomic_bool *)stop, memory_order_relaxed) == false) continue;
  go_waitgroup_done(&done);
}

static void trace_stopper(void *stop) {
  atomic_store((atomic_bool *)stop, true);
  go_waitgroup_done(&done);
}

static struct go_tcp *listener;
static char address[GO_TCP_ADDRESS];
enum { PINGS = 20 };

static void trace_server(void *unused) {
  (void)unused;
  struct go_tcp *s;
  char c;
  must(go_tcp_accept(listener, &s) == 0);
  for (int i = 0; i < PINGS; i++) must(go_tcp_read(s, &c, 1) == 1 && go_tcp_write(s, &c, 1) == 1);
  go_tcp_close(s);
  go_waitgroup_done(&done);
}

static void trace_client(void *unused) {
  (void)unused;
  struct go_tcp *s;
  char c = 'x';
  must(go_tcp_connect(address, 0, &s) == 0);
  for (int i = 0; i < PINGS; i++) must(go_tcp_write(s, &c, 1) == 1 && go_tcp_read(s, &c, 1) == 1);
  go_tcp_close(s);
  go_waitgroup_done(&done);
}

// ---- Programs --------------------------------------------------------------------------------

static void run_yields(void) { crowd(20, trace_yielder, NULL); }

// Until the system has given another thread the time to take part.
static void run_moves(void) {
  static atomic_bool moved;
  struct go_stats stats;
  do {
    crowd(20, trace_mover, &moved);
    go_stats(&stats);
  } while (!atomic_load(&moved) || stats.steals == 0);
}

static void run_calls(void) {
  crowd(4, trace_caller, NULL);
  must(pipe(ends) == 0);
  go_waitgroup_add(&done, 2);
  must(go_spawn(NULL, trace_writer, NULL) == 0);
  must(go_spawn(NULL, trace_reader, NULL) == 0);  // runs first
  go_waitgroup_wait(&done);
}

static void run_growth(void) { crowd(8, trace_climber, NULL); }

static void run_spins(void) {
  static atomic_bool stop;
  go_waitgroup_add(&done, 2);
  must(go_spawn(NULL, trace_stopper, &stop) == 0);
  must(go_spawn(NULL, trace_spinner, &stop) == 0);  // runs first
  go_waitgroup_wait(&done);
}

static void run_net(void) {
  must(go_tcp_listen("127.0.0.1:0", &listener) == 0);
  must(go_tcp_local(listener, address, sizeof address) == 0);
  go_waitgroup_add(&done, 2);
  must(go_spawn(NULL, trace_server, NULL) == 0);
  must(go_spawn(NULL, trace_client, NULL) == 0);
  go_waitgroup_wait(&done);
  go_tcp_close(listener);
}

static void run_waits(void) {
  must(go_chan_new(sizeof(int), 0, &chan) == 0);
  go_waitgroup_add(&done, 8);
  for (int i = 0; i < 4; i++) {
    must(go_spawn(NULL, trace_sender, NULL) == 0);
    must(go_spawn(NULL, trace_receiver, NULL) == 0);
  }
  crowd(4, trace_sleeper, NULL);
  crowd(4, trace_locker, NULL);
  go_chan_free(chan);
}

static void run_panic(void) {
  run_yields();
  go_panic("on purpose");
}

static void run_deadlock(void) {
  run_yields();
  go_select(NULL, 0);
}

static void run_mix(void) {
  run_waits();
  run_growth();
  run_yields();
  run_calls();
  run_net();
}

static const struct {
  const char *name;
  void (*fn)(void);
} programs[] = {{"yields", run_yields}, {"moves", run_moves}, {"calls", run_calls},
                {"growth", run_growth}, {"spins", run_spins}, {"net", run_net},
                {"waits", run_waits},   {"panic", run_panic}, {"mix", run_mix},
                {"deadlock", run_deadlock}};

static void call(void *fn) { (*(void (**)(void))fn)(); }

static void print_stats(int error) {
  struct go_stats s;
  go_stats(&s);
  printf("{\"error\": %d, \"digest\": \"%#llx\"", error, (unsigned long long)go_schedule_digest());
#define PRINT(field) printf(", \"" #field "\": %llu", (unsigned long long)s.field)
  PRINT(goroutines_created);
  PRINT(goroutines_ended);
  PRINT(growths);
  PRINT(growths_by_fault);
  PRINT(moves_forced);
  PRINT(bytes_copied);
  PRINT(words_adjusted);
  PRINT(switches);
  PRINT(steals);
  PRINT(preemptions);
  PRINT(handoffs);
  PRINT(netpoll_events);
  PRINT(netpoll_readied);
  printf("}\n");
}

// trace_program NAME [RECORDS]: with buffers of so many records; without NAME, the strategies.
int main(int argc, char **argv) {
  for (int i = 0; argc == 1 && go_growth_name(i); i++) puts(go_growth_name(i));
  if (argc > 2) rt_trace_records = (uint32_t)atoi(argv[2]);
  for (size_t i = 0; argc > 1 && i < sizeof programs / sizeof *programs; i++) {
    if (strcmp(argv[1], programs[i].name) != 0) continue;
    static void (*fn)(void);
    fn = programs[i].fn;
    print_stats(go_run(NULL, call, &fn));
    return 0;
  }
  return argc > 1 ? 2 : 0;
}
