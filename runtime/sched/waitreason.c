// Why goroutines wait, in words.
#include "runtime/sched/waitreason.h"

const char *const rt_waitreason_names[RT_WAIT_REASONS] = {
    [RT_WAIT_NONE] = "",
    [RT_WAIT_CHANSEND] = "chan send",
    [RT_WAIT_CHANRECEIVE] = "chan receive",
    [RT_WAIT_CHANSENDNIL] = "chan send (nil chan)",
    [RT_WAIT_CHANRECEIVENIL] = "chan receive (nil chan)",
    [RT_WAIT_SELECT] = "select",
    [RT_WAIT_SELECTNOCASES] = "select (no cases)",
    [RT_WAIT_SLEEP] = "sleep",
    [RT_WAIT_WAITGROUP] = "waitgroup wait",
    [RT_WAIT_MUTEX] = "mutex lock",
    [RT_WAIT_RWMUTEXRLOCK] = "rwmutex read lock",
    [RT_WAIT_RWMUTEXLOCK] = "rwmutex lock",
    [RT_WAIT_COND] = "cond wait",
    [RT_WAIT_SEMAPHORE] = "semaphore acquire",
    [RT_WAIT_ONCE] = "once",
    [RT_WAIT_SCOPE] = "scope wait",
    [RT_WAIT_IO] = "IO wait",
};

const char *rt_waitreason_name(enum rt_waitreason why) {
  return (unsigned)why < RT_WAIT_REASONS ? rt_waitreason_names[why] : "?";
}
