// trace.h: what the scheduler does and how stacks grow, as a file for ui.perfetto.dev
// (go_config.trace; docs/observing.md).  The calls that record are behind those of event.h.
//
//   M, on any of its stacks          its rt_tracebuf                        the file
//   rt_trace_* -- one record --> [ | | | | |     ] -- when nearly full, --> one JSON event a line
//                                                     on g0, under a lock
//
// Recording takes no lock and no memory, and may happen in a signal handler, which leaves the
// emptying of the buffer to whoever comes next; what finds no room is dropped and counted.
#ifndef STACKLAB_RUNTIME_SCHED_TRACE_H_
#define STACKLAB_RUNTIME_SCHED_TRACE_H_

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rt_stackmove;
struct rt_g;
struct rt_m;
struct rt_p;
struct rt_text;

enum rt_tracekind {
  RT_TRACE_NONE,
  RT_TRACE_RUN,      // a goroutine ran.  arg: its first function
  RT_TRACE_CREATE,   // arg: its first function, its maker's number
  RT_TRACE_READY,    // arg: the number of who readied it; 0: the scheduler
  RT_TRACE_SYSCALL,  // arg: 1: it found its P where it had left it
  RT_TRACE_HANDOFF,  // a P lost its goroutine to a system call.  arg: 1: go_blocking said so
  RT_TRACE_STEAL,    // arg: from which P
  RT_TRACE_GROWTH,   // a stack moved.  arg: bytes before, after, copied; words adjusted
  RT_TRACE_NETPOLL,  // arg: events, goroutines readied
  RT_TRACE_WRITE,    // the M wrote its part of the trace.  arg: events
  RT_TRACE_KINDS,
};

// What ended a run.
enum rt_tracethen {
  RT_THEN_PARK,
  RT_THEN_YIELD,
  RT_THEN_PREEMPT,
  RT_THEN_SYSCALL,
  RT_THEN_LEAVE,  // to another thread, for its system call
  RT_THEN_END,
  RT_THEN_DIED,   // the process did
  RT_THENS,
};

// What made a stack move.
enum rt_tracecause {
  RT_BY_FAULT,
  RT_BY_PREEMPT,
  RT_BY_RESUME,
  RT_BY_CHECKPOINT,
  RT_BY_SHRINK,
  RT_BY_PROLOGUE,
  RT_CAUSES
};
extern const char *const rt_tracecause_names[RT_CAUSES];

struct rt_tracerec {
  int64_t ns, end_ns;  // of rt_nanotime; equal for what does not last
  uint64_t goid;
  uint64_t flow;       // the arrow that ends here (a run) or begins here; 0: none
  uint64_t arg[4];
  int16_t p;           // the P on whose track it is; -1: the M's
  uint8_t kind;
  uint8_t how;         // enum rt_tracethen, enum rt_tracecause
  uint8_t reason;      // enum rt_waitreason, where that is PARK
};

// Fixed while go_run runs.
extern bool rt_tracing;

// Records that a buffer holds; what a test may change while nothing runs.
extern uint32_t rt_trace_records;

// rt_trace_start opens the file.  GO_EINVAL, with one line in *why, if it cannot be written.
// rt_trace_stop ends it; nothing if none was started.  While nothing runs.
int rt_trace_start(const char *path, struct rt_text *why);
void rt_trace_stop(void);

// rt_trace_mnew gives m a buffer (without memory its events are dropped and counted);
// rt_trace_mfree writes what is in it.  Off goroutines.
void rt_trace_mnew(struct rt_m *m, bool sysmon);
void rt_trace_mfree(struct rt_m *m);

// rt_trace_lastwords writes what all Ms have recorded, for a process that is about to end; the
// others stand still, if possible.  Any stack but a goroutine's; signal-safe.
void rt_trace_lastwords(void);

// The events, while rt_tracing.  On any stack of an M; rt_trace_growth in its handlers too.
void rt_trace_run(struct rt_g *g);                        // the M begins to run g
void rt_trace_ran(enum rt_tracethen then, uint8_t reason);  // and ends, whomever it ran
void rt_trace_create(struct rt_g *g);                     // before anyone else can see g
void rt_trace_ready(struct rt_g *g);                      // likewise
void rt_trace_syscall(void);
void rt_trace_sysexit(struct rt_g *g);
void rt_trace_handoff(const struct rt_p *p, bool told);
void rt_trace_steal(const struct rt_p *victim, const struct rt_g *g);
void rt_trace_growth(struct rt_g *g, const struct rt_stackmove *v, enum rt_tracecause by);
void rt_trace_netpoll(int64_t began_ns, int n, int32_t nready);

#ifdef __cplusplus
}
#endif
#endif
