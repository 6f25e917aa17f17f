// `signal+checkpoint`: both, as the original system runs.  Checkpoints take the cheap growths,
// faults the rest.
#include "runtime/stack/growth/growth.h"

const struct rt_growth rt_growth_signal_checkpoint = {
    .name = "signal+checkpoint",
    .summary = "copy to a larger stack on resume when low, at go_checkpoint, and on a fault",
    .moves = true,
    .kind = RT_STACK_WIDE,
    .alloc = rt_growth_alloc,
    .shrink = rt_shrinkbycopy,
    .fault = rt_growatfault,
    .resume = rt_growatresume,
    .checkpoint = rt_growatcheckpoint,
};
