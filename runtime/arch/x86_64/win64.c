// What the x64 ABI of Windows says of a stack (learn.microsoft.com/cpp/build/stack-usage): nothing
// below RSP is anybody's.
#include "runtime/arch/arch.h"

const size_t rt_arch_redzone_bytes = 0;
const bool rt_arch_has_marks = false;

void rt_asyncpreempt(void) { __builtin_trap(); }  // os_preempt_supported: nobody is interrupted
