// VirtualQuery: a guard page is one that a touch would be answered for.
#include "fuzz/accessible.h"

#include <windows.h>

bool accessible(uintptr_t at) {
  MEMORY_BASIC_INFORMATION m;
  return VirtualQuery((const void *)at, &m, sizeof m) && m.State == MEM_COMMIT &&
         !(m.Protect & (PAGE_GUARD | PAGE_NOACCESS));
}
