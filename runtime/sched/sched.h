// sched.h: G, M and P, and the scheduler's state.  The names and their meaning are Go's
// (runtime/runtime2.go, runtime/proc.go):
//
//   G  a goroutine                       M  a thread, with a stack of its own for the scheduler, g0
//   P  the right to run goroutines, and a queue of them; there are GOMAXPROCS
//
// An M runs goroutines while it holds a P.  Scheduler code runs on g0, one loop per M:
//
//     rt_gloop: schedule() = findrunnable, execute --- rt_gogo ---> the goroutine runs
//          ^                                                           |
//          '---- fn(g) on g0, what to do with it  <---------- rt_mcall(fn): park, yield, exit
#ifndef STACKLAB_RUNTIME_SCHED_SCHED_H_
#define STACKLAB_RUNTIME_SCHED_SCHED_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/os/os.h"
#include "runtime/sched/lock.h"
#include "runtime/stack/growth/growth.h"
#include "runtime/stack/stack.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RT_MAXPROCS = 256, RT_RUNQ = 256 };

// ---- G ---------------------------------------------------------------------------------------

// States of a goroutine; rt_casgstatus knows which may follow which.
enum rt_gstatus {
  RT_GIDLE,       // just allocated
  RT_GRUNNABLE,   // in a run queue; does not own its stack
  RT_GRUNNING,    // runs; has an M and a P; owns its stack
  RT_GSYSCALL,    // in a system call; has an M, no P
  RT_GWAITING,    // parked; whoever readies it knows where it is
  RT_GDEAD,       // ended or never started
  RT_GCOPYSTACK,  // its stack is being moved; not in a queue
  RT_GPREEMPTED,  // stopped itself for preemption
  RT_GSTATES,
  RT_GSCAN = 0x1000,  // set in addition while another thread looks at the stack
};

struct rt_m;
struct rt_p;

struct rt_g {
  // The first 128 bytes are all that a switch touches.
  struct rt_gstack gs;
  _Atomic uint32_t status;
  struct rt_m *m;          // the M that runs it; NULL otherwise
  struct rt_g *schedlink;  // next in the one list it is in
  void (*fn)(void *);
  void *arg;
  uintptr_t param;         // passed to and from the function on g0
  // Cold.
  void *fiber;             // ThreadSanitizer's name for the stack
  void *fake_stack;        // AddressSanitizer's, while the goroutine does not run
} __attribute__((aligned(64)));

// A list of goroutines linked by schedlink, first in first out.
struct rt_gqueue {
  struct rt_g *head, *tail;
  int32_t n;
};
void rt_gqueue_push(struct rt_gqueue *q, struct rt_g *g);
struct rt_g *rt_gqueue_pop(struct rt_gqueue *q);  // NULL if empty

// rt_gstatus_allowed tells whether one state may follow another.  A scan bit is set on, and
// cleared from, the state it is found with; nothing else changes.
static inline bool rt_gstatus_allowed(uint32_t from, uint32_t to);

// rt_casgstatus moves g from one state to another; throws if it is not in `from`, or if the step
// is not allowed.  Signal-safe.
//
// A goroutine that waits can be readied by several at once: exactly one may win.  In every other
// state it belongs to one thread (the one that runs it, or that took it off a queue), which is the
// only one to change it: a plain store does, where a locked instruction costs as much as a switch.
static inline void rt_casgstatus(struct rt_g *g, enum rt_gstatus from, enum rt_gstatus to);

// ---- P ---------------------------------------------------------------------------------------

enum rt_pstatus { RT_PIDLE, RT_PRUNNING, RT_PDEAD };

struct rt_p {
  int32_t id;
  enum rt_pstatus status;  // sched.lock
  struct rt_m *m;
  struct rt_p *link;       // idle list; sched.lock
  uint32_t schedtick;
  uint64_t goid, goid_end;  // numbers for new goroutines: [goid, goid_end)
  struct rt_gqueue gfree;   // dead goroutines, most with a stack; the running M's
  _Atomic uint64_t created, ended, steals;

  // Go's run queue: a ring that the owner fills and that anyone may empty.  head is moved by CAS,
  // tail by the owner alone; both count up forever.
  _Atomic uint32_t runqhead __attribute__((aligned(64)));
  _Atomic uint32_t runqtail __attribute__((aligned(64)));
  _Atomic(struct rt_g *) runnext;  // runs before the ring: what the running goroutine readied
  _Atomic(struct rt_g *) runq[RT_RUNQ];
};

// Owner only: put g at the tail, or first in line with `next`; what does not fit goes to the
// global queue.  On any stack.
void rt_runqput(struct rt_p *p, struct rt_g *g, bool next);
struct rt_g *rt_runqget(struct rt_p *p);  // owner only; NULL if empty
bool rt_runqempty(struct rt_p *p);        // anyone
// rt_runqsteal moves half of victim's ring to p's and returns one of them; NULL if there was
// nothing.  runnext is taken only with steal_next.  Owner of p.
struct rt_g *rt_runqsteal(struct rt_p *p, struct rt_p *victim, bool steal_next);

// ---- M ---------------------------------------------------------------------------------------

struct rt_m {
  struct rt_g g0;
  struct rt_g *curg;       // the goroutine it runs
  struct rt_p *p;
  struct rt_p *nextp;      // handed over by the waker
  bool spinning;           // looking for work without any; counted in sched.nmspinning
  void (*mcallfn)(struct rt_g *);
  void (*park_unlock)(void *);
  void *park_lock;
  bool failed;             // its thread could not start
  struct rt_g *resume;     // to run next without asking findrunnable
  uint32_t rand;
  struct rt_m *idle_link;  // sched.lock
  struct rt_m *all_link;   // sched.lock
  struct rt_note park;
  struct os_thread thread;
  struct os_sigstack sigstack;
  void *os_fake_stack;     // AddressSanitizer's, of the thread's own stack
  void *os_fiber;          // ThreadSanitizer's
  void *os_lo;             // bounds of the thread's own stack
  size_t os_bytes;
  struct rt_stackcache cache;
} __attribute__((aligned(64)));

// ---- The scheduler ---------------------------------------------------------------------------

enum { RT_GCHUNK = 32 };
struct rt_gchunk {
  struct rt_gchunk *next;
  struct rt_g g[RT_GCHUNK];
};

struct rt_spawn {  // go_spawn_options with the defaults filled in
  const struct rt_growth *growth;
  size_t initial, max;
};

struct rt_sched {
  struct rt_lock lock;
  struct rt_lock newmlock;  // an M is being made: taken before lock
  // Under lock.
  struct rt_gqueue runq, gfree;
  struct rt_m *midle, *allm;
  struct rt_p *pidle;
  int32_t nm, nmidle;
  struct rt_gchunk *chunks;
  // Written under lock, read without.
  _Atomic int32_t npidle, runqsize, maxprocs;
  _Atomic bool stopping;
  _Atomic(struct rt_p *) allp[RT_MAXPROCS];
  _Atomic int32_t nallp;
  // Any time.
  _Atomic int32_t nmspinning;
  _Atomic uint64_t goidgen;
  // Fixed while go_run runs.
  struct rt_g *maing;
  struct rt_spawn asked;     // the options of go_run
  struct rt_spawn defaults;  // the same, settled for their strategy
  // Of go_runs that have ended; under lock.
  struct go_stats past;
};
extern struct rt_sched rt_sched;

// ---- Switching (switch.c) --------------------------------------------------------------------

// rt_mcall leaves the running goroutine for g0 and calls fn(g) there; it returns when somebody
// resumes g, perhaps on another M.  Goroutine only.
void rt_mcall(void (*fn)(struct rt_g *));
// rt_systemstack runs fn(arg) on g0's stack and returns; on g0 already, it just calls it.
void rt_systemstack(void (*fn)(void *), void *arg);
// rt_mloop runs the goroutines that next(m) names, until it names none.  g0.
void rt_mloop(struct rt_m *m, struct rt_g *(*next)(struct rt_m *));
// rt_mrun runs fn(arg) on m's g0 stack from the thread's own.
void rt_mrun(struct rt_m *m, void (*fn)(void *), void *arg);
// rt_gprepare makes g's stack ready to run rt_gomain.
void rt_gprepare(struct rt_g *g);
// rt_gforget ends what sanitizers know of g.  g0.
void rt_gforget(struct rt_g *g);

// ---- Scheduling (proc.c) ---------------------------------------------------------------------

// rt_gopark parks the running goroutine.  unlock, if not NULL, is called on g0 once the goroutine
// is parked, with the lock that kept it from being readied too early.
void rt_gopark(void (*unlock)(void *), void *lock);
// rt_goready makes a parked goroutine runnable, first in line on this P.  Goroutine.
void rt_goready(struct rt_g *g);
// rt_wakep starts another M if there is a P for it and nobody looks for work yet.
void rt_wakep(void);
// rt_mstart0 is the work of an M: it returns when the scheduler stops.  g0.
void rt_mstart0(struct rt_m *m);
void rt_globrunqput(struct rt_gqueue *batch);      // takes sched.lock
void rt_pidleput(struct rt_p *p);                  // sched.lock held
struct rt_p *rt_pidleget(void);                    // sched.lock held; NULL if none
struct rt_p *rt_newp(int32_t id);                  // sched.lock held; NULL: no memory
void rt_acquirep(struct rt_m *m, struct rt_p *p);

// ---- Goroutines (newproc.c) ------------------------------------------------------------------

// rt_newg makes a goroutine, not yet runnable.  p: the caller's.  GO_E*.
int rt_newg(struct rt_p *p, const struct rt_spawn *spawn, void (*fn)(void *), void *arg,
            struct rt_g **out);
void rt_gfput(struct rt_p *p, struct rt_g *g);     // g0; g is dead
void rt_gfreestack(struct rt_g *g, struct rt_stackcache *cache);  // nothing if it has none
void rt_goexit0(struct rt_g *g);                   // g0: the running goroutine has ended
void rt_gomain(void);                              // first function of every goroutine
// rt_resolve fills in what options leave open; rt_settle bounds sizes by what the strategy can do.
int rt_resolve(const struct go_spawn_options *options, struct rt_spawn *out);
void rt_settle(struct rt_spawn *spawn);

// ---- Ms (m.c) --------------------------------------------------------------------------------

int rt_mnew(struct rt_stackcache *cache, struct rt_m **out);  // sched.lock not held
int rt_mstart(struct rt_m *m, struct rt_p *p, bool spinning);
void rt_mfree(struct rt_m *m, struct rt_stackcache *cache);

// rt_onfault is the process's answer to a memory fault (fault.c).
bool rt_onfault(struct os_fault *fault);

// rt_mystack tells whether p points into the running goroutine's stack and that may move.
bool rt_mystack(const void *p);

#include "runtime/sched/casgstatus.h"

#ifdef __cplusplus
}
#endif
#endif
