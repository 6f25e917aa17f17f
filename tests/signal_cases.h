// signal_cases.h: the instructions of signal_cases_<cpu>.S, each run with SP at an address of
// choice on the running stack, so that the guard falls at any byte of what they touch.
#ifndef STACKLAB_TESTS_SIGNAL_CASES_H_
#define STACKLAB_TESTS_SIGNAL_CASES_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Each returns 0, or a number that says which of its checks failed.
typedef uint64_t (*case_fn)(uintptr_t sp);
uint64_t case_push(uintptr_t sp), case_push_memory(uintptr_t sp), case_push_sp(uintptr_t sp),
    case_push_word(uintptr_t sp), case_pushf(uintptr_t sp), case_pop_memory(uintptr_t sp),
    case_call(uintptr_t sp), case_call_register(uintptr_t sp), case_call_memory(uintptr_t sp),
    case_call_memory_below(uintptr_t sp), case_enter(uintptr_t sp), case_enter_nested(uintptr_t sp),
    case_movsb(uintptr_t sp), case_movsb_down(uintptr_t sp), case_movsq(uintptr_t sp),
    case_movsq_down(uintptr_t sp), case_movsb_on_stack(uintptr_t sp), case_stosb(uintptr_t sp),
    case_stosb_down(uintptr_t sp), case_stosq(uintptr_t sp), case_stosq_down(uintptr_t sp),
    case_cmpxchg16b(uintptr_t sp), case_xchg(uintptr_t sp), case_fxsave(uintptr_t sp),
    case_xsave(uintptr_t sp), case_store(uintptr_t sp), case_load(uintptr_t sp),
    case_store_xmm(uintptr_t sp), case_store_ymm(uintptr_t sp), case_store_zmm(uintptr_t sp),
    case_scatter(uintptr_t sp), case_add(uintptr_t sp), case_xadd(uintptr_t sp);

// The red zone: stores to the 128 bytes below SP from the top down, then reads them all back.
uint64_t case_redzone(uintptr_t sp);
uint64_t case_redzone_whole(uintptr_t sp);  // stores below the red zone once it is full
// The red zone holds pointers to itself; each is followed after the last store.
uint64_t case_redzone_pointers(uintptr_t sp);
// A pointer 4168 bytes below SP is computed, then a call pushes, then the callee fills 4096 bytes
// at the pointer.
uint64_t case_fill_below(uintptr_t sp);
// An array of the frame is addressed by a base 1,000,000 bytes below it.
uint64_t case_biased_base(uintptr_t sp);
// A frame of 64 KiB whose lowest byte is touched first.
uint64_t case_large_frame(uintptr_t sp);
// A frame of 1 MiB probed a page at a time, its far end in a register.
uint64_t case_probe_loop(uintptr_t sp);

#ifdef __cplusplus
}
#endif
#endif
