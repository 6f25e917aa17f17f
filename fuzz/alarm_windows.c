// There is no SIGALRM, and inputs are replayed without libFuzzer.
#include "fuzz/alarm.h"

void alarm_on_signal_stack(void) {}
