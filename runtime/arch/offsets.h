// offsets.h: where assembly finds what it needs of C's structures; sched/switch.c asserts it.
#ifndef STACKLAB_RUNTIME_ARCH_OFFSETS_H_
#define STACKLAB_RUNTIME_ARCH_OFFSETS_H_

// struct rt_g.  Its saved SP comes first; and first in struct rt_m comes g0.
#define RT_G_LOW 8
#define RT_G_LO 16
#define RT_G_HI 24
#define RT_G_M 112

#endif
