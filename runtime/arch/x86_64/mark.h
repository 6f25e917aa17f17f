// mark.h: the low-water mark (arch.h): the word that split-stack code compares SP with.  glibc
// keeps it for that (tcbhead_t.__private_ss, sysdeps/x86_64/nptl/tls.h); it is 0 in a new thread.
// musl has the value of pthread_exit(3) there, which it writes when the thread is at its end.
#ifndef STACKLAB_RUNTIME_ARCH_X86_64_MARK_H_
#define STACKLAB_RUNTIME_ARCH_X86_64_MARK_H_

#define RT_LOW_MARK %fs:0x70

#endif
