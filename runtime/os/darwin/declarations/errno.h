// errno.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_ERRNO_H_
#define STACKLAB_DECLARATIONS_ERRNO_H_

extern int *__error(void);
#define errno (*__error())

// intro(2).
#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define ENOMEM 12
#define EFAULT 14
#define EINVAL 22
#define EAGAIN 35
#define EWOULDBLOCK EAGAIN
#define EINPROGRESS 36
#define EAFNOSUPPORT 47
#define EADDRNOTAVAIL 49
#define ECONNABORTED 53
#define ENOTCONN 57
#define ETIMEDOUT 60
#define EPROTO 100

#endif
