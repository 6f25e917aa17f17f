// setjmp.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_SETJMP_H_
#define STACKLAB_DECLARATIONS_SETJMP_H_

// As large as the larger of the two processors has it: x86-64 takes 38 ints, arm64 49.
typedef int sigjmp_buf[49];

int sigsetjmp(sigjmp_buf where, int mask) __attribute__((returns_twice));
_Noreturn void siglongjmp(sigjmp_buf where, int value);

#endif
