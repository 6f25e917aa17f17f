// tracefile.h: a trace as JSON, in the array form of Google's "Trace Event Format": one event a
// line, whole lines per write, so that a file whose end is missing can be read as far as it goes.
// One file at a time; the caller keeps others away.
//
// Two groups of tracks ("processes" in the format): 1 has one per P, 2 one per M.
#ifndef STACKLAB_RUNTIME_SCHED_TRACEFILE_H_
#define STACKLAB_RUNTIME_SCHED_TRACEFILE_H_

#include <stdbool.h>
#include <stdint.h>
#include "runtime/sched/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

// rt_tracefile_open makes the file, or empties it, and writes its head.  0 or GO_ESYSTEM - errno.
int rt_tracefile_open(const char *path);

// rt_tracefile_thread names the track of an M.
void rt_tracefile_thread(uint32_t m, bool sysmon);

// rt_tracefile_write writes n records of one M.  Takes 8 KiB of stack; signal-safe.  After a failed
// write the file gets no more.
void rt_tracefile_write(const struct rt_tracerec *recs, uint32_t n, uint32_t m);

// rt_tracefile_close ends the file.  0, or the first error of a write.
int rt_tracefile_close(int64_t ns, uint64_t dropped);

#ifdef __cplusplus
}
#endif
#endif
