// check.h: what the examples do about errors: they say in one line what went wrong, and end.
#ifndef STACKLAB_EXAMPLES_CHECK_H_
#define STACKLAB_EXAMPLES_CHECK_H_

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "runtime/go.h"

struct failure {
  const char *what;
  int code;
};

static inline void fail(void *arg) {
  const struct failure *f = arg;
  fprintf(stderr, "%s: %s\n", f->what, go_strerror(f->code));
  exit(1);
}

// check returns what a function of the runtime answered, unless that is an error.  Any stack: the
// message is printed on the thread's own, since stdio may want more than a goroutine has.
static inline int64_t check(int64_t code, const char *what) {
  if (code < 0) {
    struct failure f = {what, (int)code};
    go_blocking(fail, &f);
    fail(&f);  // this was no goroutine
  }
  return code;
}

// check_memory returns what malloc did, unless that is NULL.
static inline void *check_memory(void *p) {
  check(p ? GO_OK : GO_ENOMEM, "malloc");
  return p;
}

// say prints on stdout at once, and ends the program if nobody can read it.
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = vprintf(format, arguments);
  va_end(arguments);
  if (written < 0 || fflush(stdout) != 0) {
    perror("stdout");
    exit(1);
  }
}

// misuse ends a program that was called with a wrong argument.
static inline _Noreturn void misuse(const char *program, const char *what, const char *argument) {
  fprintf(stderr, "%s: %s: %s (--help tells more)\n", program, what, argument);
  exit(2);
}

// number returns the number that an argument says, which must lie in [1, most].
static inline long number(const char *program, const char *argument, long most) {
  char *end;
  const long n = strtol(argument, &end, 10);
  if (end == argument || *end || n < 1 || n > most)
    misuse(program, "not a number in its range", argument);
  return n;
}

#endif
