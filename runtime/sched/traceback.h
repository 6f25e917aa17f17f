// traceback.h: what the runtime tells about its goroutines when the process fails, or on SIGQUIT.
#ifndef STACKLAB_RUNTIME_SCHED_TRACEBACK_H_
#define STACKLAB_RUNTIME_SCHED_TRACEBACK_H_

#include "runtime/sched/sched.h"

#ifdef __cplusplus
extern "C" {
#endif

enum rt_traceback_level { RT_TRACEBACK_NONE, RT_TRACEBACK_SINGLE, RT_TRACEBACK_ALL };

// rt_traceback_init makes rt_lastwords tell about goroutines while a scheduler runs, and SIGQUIT
// end the process with that; rt_traceback_done ends the former.  While nothing runs.  GO_ETHREAD.
int rt_traceback_init(enum rt_traceback_level level);
void rt_traceback_done(void);

// rt_traceback_join notes that m is the calling thread, which can be stopped from here on; fills in
// m->self.
void rt_traceback_join(struct rt_m *m);

// The words for states; "" for RT_GWAITING, of which the reason is told instead.
extern const char *const rt_gstatus_names[RT_GSTATES];

#ifdef __cplusplus
}
#endif
#endif
