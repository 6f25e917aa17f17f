// What macOS's ABI says of a stack on x86-64: System V's, but that no code has checks of it.
#include "runtime/arch/arch.h"

const size_t rt_arch_redzone_bytes = 128;
const bool rt_arch_has_marks = false;
