// syscall_cases.h: system calls that no function of libc makes.  One syscall_cases_<cpu>.S each.
#ifndef STACKLAB_TESTS_SYSCALL_CASES_H_
#define STACKLAB_TESTS_SYSCALL_CASES_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// case_read_below calls read(2) into the `bytes` that end 128 below SP, which nothing touches: no
// call pushes anything there, and no code has probed it.  Returns what the kernel does.
long case_read_below(int fd, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
