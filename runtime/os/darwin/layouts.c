// What declarations/ says of macOS, held against what is documented: sizes and offsets of both
// processors.  Nothing here runs.
#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/event.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <ucontext.h>

#define AT(type, field, offset) \
  static_assert(offsetof(type, field) == (offset), #type ": " #field " is at " #offset)
#define SIZE(type, bytes) static_assert(sizeof(type) == (bytes), #type " has " #bytes " bytes")

// sigaction(2), sigaltstack(2); sys/signal.h.
SIZE(siginfo_t, 104);
AT(siginfo_t, si_code, 8);
AT(siginfo_t, si_addr, 24);
SIZE(struct sigaction, 16);
AT(struct sigaction, sa_mask, 8);
AT(struct sigaction, sa_flags, 12);
SIZE(stack_t, 24);
AT(stack_t, ss_size, 8);
AT(stack_t, ss_flags, 16);

// sys/_types/_ucontext.h: the registers hang from a pointer.
SIZE(ucontext_t, 56);
AT(ucontext_t, uc_stack, 8);
AT(ucontext_t, uc_mcsize, 40);
AT(ucontext_t, uc_mcontext, 48);
AT(struct __darwin_mcontext64, __ss, 16);
#ifdef __x86_64__
// mach/i386/_structs.h: x86_THREAD_STATE64 has 21 words, x86_FLOAT_STATE64 524 bytes.
SIZE(((struct __darwin_mcontext64 *)0)->__ss, 168);
SIZE(((struct __darwin_mcontext64 *)0)->__fs, 524);
AT(struct __darwin_mcontext64, __ss.__rbx, 24);
AT(struct __darwin_mcontext64, __ss.__rdi, 48);
AT(struct __darwin_mcontext64, __ss.__rsp, 72);
AT(struct __darwin_mcontext64, __ss.__rip, 144);
AT(struct __darwin_mcontext64, __fs.__fxsave, 192);
SIZE(struct __darwin_mcontext64, 712);
#else
// mach/arm/_structs.h: ARM_THREAD_STATE64 has 68 half-words, ARM_NEON_STATE64 528 bytes.
SIZE(((struct __darwin_mcontext64 *)0)->__ss, 272);
SIZE(((struct __darwin_mcontext64 *)0)->__ns, 528);
AT(struct __darwin_mcontext64, __ss.__fp, 248);
AT(struct __darwin_mcontext64, __ss.__lr, 256);
AT(struct __darwin_mcontext64, __ss.__sp, 264);
AT(struct __darwin_mcontext64, __ss.__pc, 272);
AT(struct __darwin_mcontext64, __ss.__cpsr, 280);
AT(struct __darwin_mcontext64, __ns, 288);
SIZE(struct __darwin_mcontext64, 816);
#endif

// kqueue(2).
SIZE(struct kevent, 32);
AT(struct kevent, filter, 8);
AT(struct kevent, flags, 10);
AT(struct kevent, fflags, 12);
AT(struct kevent, data, 16);
AT(struct kevent, udata, 24);

// ip(4), ip6(4), getaddrinfo(3): an address begins with its length.
SIZE(struct sockaddr, 16);
SIZE(struct sockaddr_in, 16);
AT(struct sockaddr_in, sin_family, 1);
AT(struct sockaddr_in, sin_addr, 4);
SIZE(struct sockaddr_in6, 28);
AT(struct sockaddr_in6, sin6_addr, 8);
AT(struct sockaddr_in6, sin6_scope_id, 24);
SIZE(struct addrinfo, 48);
AT(struct addrinfo, ai_addrlen, 16);
AT(struct addrinfo, ai_canonname, 24);
AT(struct addrinfo, ai_addr, 32);
AT(struct addrinfo, ai_next, 40);

// pthread(3), dladdr(3), clock_gettime(3), open(2).
SIZE(pthread_attr_t, 64);
SIZE(pthread_key_t, 8);
SIZE(Dl_info, 32);
SIZE(struct timespec, 16);
SIZE(clockid_t, 4);
SIZE(off_t, 8);

// Where macOS has other numbers than Linux.
static_assert(EAGAIN == 35 && EINPROGRESS == 36 && ENOTCONN == 57, "intro(2)");
static_assert(SIGBUS == 10 && SIGSEGV == 11 && SIGURG == 16 && SIGTRAP == 5, "signal(3)");
static_assert(SA_ONSTACK == 1 && SA_SIGINFO == 0x40 && SA_NODEFER == 0x10, "sigaction(2)");
static_assert(MAP_ANON == 0x1000 && MAP_FIXED == 0x10 && MAP_NORESERVE == 0x40, "mmap(2)");
static_assert(O_CREAT == 0x200 && O_TRUNC == 0x400 && O_CLOEXEC == 0x1000000, "open(2)");
static_assert(AF_INET6 == 30 && SOL_SOCKET == 0xffff && SO_NOSIGPIPE == 0x1022, "socket(2)");
static_assert(CLOCK_MONOTONIC == 6, "clock_gettime(3)");
