// text.h: included before everything else in every source of the runtime (runtime/defs.bzl): its
// code goes into a section of its own, whose bounds the linker knows.  See sched/preempt.h.
#ifdef __clang__
#pragma clang section text = "rt_text"
#endif
