// sigaction(2).
#include <signal.h>
#include <stddef.h>

#include "fuzz/alarm.h"

void alarm_on_signal_stack(void) {
  struct sigaction action;
  if (sigaction(SIGALRM, NULL, &action) != 0 || (action.sa_flags & SA_ONSTACK)) return;
  action.sa_flags |= SA_ONSTACK;
  sigaction(SIGALRM, &action, NULL);
}
