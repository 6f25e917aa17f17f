// Memory faults on Windows: a vectored exception handler, which sees every exception of the process
// first, and what happens to those that nobody handles.
//
// There is no alternate stack: the kernel puts the exception on the stack that was interrupted, and
// all handlers run below.  For a stack that has run out it commits some pages more first (once:
// then the guard is gone): enough for last words, or to make the stack larger where it is.
#include <stdatomic.h>
#include <windows.h>
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/windows/stack_end.h"

static _Atomic(os_fault_handler_fn) fault_handler;

static bool is_memory_fault(DWORD code) {
  return code == EXCEPTION_ACCESS_VIOLATION || code == EXCEPTION_IN_PAGE_ERROR ||
         code == EXCEPTION_STACK_OVERFLOW || code == EXCEPTION_GUARD_PAGE;
}

// An overflow that the kernel met while it delivered another exception names no address.
static uintptr_t address_of(const EXCEPTION_RECORD *r, const CONTEXT *c) {
  return r->NumberParameters >= 2 ? r->ExceptionInformation[1] : c->Rsp - OS_STACK_HANDLER_BYTES;
}

static bool handle(const EXCEPTION_RECORD *r, CONTEXT *context, bool fatal) {
  const os_fault_handler_fn fn = atomic_load_explicit(&fault_handler, memory_order_acquire);
  struct os_fault f = {.addr = address_of(r, context), .context = context, .fatal = fatal};
  os_fault_pc_sp(&f);
  return fn && fn(&f);
}

// ---- Guarded calls -----------------------------------------------------------------------------

// Where to go on if a thread faults within os_guarded.
static _Thread_local const CONTEXT *guarded;

bool os_guarded(void (*fn)(void *), void *arg) {
  CONTEXT here;
  volatile bool begun = false;
  RtlCaptureContext(&here);  // a fault goes on from here
  const bool whole = !begun;
  if (whole) {
    begun = true;
    guarded = &here;
    fn(arg);
  }
  guarded = NULL;
  return whole;
}

// ---- The handlers ------------------------------------------------------------------------------

// Frames of the program may handle the fault yet: it is not known to be fatal.
static LONG CALLBACK on_exception(EXCEPTION_POINTERS *e) {
  const EXCEPTION_RECORD *r = e->ExceptionRecord;
  if (!is_memory_fault(r->ExceptionCode)) return EXCEPTION_CONTINUE_SEARCH;
  if (guarded) {
    const DWORD flags = e->ContextRecord->ContextFlags;
    *e->ContextRecord = *guarded;
    e->ContextRecord->ContextFlags = flags & guarded->ContextFlags;
    return EXCEPTION_CONTINUE_EXECUTION;
  }
  return handle(r, e->ContextRecord, false) ? EXCEPTION_CONTINUE_EXECUTION
                                            : EXCEPTION_CONTINUE_SEARCH;
}

// The outermost frames of goroutines and of g0 name this as their handler: it is asked when no
// frame has handled an exception, and does what the outermost function of a thread does.
EXCEPTION_DISPOSITION os_unhandled(EXCEPTION_RECORD *r, void *frame, CONTEXT *context,
                                   void *dispatcher);
EXCEPTION_DISPOSITION os_unhandled(EXCEPTION_RECORD *r, void *frame, CONTEXT *context,
                                   void *dispatcher) {
  (void)frame, (void)dispatcher;
  // Unwinding passes here, too; nothing is to be cleaned up.
  if (r->ExceptionFlags & (EXCEPTION_UNWINDING | EXCEPTION_EXIT_UNWIND))
    return ExceptionContinueSearch;
  if (is_memory_fault(r->ExceptionCode)) (void)handle(r, context, true);
  EXCEPTION_POINTERS e = {r, context};
  if (UnhandledExceptionFilter(&e) == EXCEPTION_CONTINUE_EXECUTION)
    return ExceptionContinueExecution;
  TerminateProcess(GetCurrentProcess(), r->ExceptionCode);
  return ExceptionContinueSearch;
}

bool os_fault_elsewhere(void) { return false; }

int os_fault_install(os_fault_handler_fn fn) {
  static _Atomic bool installed;
  atomic_store_explicit(&fault_handler, fn, memory_order_release);
  if (atomic_exchange(&installed, true)) return 0;
  if (AddVectoredExceptionHandler(1, on_exception)) return 0;
  atomic_store(&installed, false);
  return GO_ETHREAD;
}

void os_fault_pc_sp(struct os_fault *fault) {
  const CONTEXT *c = fault->context;
  fault->pc = c->Rip;
  fault->sp = c->Rsp;
}

void os_fault_regs(const struct os_fault *fault, struct rt_regfile *out) {
  CONTEXT *c = fault->context;
  *out = (struct rt_regfile){.general = (uint64_t *)&c->Rax,
                             .ngeneral = 16,
                             .vector = (unsigned char *)&c->FltSave,
                             .vector_bytes = sizeof c->FltSave};
}

// ---- Room for handlers -------------------------------------------------------------------------

// On every stack that this thread will be on.
int os_sigstack_enable(struct os_sigstack *s) {
  ULONG bytes = OS_STACK_HANDLER_BYTES;
  *s = (struct os_sigstack){0};
  return SetThreadStackGuarantee(&bytes) ? 0 : GO_ETHREAD;
}

// The guarantee stays, which cannot be made smaller.  The thread is on its own stack again: calls
// that were made on it meanwhile may have had the kernel move its limit, which the switches have
// put back to what it was before.
void os_sigstack_disable(struct os_sigstack *s) {
  void *lo;
  size_t bytes;
  (void)s;
  os_thread_stack(&lo, &bytes);
  NT_TIB *const tib = (NT_TIB *)NtCurrentTeb();
  tib->StackLimit = (void *)os_stack_limit((uintptr_t)lo, (uintptr_t)lo + bytes);
}
