// alarm.h: libFuzzer's clock, for targets that run goroutines.  alarm_posix.c, alarm_windows.c.
#ifndef STACKLAB_FUZZ_ALARM_H_
#define STACKLAB_FUZZ_ALARM_H_

// alarm_on_signal_stack makes the handler of SIGALRM that is there run on the thread's signal
// stack.  libFuzzer, which measures -timeout by it, installs it without SA_ONSTACK: the kernel
// would write its frame to the small stack of the goroutine that runs, and where that has no room
// the process gets a SIGSEGV without an address (docs/hazards.md).
void alarm_on_signal_stack(void);

#endif
