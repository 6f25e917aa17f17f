// cases.h: the cases that are compiled by every compiler at every level.
#ifndef STACKLAB_BENCH_HAZARDS_CASES_CASES_H_
#define STACKLAB_BENCH_HAZARDS_CASES_CASES_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// outside.c: a pointer to a local that is kept where no move can find it.
uint64_t pointer_in_heap(uint64_t n), pointer_in_global(uint64_t n), pointer_in_tls(uint64_t n),
    list_on_heap(uint64_t n);
// disguised.c: a pointer on the stack that does not look like one.
uint64_t pointer_xored(uint64_t n), pointer_tagged_high(uint64_t n), pointer_tagged_low(uint64_t n),
    pointer_in_halves(uint64_t n), pointer_as_difference(uint64_t n), pointer_packed(uint64_t n),
    pointer_plain(uint64_t n), pointer_past_end(uint64_t n), pointer_to_top(uint64_t n),
    pointer_biased(uint64_t n);
// numbers.c: what a program decides from addresses, and numbers that look like them.
uint64_t address_hashed(uint64_t n), address_ordered(uint64_t n), number_equals_address(uint64_t n),
    half_over_pointer_low(uint64_t n), half_over_pointer_high(uint64_t n),
    alignment_of_two_pages(uint64_t n);
// jumps.c
uint64_t jump_setjmp(uint64_t n), jump_builtin(uint64_t n);
// goroutines.c: two goroutines, one of which has a pointer into the other's stack.
uint64_t result_slot_of_parent(uint64_t n), waitgroup_on_stack(uint64_t n),
    argument_on_stack(uint64_t n), mutex_held_over_growth(uint64_t n),
    stale_live_range(uint64_t n), sums_under_preemption(uint64_t n);
// kernel.c, and what its cases need to be done before go_run.
int kernel_prepare_file(void), kernel_prepare_sigaction(void), kernel_prepare_signal(void),
    kernel_prepare_nested(void), kernel_prepare_ignored(void), kernel_prepare_sigbus(void);
uint64_t read_by_instruction(uint64_t n), read_by_libc(uint64_t n), read_by_go_read(uint64_t n),
    handler_on_stack(uint64_t n), handler_on_sigaltstack(uint64_t n), errno_and_mask(uint64_t n),
    fault_with_sigaction(uint64_t n), fault_with_signal(uint64_t n), fault_by_default(uint64_t n),
    fault_in_handler(uint64_t n), fault_by_sigbus(uint64_t n);
// frames.c
uint64_t callee_saved(uint64_t n), copy_of_struct(uint64_t n), chain_over_a_call(uint64_t n),
    sort_on_stack(uint64_t n);
// unprobed.c: frames without probes.
uint64_t skip_guard_unprobed(uint64_t n), skip_guard_neighbour(uint64_t n);
// exceptions.cc
uint64_t exception_thrown(uint64_t n), exception_rethrown(uint64_t n),
    exception_destructors(uint64_t n);

#ifdef __cplusplus
}
#endif
#endif
