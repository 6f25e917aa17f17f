// The clock of timers (clock.h).
#include "runtime/sched/clock.h"

#include <stdatomic.h>
#include "runtime/go.h"
#include "runtime/os/os.h"

static _Atomic int64_t virtual_now;  // 0: the system's clock

int64_t rt_nanotime(void) {
  const int64_t now = atomic_load_explicit(&virtual_now, memory_order_acquire);
  return now ? now : os_nanotime();
}

int64_t go_nanotime(void) { return rt_nanotime(); }

void rt_clock_virtual(int64_t start) { atomic_store(&virtual_now, start); }

bool rt_clock_is_virtual(void) { return atomic_load(&virtual_now) != 0; }

void rt_clock_advance(int64_t to) {
  int64_t now = atomic_load(&virtual_now);
  while (now < to && !atomic_compare_exchange_weak(&virtual_now, &now, to)) continue;
}
