// Memory from Windows: VirtualAlloc and its kin.  Addresses are reserved in units of 64 KiB
// (dwAllocationGranularity), and take memory when they are committed, page by page: to commit is
// to be promised it, and the page comes with the first touch.  The last error is left as it was.
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <windows.h>
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/windows/stack_end.h"

size_t os_pagesize(void) {
  static _Atomic size_t cached;  // every thread would store the same value
  size_t bytes = atomic_load_explicit(&cached, memory_order_relaxed);
  if (bytes == 0) {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    bytes = info.dwPageSize;
    const char *asked = getenv("GO_PAGESIZE");
    const size_t larger = asked ? strtoul(asked, NULL, 10) : 0;
    // Not above the granularity: every reservation begins at a page.
    if (larger > bytes && larger <= OS_PAGESIZE_MAX && larger <= info.dwAllocationGranularity &&
        (larger & (larger - 1)) == 0)
      bytes = larger;
    atomic_store_explicit(&cached, bytes, memory_order_relaxed);
  }
  return bytes;
}

// What the functions below take is whole pages, larger than the system's perhaps.
static bool to_pages(const void *addr, size_t *bytes) {
  const size_t page = os_pagesize();
  *bytes = (*bytes + page - 1) & ~(page - 1);
  return (uintptr_t)addr % page == 0;
}

void *os_reserve(void *hint, size_t bytes, enum os_access access, int *error) {
  const DWORD saved = GetLastError();
  const bool usable = access == OS_ACCESS_READWRITE;
  const DWORD how = MEM_RESERVE | (usable ? MEM_COMMIT : 0);
  to_pages(NULL, &bytes);
  // The protection is that of pages to come, as for the stack of a thread: what is not committed is
  // not accessible.  Wine gives it to those that the system commits.
  void *p = hint ? VirtualAlloc(hint, bytes, how, PAGE_READWRITE) : NULL;
  if (!p) p = VirtualAlloc(NULL, bytes, how, PAGE_READWRITE);
  if (!p) *error = GO_EMAP;
  SetLastError(saved);
  return p;
}

// A reservation is given back whole.  Of a part, only the memory: its addresses stay reserved.
void os_release(void *addr, size_t bytes) {
  const DWORD saved = GetLastError();
  MEMORY_BASIC_INFORMATION m;
  to_pages(addr, &bytes);
  const bool begins = VirtualQuery(addr, &m, sizeof m) && m.AllocationBase == addr;
  const char *end = (char *)addr + bytes;
  const bool ends = !VirtualQuery(end, &m, sizeof m) || m.State == MEM_FREE ||
                    m.AllocationBase != addr;
  if (begins && ends)
    VirtualFree(addr, 0, MEM_RELEASE);
  else
    VirtualFree(addr, bytes, MEM_DECOMMIT);
  SetLastError(saved);
}

static int commit(void *addr, size_t bytes, DWORD protection) {
  const DWORD saved = GetLastError();
  const bool done = to_pages(addr, &bytes) && VirtualAlloc(addr, bytes, MEM_COMMIT, protection);
  SetLastError(saved);
  return done ? 0 : GO_EGUARD;
}

int os_commit(void *addr, size_t bytes) { return commit(addr, bytes, PAGE_READWRITE); }

int os_forbid(void *addr, size_t bytes) {
  const DWORD saved = GetLastError();
  DWORD before;
  if (!to_pages(addr, &bytes)) return GO_EGUARD;
  // What is committed keeps what it holds; what is not is inaccessible as it is.
  for (char *p = addr, *end = p + bytes; p < end;) {
    MEMORY_BASIC_INFORMATION m;
    if (!VirtualQuery(p, &m, sizeof m)) return GO_EGUARD;
    char *next = (char *)m.BaseAddress + m.RegionSize;
    if (next > end) next = end;
    if (m.State == MEM_COMMIT &&
        !VirtualProtect(p, (size_t)(next - p), PAGE_NOACCESS, &before))
      return GO_EGUARD;
    p = next;
  }
  SetLastError(saved);
  return 0;
}

// ---- Stacks ------------------------------------------------------------------------------------

// Of a stack that the kernel pages in, so much is there from the start: what most need.
enum { FIRST_BYTES = 64 << 10 };

// The kernel commits a stack downwards: a touch of the page with PAGE_GUARD, by the thread that is
// on the stack, makes it an ordinary one and puts the guard on the next, up to the end that
// stack_end.h draws.
static int put_guard(char *lo) {
  const size_t page = os_pagesize();
  return commit(lo - page, page, PAGE_READWRITE | PAGE_GUARD);
}

// What the thread keeps of the stack that it is on; DeallocationStack is not in the headers.
static uintptr_t *deallocation_stack(void) {
  return (uintptr_t *)((char *)NtCurrentTeb() + 0x1478);
}

static bool is_committed(const void *addr) {
  MEMORY_BASIC_INFORMATION m;
  return VirtualQuery(addr, &m, sizeof m) && m.State == MEM_COMMIT;
}

// Makes a page of put_guard's an ordinary one.
static bool unguard(void *page) {
  const DWORD saved = GetLastError();
  DWORD before;
  const bool done = VirtualProtect(page, os_pagesize(), PAGE_READWRITE, &before);
  SetLastError(saved);
  return done;
}

static int decommit(char *lo, const char *hi) {
  const DWORD saved = GetLastError();
  const bool done = VirtualFree(lo, (size_t)(hi - lo), MEM_DECOMMIT);
  SetLastError(saved);
  return done ? 0 : GO_EGUARD;
}

// The guard first.  To commit is all or nothing: without memory only the guard is to be undone, and
// no stack is left behind for the next one's guard to lie in.
int os_stack_commit(void *lo, size_t bytes, bool paged) {
  const size_t first = paged && bytes > FIRST_BYTES ? FIRST_BYTES : bytes;
  char *from = (char *)lo + (bytes - first), *end = (char *)lo + bytes;
  char *const guard = from - os_pagesize();
  // By the kernel, for the handler that we may be in, of an overflow of the stack above.
  const bool handlers = is_committed(guard);
  int error = put_guard(from);
  if (error) return error;
  error = commit(from, first, PAGE_READWRITE);
  if (error) {
    if (handlers)
      (void)unguard(guard);
    else
      (void)decommit(guard, from);
    return error;
  }
  // This thread is on the stack that goes on above: its overflow has brought us here.
  if (*deallocation_stack() == (uintptr_t)end - OS_STACK_END_BYTES) {
    *deallocation_stack() = (uintptr_t)lo - OS_STACK_END_BYTES;
    ((NT_TIB *)NtCurrentTeb())->StackLimit = from;
  }
  return 0;
}

int os_stack_forbid(void *lo, size_t bytes) {
  return decommit((char *)lo - OS_STACK_END_BYTES, (char *)lo + bytes);
}

// The guard first, on a page that is committed: it cannot want for memory, and until it is there
// the stack is as it was.
int os_stack_shrink(void *lo, size_t bytes) {
  const size_t page = os_pagesize();
  char *const end = (char *)lo + bytes, *const guard = end - page;
  os_discard(guard, page);
  int error = put_guard(end);
  if (error) return error;
  error = decommit((char *)lo - OS_STACK_END_BYTES, guard);
  if (error) (void)unguard(guard);
  return error;
}

uintptr_t os_stack_limit(uintptr_t lo, uintptr_t hi) {
  if (hi - lo <= FIRST_BYTES) return lo;
  // Pages that are alike are one region: what is reserved, the guard page, what may be used.
  uintptr_t limit = lo;
  for (uintptr_t p = lo; p < hi;) {
    MEMORY_BASIC_INFORMATION m;
    if (!VirtualQuery((void *)p, &m, sizeof m)) break;
    p = (uintptr_t)m.BaseAddress + m.RegionSize;
    if (m.State != MEM_COMMIT || m.Protect != PAGE_READWRITE) limit = p;
  }
  return limit;
}

size_t os_stack_guard_least(void) { return OS_STACK_END_BYTES + os_pagesize(); }

// ---- Other memory ------------------------------------------------------------------------------

int os_guard_install(void *addr, size_t bytes) {
  (void)addr, (void)bytes;
  return GO_EGUARD;
}

int os_guard_remove(void *addr, size_t bytes) {
  (void)addr, (void)bytes;
  return GO_EGUARD;
}

bool os_guard_supported(void) { return false; }

// Nothing is decommitted, which might not be had again: a hole in a stack that somebody is on.
// MEM_RESET says that what pages hold need not be kept, and VirtualUnlock takes them out of the
// working set.  To zero them first would touch all that nobody has.  Guard pages stay.
void os_discard(void *addr, size_t bytes) {
  const DWORD saved = GetLastError();
  to_pages(addr, &bytes);
  for (char *p = addr, *end = p + bytes; p < end;) {
    MEMORY_BASIC_INFORMATION m;
    if (!VirtualQuery(p, &m, sizeof m)) break;
    char *next = (char *)m.BaseAddress + m.RegionSize;
    if (next > end) next = end;
    if (m.State == MEM_COMMIT && m.Protect == PAGE_READWRITE) {
      VirtualAlloc(p, (size_t)(next - p), MEM_RESET, PAGE_READWRITE);
      VirtualUnlock(p, (size_t)(next - p));
    }
    p = next;
  }
  SetLastError(saved);
}

void os_populate(void *addr, size_t bytes) {
  for (size_t i = 0; i < bytes; i += os_pagesize()) {
    volatile char *page = (volatile char *)addr + i;
    *page = *page;
  }
}

// Nothing moves pages of private memory here.
int os_movepages(void *to, void *from, size_t bytes) {
  (void)to, (void)from, (void)bytes;
  return GO_EMAP;
}

void *os_alloc_aligned(size_t align, size_t bytes) { return _aligned_malloc(bytes, align); }

void os_free_aligned(void *p) { _aligned_free(p); }

// Of RAM, or of what may be committed in all.
bool os_memory_short(const char *root) {
  (void)root;
  MEMORYSTATUSEX s = {.dwLength = sizeof s};
  if (!GlobalMemoryStatusEx(&s)) return false;
  return s.ullAvailPhys < s.ullTotalPhys / 10 || s.ullAvailPageFile < s.ullTotalPageFile / 10;
}
