// signal_frames.h: C whose stack runs out in the middle, compiled with optimisation and probes
// whatever the mode of the build is: what the compiler does to pointers is under test.
#ifndef STACKLAB_TESTS_SIGNAL_FRAMES_H_
#define STACKLAB_TESTS_SIGNAL_FRAMES_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Each takes one number and returns what the same code returns on any other stack.
// case_call_at (call_at.h) runs them at a chosen distance from the guard.
uint64_t frame_leaf(uint64_t seed);        // a leaf with locals in the red zone
uint64_t frame_copy(uint64_t seed);        // a struct of pointers into the stack, copied by vectors
uint64_t frame_fill(uint64_t seed);        // a local array set before it is used
uint64_t frame_accumulate(uint64_t depth); // a sum handed down a recursion by pointer
uint64_t frame_chain(uint64_t depth);      // each frame points at its caller's; walked at the end
uint64_t frame_array(uint64_t depth);      // an array of every frame is given to the next
uint64_t frame_format(uint64_t depth);     // snprintf in every frame
uint64_t frame_sort(uint64_t n);           // qsort with a comparison, of a local array
uint64_t frame_5_pages(uint64_t seed), frame_64k(uint64_t seed), frame_1m(uint64_t seed),
    frame_8m(uint64_t seed);               // large frames, probed page by page
uint64_t frame_variable(uint64_t bytes);   // alloca, probed
uint64_t frame_end_pointer(uint64_t n);    // a loop that ends at one past the end of its array

#ifdef __cplusplus
}
#endif
#endif
