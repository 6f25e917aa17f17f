// A touch would take a page's PAGE_GUARD away, and so would most calls (accessible.h).
#include "fuzz/accessible.h"

#include <windows.h>

bool accessible(uintptr_t at) {
  MEMORY_BASIC_INFORMATION m;
  return VirtualQuery((const void *)at, &m, sizeof m) && m.State == MEM_COMMIT &&
         !(m.Protect & (PAGE_NOACCESS | PAGE_GUARD));
}
