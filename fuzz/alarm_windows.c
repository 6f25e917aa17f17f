// There is neither libFuzzer nor SIGALRM here (alarm.h).
#include "fuzz/alarm.h"

void alarm_on_signal_stack(void) {}
