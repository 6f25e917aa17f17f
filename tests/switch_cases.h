// switch_cases.h: calls whose register discipline is checked; one switch_cases_<cpu>.S each.
#ifndef STACKLAB_TESTS_SWITCH_CASES_H_
#define STACKLAB_TESTS_SWITCH_CASES_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SWITCH_SAVED_MOST = 24 };
extern const int switch_nsaved;  // callee-saved registers, general ones first

// switch_check calls fn(arg) with the callee-saved registers loaded from switch_in and stores what
// they hold afterwards to switch_out.  Returns 0, or 1 if SP or the word at it is another.
// Registers beyond those are filled with junk before the call: nobody may count on them.
extern uint64_t switch_in[SWITCH_SAVED_MOST], switch_out[SWITCH_SAVED_MOST];
uint64_t switch_check(void (*fn)(void *), void *arg);

// switch_clobber adds 1 to register *(int *)i of them, as no function may.
void switch_clobber(void *i);

// switch_pop_too_much returns to its caller with SP raised too far.
void switch_pop_too_much(void *unused);

#ifdef __cplusplus
}
#endif
#endif
