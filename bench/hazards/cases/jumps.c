// jumps.c: a jump back to before the growth, by an SP that was noted then.
#include "bench/hazards/cases/cases.h"
#include "bench/hazards/hazard.h"

#include <setjmp.h>

// glibc keeps SP in the jmp_buf mangled (rotated, XORed with the thread's pointer guard).
uint64_t jump_setjmp(uint64_t n) {
  jmp_buf here;
  volatile uint64_t count = n;
  if (setjmp(here) == 0) {
    hazard_grow();
    count += 1;
    longjmp(here, 1);
  }
  return count;
}

NOINLINE static void jump_back(void **here, volatile uint64_t *count) {
  hazard_grow();
  *count += 1;
  __builtin_longjmp(here, 1);
}

// The compiler's own keeps SP and the frame pointer as they are.
uint64_t jump_builtin(uint64_t n) {
  void *here[5];
  volatile uint64_t count = n;
  if (__builtin_setjmp(here) == 0)
    jump_back(here, &count);
  return count;
}
