// plock.h: locks that only holders of a P take; the end of sched.h.
#ifndef STACKLAB_RUNTIME_SCHED_PLOCK_H_
#define STACKLAB_RUNTIME_SCHED_PLOCK_H_

#include "runtime/sched/deterministic.h"
#include "runtime/sched/sched.h"

static inline bool rt_onep(void) {
  return __c11_atomic_load(&rt_sched.nallp, __ATOMIC_RELAXED) == 1 && !rt_det.on;
}

static inline void rt_plock(struct rt_lock *l) {
  uint32_t free = 0;
  if (__builtin_expect(rt_det.on, 0))
    rt_lock(l);
  else if (rt_onep())
    __c11_atomic_store(&l->state, 1, __ATOMIC_RELAXED);
  else if (__builtin_expect(!__c11_atomic_compare_exchange_strong(
                                &l->state, &free, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED), 0))
    rt_plock_wait(l);
}

static inline bool rt_ptrylock(struct rt_lock *l) {
  if (!rt_onep()) return rt_trylock(l);
  __c11_atomic_store(&l->state, 1, __ATOMIC_RELAXED);
  return true;
}

static inline void rt_punlock(struct rt_lock *l) {
  if (__builtin_expect(rt_det.on, 0))
    rt_unlock(l);
  else
    __c11_atomic_store(&l->state, 0, __ATOMIC_RELEASE);
}

#endif
