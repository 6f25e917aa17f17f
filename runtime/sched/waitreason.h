// waitreason.h: why a goroutine is parked, as tracebacks say it (Go's waitReason).
#ifndef STACKLAB_RUNTIME_SCHED_WAITREASON_H_
#define STACKLAB_RUNTIME_SCHED_WAITREASON_H_

enum rt_waitreason {
  RT_WAIT_NONE,
  RT_WAIT_CHANSEND,
  RT_WAIT_CHANRECEIVE,
  RT_WAIT_CHANSENDNIL,
  RT_WAIT_CHANRECEIVENIL,
  RT_WAIT_SELECT,
  RT_WAIT_SELECTNOCASES,
  RT_WAIT_SLEEP,
  RT_WAIT_WAITGROUP,
  RT_WAIT_MUTEX,
  RT_WAIT_RWMUTEXRLOCK,
  RT_WAIT_RWMUTEXLOCK,
  RT_WAIT_COND,
  RT_WAIT_SEMAPHORE,
  RT_WAIT_ONCE,
  RT_WAIT_SCOPE,
  RT_WAIT_IO,
  RT_WAIT_REASONS,
};

// rt_waitreason_name returns Go's words for it, such as "chan receive"; "" for NONE.  Any stack;
// signal-safe.
const char *rt_waitreason_name(enum rt_waitreason why);
extern const char *const rt_waitreason_names[RT_WAIT_REASONS];

#endif
