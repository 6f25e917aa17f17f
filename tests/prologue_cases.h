// prologue_cases.h: C compiled with -fsplit-stack, at -O0 and at -O2: functions that need room, and
// say whether all went well.  Each returns 0, or the number of the first thing that was wrong.
#ifndef STACKLAB_TESTS_PROLOGUE_CASES_H_
#define STACKLAB_TESTS_PROLOGUE_CASES_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct prologue_cases {
  const char *name;
  const unsigned *frame_bytes;  // PROLOGUE_FRAMES sizes
  // Recursion in frames of frame_bytes[i], `depth` deep; each frame is filled, and linked with the
  // one above.
  int (*descend)(int i, unsigned depth);
  int (*integers)(void);       // six in registers, three on the stack: pointers into the stack
  int (*doubles)(void);        // eight in registers, two on the stack
  int (*by_value)(void);       // a structure on the stack, above the return address
  int (*returned)(void);       // a structure that is returned in memory of the caller's
  int (*results)(void);        // rax, rdx, xmm0, xmm1, st0, st1
  int (*variadic)(void);       // a call with variable arguments; al says how many are in xmm
  int (*wide_vectors)(void);   // arguments in ymm0-7
  int (*allocas)(unsigned n);  // alloca in a loop, all kept
  int (*alloca_of)(size_t bytes);  // one
  int (*vlas)(unsigned n);     // one array of variable length after the other
  int (*sort)(unsigned depth); // qsort, whose callback sorts, whose callback...
  int (*yields)(unsigned depth, void (*yield)(void));  // with others in between, up and down
  unsigned (*fib)(unsigned n);
};

enum { PROLOGUE_FRAMES = 16 };
extern const struct prologue_cases prologue_O0, prologue_O2;

#ifdef __cplusplus
}
#endif
#endif
