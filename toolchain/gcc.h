// gcc.h: included first by the gcc toolchain: words of clang's that the sources use, for gcc 12.
#ifndef STACKLAB_TOOLCHAIN_GCC_H_
#define STACKLAB_TOOLCHAIN_GCC_H_

#define __has_feature(name) 0  // the sanitizers that the sources ask for are clang's

// The sources' headers are C and C++ at once, where clang has C's atomics in both.
#ifdef __cplusplus
#define _Atomic  // the layout is the same for every type that the sources make atomic
#endif

#define __c11_atomic_load __atomic_load_n
#define __c11_atomic_store __atomic_store_n
#define __c11_atomic_compare_exchange_strong(at, expected, desired, success, failure) \
  __atomic_compare_exchange_n(at, expected, desired, 0, success, failure)
#define __c11_atomic_compare_exchange_weak(at, expected, desired, success, failure) \
  __atomic_compare_exchange_n(at, expected, desired, 1, success, failure)

#endif
