// go_api.h: what surrounds the declarations of every public header.
#ifndef STACKLAB_RUNTIME_GO_API_H_
#define STACKLAB_RUNTIME_GO_API_H_

// Public functions have C linkage and are never inlined into the program, not even by an optimising
// linker: preemption tells the runtime's code, which it must not interrupt, from the program's by
// its address (docs/preemption.md).
#ifdef __clang__
#define GO_API_NOINLINE_PUSH \
  _Pragma("clang attribute push(__attribute__((noinline)), apply_to = function)")
#define GO_API_NOINLINE_POP _Pragma("clang attribute pop")
#else
#define GO_API_NOINLINE_PUSH
#define GO_API_NOINLINE_POP
#endif

#ifdef __cplusplus
#define GO_API_BEGIN extern "C" { GO_API_NOINLINE_PUSH
#define GO_API_END GO_API_NOINLINE_POP }
#else
#define GO_API_BEGIN GO_API_NOINLINE_PUSH
#define GO_API_END GO_API_NOINLINE_POP
#endif

#endif
