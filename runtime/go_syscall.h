// go_syscall.h: calls that block the thread; part of go.h.
//
// A goroutine in a blocking call keeps its thread, and lets others run the goroutines meanwhile.
#ifndef STACKLAB_RUNTIME_GO_SYSCALL_H_
#define STACKLAB_RUNTIME_GO_SYSCALL_H_

#include <stddef.h>
#include <stdint.h>
#include "runtime/go_api.h"

GO_API_BEGIN

// go_blocking runs fn(arg) on the thread's own stack, which is as large as the system's default
// (8 MiB as a rule), and returns when fn has: for functions that block or need more stack than a
// goroutine has.  fn must not call go_* functions (they answer GO_ENOTG); arg may point into the
// caller's stack, which stays where it is until fn returns.  errno does not survive: take it in
// fn.  Goroutine only; parks afterwards if others have taken its place.  GO_EINVAL, GO_ENOTG.
int go_blocking(void (*fn)(void *), void *arg);

// go_entersyscall says that the calls that follow may block; go_exitsyscall, that they are done.
// Between them: no go_* function, and no more stack than there is.  A short call costs two atomic
// instructions; one that lasts (20 us to 10 ms) loses its place to other goroutines.  errno does
// not survive go_exitsyscall, which may return on another thread: take it before.
// Goroutine only; exit may park.  GO_ENOTG.
int go_entersyscall(void);
int go_exitsyscall(void);

// read(2), write(2), pread(2), pwrite(2) between those two.  The buffer may be an
// array of the caller's that has never been touched: where the guard is still in its way, a bare
// system call would get EFAULT, while these functions make the stack grow first, as go_entersyscall
// does for all frames there are.
// Bytes done, or GO_ESYSTEM - errno, GO_ENOTG, GO_EINVAL (a negative offset).  A call that a signal
// interrupts starts again.
int64_t go_read(int fd, void *buffer, size_t bytes);
int64_t go_write(int fd, const void *buffer, size_t bytes);
int64_t go_pread(int fd, void *buffer, size_t bytes, int64_t offset);
int64_t go_pwrite(int fd, const void *buffer, size_t bytes, int64_t offset);

GO_API_END
#endif
