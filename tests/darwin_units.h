// darwin_units.h: what the files of darwin_units_test share.
#ifndef STACKLAB_TESTS_DARWIN_UNITS_H_
#define STACKLAB_TESTS_DARWIN_UNITS_H_

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#define TEXT(line) #line
#define LINE(line) TEXT(line)
#define CHECK(condition)                                                             \
  do {                                                                               \
    if (!(condition)) {                                                              \
      static const char what[] = "line " LINE(__LINE__) ": not so: " #condition "\n"; \
      write(STDERR_FILENO, what, sizeof what - 1);                                   \
      abort();                                                                       \
    }                                                                                \
  } while (0)

// A word of the slot [1 << 32, 2 << 32), which moves by DELTA.
static const uint64_t OLD = (1ull << 32) + 0x80000100, DELTA = 5ull << 32;

void dress(unsigned char *p, size_t bytes);                       // with OLD
bool all_are(const unsigned char *p, size_t bytes, uint64_t w);
uint64_t adjust(void *context);                                   // by rt_regfile_adjust
// test_calls makes what was interrupted call a function, which takes `below` bytes of stack.
void test_calls(ucontext_t *uc, uint64_t *pc, uint64_t *sp, size_t below);

extern void (*installed)(int sig, siginfo_t *si, void *context);  // a handler of SIGTRAP

void test_registers(void);  // of darwin_units_<cpu>.c

#endif
