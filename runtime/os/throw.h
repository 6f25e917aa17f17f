// throw.h: ending the process with a message, from anywhere, the fault handler included.
#ifndef STACKLAB_RUNTIME_OS_THROW_H_
#define STACKLAB_RUNTIME_OS_THROW_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A line of text built without stdio, which is not async-signal-safe and takes kilobytes of
// stack.  What does not fit is cut.
struct rt_text {
  size_t n;
  char buf[512];
};
void rt_text_str(struct rt_text *t, const char *s);
void rt_text_dec(struct rt_text *t, uint64_t n);
void rt_text_hex(struct rt_text *t, uint64_t n);  // with 0x
void rt_text_print(const struct rt_text *t);      // to stderr

// rt_throw ends the process because an invariant of the runtime is broken: prints
// "stacklab: fatal: " and the message, then what the hook below has to say, then aborts.  Any
// stack; signal-safe.
__attribute__((noreturn)) void rt_throw(const char *message);

// rt_fatal is the same for a line that is made already.  pc: where the calls that led here begin to
// matter (os_backtrace); 0: they do not.
__attribute__((noreturn)) void rt_fatal(const struct rt_text *line, uintptr_t pc);

// rt_lastwords prints the line, and calls the hook, for a process that is about to end.  Of several
// threads the first to come tells; the others wait here for the end.  Who comes again while telling
// goes on at once.
void rt_lastwords(const struct rt_text *line, uintptr_t pc);

// What to print of the goroutines; NULL: nothing.  Set while nothing runs.
extern void (*rt_lastwords_hook)(uintptr_t pc);

#ifdef __cplusplus
}
#endif
#endif
