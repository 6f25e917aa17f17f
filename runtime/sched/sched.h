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
#include "runtime/arch/arch.h"
#include "runtime/os/os.h"
#include "runtime/sched/baton.h"
#include "runtime/sched/lock.h"
#include "runtime/sched/sudog.h"
#include "runtime/sched/timer.h"
#include "runtime/sched/waitreason.h"
#include "runtime/stack/growth/growth.h"
#include "runtime/stack/stack.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RT_MAXPROCS = 256, RT_RUNQ = 256, RT_NOPREEMPT_MOST = (1 << 14) - 1 };

// What sanitizers know of a stack: see fiber.h.  Goroutines have one in such builds alone.
struct rt_fiber {
  void *fake_stack;  // AddressSanitizer's, while the stack is not in use
  void *name;        // ThreadSanitizer's
};
#define RT_FIBERS (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))

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
struct rt_g;
typedef bool (*rt_parkfn)(struct rt_g *g, void *lock);

struct rt_g {
  // The first 128 bytes are all that a switch touches.
  struct rt_gstack gs;
  _Atomic uint32_t status;
  uint8_t waitreason;      // enum rt_waitreason; of the last park
  _Atomic uint8_t shrink;  // see shrink.h
  // Of the thread that runs it, but for `trial`, which its fault handler clears, too.
  uint16_t nopreempt : 14;  // go_preempt_off, so many times
  uint16_t panicking : 1;
  uint16_t trial : 1;      // began with less than was learnt: see stack/adapt.h
  struct rt_m *m;          // the M that runs it; NULL otherwise
  struct rt_g *schedlink;  // next in the one list it is in
  // Cold.
  _Atomic uint64_t waitseq;  // see rt_claim
  int64_t waitsince;       // rt_sched.coarse_now when it parked
  uintptr_t param;         // of sleeps and checkpoints: passed to and from the function on g0
  void (*fn)(void *);
  union {
    void *arg;             // of fn, until it begins
    void *panic_arg;       // of panic_fn
  };
  struct rt_sudog sudog;   // for waits on one thing
  void *select;            // room for its selects; NULL until its first
  struct rt_timer timer;   // of rt_gopark_until
  void (*panic_fn)(void *, const char *);  // of go_panic_handler
  uint64_t flow;           // of the trace: the arrow to its next run
  uint64_t priority;       // see deterministic.c
#if RT_FIBERS
  struct rt_fiber fiber;
#endif
} __attribute__((aligned(64)));

// A list of goroutines linked by schedlink, first in first out.  All zero: empty.
struct rt_gqueue {
  struct rt_g *head, *tail;
  int32_t n;
};
void rt_gqueue_push(struct rt_gqueue *q, struct rt_g *g);
struct rt_g *rt_gqueue_pop(struct rt_gqueue *q);  // NULL if empty
struct rt_gqueue rt_gqueue_split(struct rt_gqueue *q, int32_t n);  // takes the first n of more

// A long list in batches, first in first out.  Goroutines that came together go together, without a
// walk along them: each step of it is a cache miss where another M has just written them, and all
// others wait for the lock meanwhile.
enum { RT_GBATCH = RT_RUNQ / 2 + 1, RT_GBATCHES = 1024 };
struct rt_gbatches {
  struct rt_gqueue batch[RT_GBATCHES];  // a ring
  uint32_t first, end;                  // used: [first, end), counting up forever
  int32_t n;                            // goroutines in all
};
void rt_gbatches_put(struct rt_gbatches *b, struct rt_gqueue *more);  // more is empty afterwards
// rt_gbatches_take takes the first batch, or the first `most` of it, which is at least 1.
struct rt_gqueue rt_gbatches_take(struct rt_gbatches *b, int32_t most);

// rt_gstatus_allowed tells whether one state may follow another.  A scan bit is set on, and
// cleared from, the state it is found with; nothing else changes.
static inline bool rt_gstatus_allowed(uint32_t from, uint32_t to);

// rt_casgstatus moves g from one state to another; throws if it is not in `from`, or if the step
// is not allowed.  Signal-safe.
//
// A goroutine that waits can be readied by several at once: exactly one may win.  In every other
// state it belongs to one thread (the one that runs it, or that took it off a queue), which is the
// only one to change it: a plain store does, where a locked instruction costs as much as a switch.
// While the scan bit of one that waits is set, whoever readies it waits for it to be cleared.
static inline void rt_casgstatus(struct rt_g *g, enum rt_gstatus from, enum rt_gstatus to);

// ---- P ---------------------------------------------------------------------------------------

// PSYSCALL: its M is in a system call; whoever moves it from there to another state by CAS has it.
enum rt_pstatus { RT_PIDLE, RT_PRUNNING, RT_PSYSCALL, RT_PDEAD };

struct rt_p {
  int32_t id;
  _Atomic uint32_t status;  // enum rt_pstatus; sched.lock, but for the steps from and to SYSCALL
  _Atomic bool preempt;     // its goroutine is to be interrupted; cleared by the next to run
  struct rt_m *_Atomic m;
  struct rt_p *link;        // idle list; sched.lock
  _Atomic uint64_t schedtick;    // goroutines resumed; owner
  _Atomic uint64_t syscalltick;  // system calls entered; owner
  struct {  // what sysmon last saw, and when; sysmon
    uint64_t schedtick, syscalltick;
    int64_t schedwhen, syscallwhen;
  } seen;
  struct rt_timers timers;
  uint64_t goid, goid_end;  // numbers for new goroutines: [goid, goid_end)
  struct rt_gqueue gfree;   // dead goroutines, most with a stack; the running M's
  _Atomic uint64_t created, ended, steals;
  _Atomic uint64_t preemptions;
  _Atomic uint64_t handoffs;  // taken from a system call; whoever takes it

  // Go's run queue: a ring that the owner fills and that anyone may empty.  head is moved by CAS,
  // tail by the owner alone; both count up forever.
  _Atomic uint32_t runqhead __attribute__((aligned(64)));
  _Atomic uint32_t runqtail __attribute__((aligned(64)));
  struct rt_g *_Atomic runnext;  // runs before the ring: what the running goroutine readied
  uint32_t nexts;  // how often in a row it did; owner
  struct rt_g *_Atomic runq[RT_RUNQ];
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
  struct rt_g *handg;      // likewise: a goroutine to run without a P, into its system call
  bool spinning;           // looking for work without any; counted in sched.nmspinning
  bool nap;                // and need not look again at once
  struct rt_p *oldp;       // the P it had when it entered a system call
  struct rt_gqueue preempted;  // goroutines that may go on here alone: see preempt.h
  void (*mcallfn)(struct rt_g *);
  rt_parkfn park_commit, until_commit;  // of rt_gopark, and of rt_gopark_until within it
  void *park_lock;
  _Atomic uint32_t last;   // when the process ends: see traceback.c
  bool failed;             // its thread could not start
  struct rt_g *resume;     // to run next without asking findrunnable
  uint32_t rand;
  struct rt_m *idle_link;  // sched.lock
  struct rt_m *all_link;   // sched.lock
  struct rt_turn turn;     // see baton.h
  struct rt_note park;
  struct os_thread thread;  // to join it
  struct os_thread self;    // to signal it; set by rt_traceback_join
  struct os_sigstack sigstack;
  struct rt_fiber os_fiber;  // of the thread's own stack
  struct rt_extent g0_extent;  // where g0's stack lies
  void *os_lo;             // bounds of the thread's own stack
  size_t os_bytes;
  uintptr_t os_sp;         // where that is free while the M is on g0
  struct rt_tracebuf *trace;  // see trace.h; NULL: none
  struct rt_stackcache cache;
} __attribute__((aligned(64)));

// ---- The scheduler ---------------------------------------------------------------------------

enum { RT_GCHUNK = 32 };
struct rt_gchunk {
  struct rt_gchunk *next;
  struct rt_g g[RT_GCHUNK];
};

// Memory that chunks are cut from: zeros, of which the system gives what is touched.
struct rt_gblock {
  struct rt_gblock *next;
  size_t bytes;
  struct rt_gchunk chunks[];
};

struct rt_spawn {  // go_spawn_options with the defaults filled in
  const struct rt_growth *growth;
  size_t initial, max;
};

struct rt_sched {
  struct rt_lock lock;
  struct rt_lock newmlock;  // an M is being made: taken before lock
  struct rt_lock blocklock;  // a chunk is being cut: taken before lock
  struct rt_gblock *blocks;  // under blocklock: the newest first, which may have more chunks
  int32_t nchunks;           // likewise: cut so far of the newest
  // Under lock.
  struct rt_gbatches runq, gfree;
  struct rt_m *midle, *allm;
  struct rt_p *pidle;
  int32_t nm, nmidle;
  struct rt_gchunk *chunks;
  bool deadlocked;           // why it stops, in a deterministic run
  _Atomic bool refused;      // there was no M for a P: it may be idle beside work
  // Read whenever a goroutine is readied; the first two written under lock.
  _Atomic int32_t npidle __attribute__((aligned(64)));
  _Atomic int32_t runqsize, nmspinning;
  // Read by every operation, written hardly ever, under lock.
  _Atomic int32_t nallp __attribute__((aligned(64)));
  _Atomic int32_t maxprocs;
  _Atomic bool stopping;
  struct rt_p *_Atomic allp[RT_MAXPROCS];
  // Any time.
  _Atomic uint64_t goidgen __attribute__((aligned(64)));
  _Atomic int64_t coarse_now;  // rt_nanotime as sysmon last read it: within 10 ms
  // When some M last asked netpoll; 0 while one sleeps in it, until poll_until (0: no limit).
  _Atomic int64_t lastpoll, poll_until;
  struct rt_sysmon {
    struct rt_m *m;            // its thread's; NULL if it could not be started
    struct rt_note note;
    _Atomic bool waiting;      // nothing runs: it sleeps until somebody does
  } sysmon;
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
// rt_threadstack runs fn(arg) on the thread's own stack and returns; nothing may switch stacks
// meanwhile.  Goroutine, in a system call.
void rt_threadstack(void (*fn)(void *), void *arg);
// rt_mloop runs the goroutines that next(m) names, until it names none.  g0.
void rt_mloop(struct rt_m *m, struct rt_g *(*next)(struct rt_m *));
// rt_mrun runs fn(arg) on m's g0 stack from the thread's own.
void rt_mrun(struct rt_m *m, void (*fn)(void *), void *arg);
// rt_gprepare makes g's stack ready to run rt_gomain.
void rt_gprepare(struct rt_g *g);
// rt_gforget ends what sanitizers know of g.  g0.
void rt_gforget(struct rt_g *g);

// ---- Scheduling (proc.c) ---------------------------------------------------------------------

// rt_gopark parks the running goroutine.  commit, if not NULL, is called on g0 once the goroutine
// is parked, with what kept it from being readied too early: it lets a lock go (rt_gounlock) and
// answers true, or answers false if g must go on at once.  Goroutine only.
void rt_gopark(rt_parkfn commit, void *lock, enum rt_waitreason why);
bool rt_gounlock(struct rt_g *g, void *lock);  // a commit: rt_unlock of a struct rt_lock
// rt_gopark_until starts g's timer in addition: when `until` ns has come and rt_claim(g, seq)
// succeeds, g is readied.  0, or GO_ENOMEM, GO_EPOLL: it goes on at once, the wait claimed and
// commit called all the same.  What commit lets go keeps everybody else from readying g before.
int rt_gopark_until(rt_parkfn commit, void *lock, enum rt_waitreason why, int64_t until,
                    uint64_t seq);
// rt_goready makes a parked goroutine runnable, first in line on this P.  A goroutine, or g0 while
// its M has a P.
void rt_goready(struct rt_g *g);

// rt_plock and rt_punlock lock what only goroutines and timers touch: whoever has a P.  Whoever
// waits spins and naps (lock.c), so that to let go is a plain store.  With one P nobody else can be
// there, and locked instructions are a third of the price of a channel's operation.  The number of
// Ps grows, and from one by whoever has the one, which then holds no such lock.
static inline void rt_plock(struct rt_lock *l);
static inline bool rt_ptrylock(struct rt_lock *l);  // false: somebody holds it
static inline void rt_punlock(struct rt_lock *l);
bool rt_gopunlock(struct rt_g *g, void *lock);  // a commit: rt_punlock of a struct rt_lock

// A wait that several may end (cases of a select, a deadline) is ended by one of them: each holds
// g and the number of the wait, and only the one whose claim succeeds may touch the waiter's
// elements and ready it.  Numbers are never 0.
static inline uint64_t rt_waitbegin(struct rt_g *g) {  // the running goroutine, before it parks
  return __c11_atomic_load(&g->waitseq, __ATOMIC_RELAXED);
}
static inline bool rt_claim(struct rt_g *g, uint64_t seq) {  // anyone, once per party
  return __c11_atomic_compare_exchange_strong(&g->waitseq, &seq, seq + 1, __ATOMIC_ACQ_REL,
                                              __ATOMIC_RELAXED);
}
// rt_injectglist makes parked goroutines runnable, in their order; the list is empty afterwards.  A
// goroutine, or g0 with a P or without.
void rt_injectglist(struct rt_gqueue *list);
// rt_mstart0 is the work of an M: it returns when the scheduler stops.  g0.
void rt_mstart0(struct rt_m *m);
void rt_dropg(struct rt_g *g);                     // g0: m no longer runs g
bool rt_anywork(void);                             // a look at every queue; anyone
int64_t rt_timers_next(void);  // when the first of all, perhaps stopped, is due; 0: none; anyone
int64_t rt_timers_wanted(void);  // the same without those that were stopped before; g0, with a P
uint32_t rt_fastrand(void);                        // of this M; not for secrets
void rt_globrunqput(struct rt_gqueue *batch);      // takes sched.lock
void rt_globrunqpush(struct rt_g *g);              // sched.lock held
void rt_pidleput(struct rt_p *p);                  // sched.lock held; dead, above GOMAXPROCS
struct rt_p *rt_pidleget(void);                    // sched.lock held; NULL if none
struct rt_p *rt_newp(int32_t id);                  // sched.lock held; NULL: no memory
void rt_acquirep(struct rt_m *m, struct rt_p *p);
struct rt_p *rt_releasep(struct rt_m *m);

// ---- Goroutines (newproc.c) ------------------------------------------------------------------

// rt_newg makes a goroutine, not yet runnable.  p: the caller's.  GO_E*.
int rt_newg(struct rt_p *p, const struct rt_spawn *spawn, void (*fn)(void *), void *arg,
            struct rt_g **out);
// rt_newproc makes a goroutine with the default options, to run after those that its P has.  A
// goroutine, or g0 with a P.
int rt_newproc(void (*fn)(void *), void *arg);
// rt_gstart readies the stack of g, which m is to run for the first time: the one that was used
// last by a goroutine of its kind that has ended on this P, while that one keeps the stack that was
// reserved for g.  So goroutines that are many but short share the memory of few stacks.  g0.
void rt_gstart(struct rt_m *m, struct rt_g *g);
void rt_gfput(struct rt_p *p, struct rt_g *g);     // g0; g is dead
void rt_gfreestack(struct rt_g *g, struct rt_stackcache *cache);  // nothing if it has none
void rt_goexit0(struct rt_g *g);                   // g0: the running goroutine has ended
void rt_gomain(void);                              // first function of every goroutine
// rt_resolve fills in what options leave open; rt_settle bounds sizes by what the strategy can do,
// and makes them whole pages where stacks move or their guards do.
int rt_resolve(const struct go_spawn_options *options, struct rt_spawn *out);
void rt_settle(struct rt_spawn *spawn);

// ---- Ms (m.c) --------------------------------------------------------------------------------

// Made: counted in sched.nm and in the list of Ms unless it is sysmon's, which runs no goroutines.
int rt_mnew(struct rt_stackcache *cache, bool sysmon, struct rt_m **out);
int rt_mstart(struct rt_m *m, struct rt_p *p, bool spinning);
// rt_mthread starts the thread of an M, sysmon's too: fn(m), which calls rt_marrive first and
// rt_mleave last.  GO_ETHREAD.  rt_mjoin waits for its end.
int rt_mthread(struct rt_m *m, void (*fn)(void *m));
void rt_marrive(struct rt_m *m);
void rt_mleave(void);
void rt_mjoin(struct rt_m *m);
void rt_mfree(struct rt_m *m, struct rt_stackcache *cache);
// rt_wakep starts another M if there is a P for it and nobody looks for work yet.  Any stack.
// rt_announce is rt_wakep after a store that is no locked one, as rt_runqput's to the ring: whoever
// goes idle sees that, or is seen to.
void rt_wakep(void);
void rt_announce(void);
// rt_startm gives an M to p, or to an idle P if that is NULL.  spinning: the caller has counted it
// in sched.nmspinning.  g0.
void rt_startm(struct rt_p *p, bool spinning);
// rt_startg gives g an M of its own, without a P.  False: there is none.  g0.
bool rt_startg(struct rt_g *g);
// rt_stopm puts m, which has no P, to sleep until rt_startm or rt_startg wakes it.  g0.
void rt_stopm(struct rt_m *m);
// rt_handoffp finds something to do for a P that has lost its M.  g0.
void rt_handoffp(struct rt_p *p);
void rt_retire(struct rt_m *m);  // m's P is above GOMAXPROCS: gives it up.  g0
void rt_checkdead(void);         // throws if no M will ever run again; sched.lock held
void rt_stopall(void);           // wakes every M to see that the scheduler stops.  g0

// ---- System calls (syscall.c), sysmon (sysmon.c) ---------------------------------------------

// rt_stackreach grows the stack of g, the running goroutine, to its SP where that has skipped the
// guard, for the kernel to find no guard in the buffers of g's frames.  May fault.
void rt_stackreach(const struct rt_g *g);

// rt_sysmon_start starts the thread that looks after Ps whose goroutines do not come back; without
// a thread for it, goroutines must yield by themselves.  rt_sysmon_stop joins it.
void rt_sysmon_start(struct rt_stackcache *cache);
void rt_sysmon_stop(struct rt_stackcache *cache);
void rt_sysmon_wake(void);       // goroutines run again; sched.lock held

// rt_onfault is the process's answer to a memory fault (fault.c).
bool rt_onfault(struct os_fault *fault);

// rt_mystack tells whether p points into the running goroutine's stack and that may move.
bool rt_mystack(const void *p);

#include "runtime/sched/casgstatus.h"
#include "runtime/sched/plock.h"

#ifdef __cplusplus
}
#endif
#endif
