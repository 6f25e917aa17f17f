// rt_asyncpreempt, macOS on arm64: see arch.h and context_arm64.c.  It is never called: a signal
// handler makes an interrupted goroutine find itself here, between any two instructions, with its
// registers at SP.  The stack may move while the goroutine waits, and all that points into it.
#include "runtime/arch/object.h"

  RT_TEXT
FUNCTION rt_asyncpreempt
  bl      RT_NAME(rt_asyncpreempt2)
  .globl  RT_NAME(rt_asyncpreempt_back)
RT_NAME(rt_asyncpreempt_back):
  brk     #1
END rt_asyncpreempt
