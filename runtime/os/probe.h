// probe.h: static probes (USDT) that bpftrace, perf and gdb can attach to: provider "stacklab".  A
// probe is a nop and a note in the ELF file that says where the arguments are; docs/observing.md
// lists them.  On Linux; where <sys/sdt.h> is missing (Debian: systemtap-sdt-dev) there are none.
#ifndef STACKLAB_RUNTIME_OS_PROBE_H_
#define STACKLAB_RUNTIME_OS_PROBE_H_

#if defined(__linux__) && __has_include(<sys/sdt.h>)

// Arguments lie in memory: a field that is named where it lies costs no instruction.
#define STAP_SDT_ARG_CONSTRAINT m
#include <sys/sdt.h>

#define RT_PROBE1(name, a) STAP_PROBE1(stacklab, name, a)
#define RT_PROBE2(name, a, b) STAP_PROBE2(stacklab, name, a, b)
#define RT_PROBE3(name, a, b, c) STAP_PROBE3(stacklab, name, a, b, c)
#define RT_PROBE4(name, a, b, c, d) STAP_PROBE4(stacklab, name, a, b, c, d)

#else

#define RT_PROBE1(name, a) ((void)(a))
#define RT_PROBE2(name, a, b) ((void)(a), (void)(b))
#define RT_PROBE3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#define RT_PROBE4(name, a, b, c, d) ((void)(a), (void)(b), (void)(c), (void)(d))

#endif

#endif
