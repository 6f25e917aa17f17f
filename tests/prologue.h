// prologue.h: goroutines whose stacks grow where compiled code checks for room, and the mark that
// it compares SP with, x86-64.
#ifndef STACKLAB_TESTS_PROLOGUE_H_
#define STACKLAB_TESTS_PROLOGUE_H_

#include <alloca.h>

#include <cstdint>

#include "tests/goroutine.h"

extern "C" {
#include "runtime/arch/arch.h"
}
#include "runtime/stack/stack.h"

inline uintptr_t Mark() {
  uintptr_t mark;
  asm volatile("movq %%fs:0x70, %0" : "=r"(mark));
  return mark;
}

inline uintptr_t MarkOf(const struct go_stack_bounds &b) { return b.lo + RT_STACKGUARD; }

// Calls fn with SP `left` bytes above the mark; some are for the frames without checks on the way
// to the first with one.
__attribute__((noinline)) inline void With(int left, const Body &fn) {
  const intptr_t room = static_cast<intptr_t>(rt_getsp() - MarkOf(Bounds()));
  char *volatile hold = static_cast<char *>(alloca(static_cast<size_t>(
      room - left > 16 ? room - left : 16)));
  hold[0] = 1;
  fn();
}

#endif
