// What a debugger needs to know of the runtime to find its goroutines (tools/gdb/goroutines.py).
// This file alone has full debug information in every build (see BUILD): the types that rt_layout
// leads to.
#include "runtime/sched/deterministic.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/traceback.h"
#include "runtime/sched/waitreason.h"

struct rt_layout {
  const struct rt_sched *sched;
  const struct rt_det *det;
  const char *const *gstatus_names;     // by enum rt_gstatus
  const char *const *waitreason_names;  // by enum rt_waitreason
  enum rt_gstatus gstatus;              // for its type alone
};

extern const struct rt_layout rt_layout;
__attribute__((used)) const struct rt_layout rt_layout = {
    &rt_sched, &rt_det, rt_gstatus_names, rt_waitreason_names, RT_GIDLE};
