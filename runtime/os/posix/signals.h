// signals.h: what posix/fault.c, preempt.c and quit.c ask of the system beside os.h.
#ifndef STACKLAB_RUNTIME_OS_POSIX_SIGNALS_H_
#define STACKLAB_RUNTIME_OS_POSIX_SIGNALS_H_

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// os_signal_by_kernel tells whether the kernel raised a signal, rather than a process that sent it.
bool os_signal_by_kernel(const siginfo_t *si);

// os_sigstack_state returns the bytes that the kernel itself needs of a signal stack.
size_t os_sigstack_state(void);

// os_signal_thread_join makes the calling thread one whose handlers may use thread-local variables.
// GO_ETHREAD.  os_signal_thread_is_ours tells whether it is.
int os_signal_thread_join(void);
bool os_signal_thread_is_ours(void);

// os_signal_touch, of posix/fault.c, uses the thread-local variables that a handler does.
void os_signal_touch(void);

// os_text_find finds the program's own text, for os_own_text.
void os_text_find(void);

#endif
