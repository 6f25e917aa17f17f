// profilefile.h: a growth profile as text.
#ifndef STACKLAB_RUNTIME_SCHED_PROFILEFILE_H_
#define STACKLAB_RUNTIME_SCHED_PROFILEFILE_H_

#include "runtime/go_profile.h"

#ifdef __cplusplus
extern "C" {
#endif

// rt_profilefile_write hands what was recorded to sink.  0, or what sink returned.  One thread at a
// time, while nobody begins another profile; 16 KiB of stack, no malloc, no lock.
int rt_profilefile_write(enum go_profile_format format, go_profile_sink sink, void *arg);

#ifdef __cplusplus
}
#endif
#endif
