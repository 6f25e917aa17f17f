// stub.h: the linker's stubs, which differ by CPU; context_<cpu>.c knows them.
#ifndef STACKLAB_RUNTIME_OS_LINUX_STUB_H_
#define STACKLAB_RUNTIME_OS_LINUX_STUB_H_

#include <stdbool.h>
#include <stdint.h>

// os_context_stub tells whether pc lies in a stub of the linker's, from where a call goes on to a
// shared library.  pc: in text that ends at `to`.
bool os_context_stub(uintptr_t pc, uintptr_t to);

#endif
