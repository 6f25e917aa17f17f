// go_profile.h: which calls make stacks grow; part of go.h, and docs/observing.md.
//
// Every growth is recorded with the function that ran out of stack (or asked for more), up to 12 of
// its callers, the goroutine's first function, the sizes before and after, and the bytes copied.
// GO_STACKPROFILE=file does so for a whole go_run without any of these calls.
//
// All of them may be called on any thread and on any stack, before go_run and after; not in signal
// handlers, nor in a go_profile_sink.  Two at once wait for each other.
#ifndef STACKLAB_RUNTIME_GO_PROFILE_H_
#define STACKLAB_RUNTIME_GO_PROFILE_H_

#include <stddef.h>
#include <stdint.h>
#include "runtime/go_api.h"

GO_API_BEGIN

// go_profile_start forgets what was recorded and records one growth in `rate` from here on: the
// first, and then every rate-th of the process, counted, not drawn.  0 means 1: all of them.  It
// cannot fail.  Does not park.
void go_profile_start(uint32_t rate);

// go_profile_stop ends recording; what was recorded can still be written.  Does not park.
void go_profile_stop(void);

// go_profile_reset forgets what was recorded; recording goes on if it was on, at the same rate.
// Does not park.
void go_profile_reset(void);

enum go_profile_format {
  GO_PROFILE_TABLE,          // for people: a line per site, entry, cause and sizes
  GO_PROFILE_FOLDED,         // for flame graphs: "entry;caller;site N", N growths
  GO_PROFILE_FOLDED_BYTES,   // the same, N bytes copied
};

// go_profile_write writes what was recorded to a file descriptor.  Recording goes on meanwhile, and
// what it adds may be missing.  It blocks the thread, and nothing else runs on its P: on a slow
// descriptor use go_blocking.  Takes 16 KiB of the thread's stack or of the scheduler's, not of a
// goroutine's.  With a rate, numbers are those of what was recorded, times the rate.
// GO_EINVAL: no such format; GO_ESYSTEM - errno if the system did not take all of it.
int go_profile_write(int fd, enum go_profile_format format);

// go_profile_write_to hands the same to a function, in pieces of up to 4 KiB that do not end in 0.
// It runs on the scheduler's stack (on the caller's, off goroutines), must not park, and may call
// nothing of this library.  What it returns but 0 ends the writing and is returned.  GO_EINVAL.
typedef int (*go_profile_sink)(void *arg, const char *text, size_t bytes);
int go_profile_write_to(go_profile_sink sink, void *arg, enum go_profile_format format);

GO_API_END
#endif
