// time.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_TIME_H_
#define STACKLAB_DECLARATIONS_TIME_H_

struct timespec {
  long tv_sec, tv_nsec;
};

typedef enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 6 } clockid_t;

int clock_gettime(clockid_t clock, struct timespec *out);
int nanosleep(const struct timespec *wanted, struct timespec *left);

#endif
