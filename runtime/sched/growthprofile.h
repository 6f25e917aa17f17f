// growthprofile.h: the growth profile of go_profile.h: what the scheduler adds to the table of
// runtime/stack/profile.h: whose stack it was, who called, and when it is written.
#ifndef STACKLAB_RUNTIME_SCHED_GROWTHPROFILE_H_
#define STACKLAB_RUNTIME_SCHED_GROWTHPROFILE_H_

#include <stdint.h>
#include "runtime/os/throw.h"
#include "runtime/sched/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

// rt_growthprofile_record records the last move of the M of g, if it made the stack larger and is
// to be recorded.  pc: where g was interrupted, in the handler that did that or in anything else
// whose frames lead an unwinder there; 0: this is g0, and a switch has saved g.  Signal-safe.
void rt_growthprofile_record(struct rt_g *g, enum rt_tracecause by, uintptr_t pc);

// rt_growthprofile_open begins a profile for a file: its name says the format.  GO_EINVAL, with one
// line in *why, if it cannot be written.  rt_growthprofile_close writes it; nothing if none was
// opened.  While nothing runs.
int rt_growthprofile_open(const char *path, uint32_t rate, struct rt_text *why);
void rt_growthprofile_close(void);
extern bool rt_growthprofile_opened;

// rt_growthprofile_lastwords writes the file of a process that is about to end.  Any stack but a
// goroutine's; signal-safe.
void rt_growthprofile_lastwords(void);

#ifdef __cplusplus
}
#endif
#endif
