// storm.h: interrupts a goroutine over and over.
#ifndef STACKLAB_TESTS_STORM_H_
#define STACKLAB_TESTS_STORM_H_

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <cstdint>
#include <cstdlib>

#include "runtime/sched/preempt.h"
#include "tests/goroutine.h"

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { kSanitized = true };
#else
enum { kSanitized = false };
#endif
#define SKIP_IF_SANITIZED() \
  if (kSanitized) GTEST_SKIP() << "the sanitizer's runtime is in our own text: preemption is off"

extern "C" inline volatile uint8_t preempt_stop = 0;

// Interrupts whatever runs on the first P, over and over, until it has succeeded `times` times;
// then sets preempt_stop.
class Storm {
 public:
  explicit Storm(uint64_t times) : times_(Times(times)) {
    preempt_stop = 0;
    pthread_create(&thread_, nullptr, Run, this);
  }
  ~Storm() { pthread_join(thread_, nullptr); }

  // An emulator takes a hundred times as long for a signal.
  static uint64_t Times(uint64_t times) { return getenv("EMULATOR") ? times / 10 : times; }

 private:
  static void *Run(void *self) {
    struct rt_p *p = rt_sched.allp[0];
    const uint64_t until = p->preemptions + static_cast<Storm *>(self)->times_;
    while (p->preemptions < until && !preempt_stop) {
      rt_preemptone(p);
      for (int i = 0; i < 500; i++) rt_cpu_relax();
    }
    preempt_stop = 1;
    return nullptr;
  }
  uint64_t times_;
  pthread_t thread_;
};

#endif
