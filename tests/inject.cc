// Calls that count and fail on demand (inject.h).
#include "tests/inject.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

#include <atomic>

namespace inject {
namespace {

std::atomic<uint32_t> armed{0};  // mask; 0: nothing is counted
std::atomic<uint64_t> fail_from{0}, fail_to{0}, count{0}, failed{0};
std::atomic<int64_t> blocks{0};

std::atomic<void (*)()> meanwhile{nullptr};
std::atomic<int> meanwhile_call{kCalls};
std::atomic<uint64_t> meanwhile_in{0};

bool Fails(Call call) {
  if (call == meanwhile_call && --meanwhile_in == 0) {
    meanwhile_call = kCalls;
    meanwhile.load()();
  }
  if (!(armed.load() >> call & 1)) return false;
  const uint64_t n = count.fetch_add(1) + 1, from = fail_from.load();
  if (from == 0 || n < from || n > fail_to.load()) return false;
  failed.fetch_add(1);
  return true;
}

}  // namespace

const char *Name(int call) {
  static const char *const names[kCalls] = {"mmap",           "mprotect",      "madvise",
                                            "mremap",         "sigaltstack",   "pthread_create",
                                            "aligned_alloc",  "malloc"};
  return call < kCalls ? names[call] : "all";
}

void ArmRange(uint32_t mask, uint64_t first, uint64_t last) {
  count = 0;
  failed = 0;
  fail_from = first;
  fail_to = last;
  armed = mask;
}

void Arm(uint32_t mask, uint64_t n, bool persistent) {
  ArmRange(mask, n, persistent ? UINT64_MAX : n);
}

uint64_t Disarm() {
  armed = 0;
  return count;
}

void Meanwhile(Call call, uint64_t n, void (*fn)()) {
  meanwhile = fn;
  meanwhile_in = n;
  meanwhile_call = call;
}

uint64_t Count() { return count; }
uint64_t Failed() { return failed; }
int64_t LiveBlocks() { return blocks; }

}  // namespace inject

extern "C" {

void *__real_mmap(void *, size_t, int, int, int, off_t);
int __real_mprotect(void *, size_t, int);
int __real_madvise(void *, size_t, int);
void *__real_mremap(void *, size_t, size_t, int, void *);
int __real_sigaltstack(const stack_t *, stack_t *);
int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
void *__real_aligned_alloc(size_t, size_t);
void *__real_malloc(size_t);
void __real_free(void *);

void *__wrap_mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset) {
  if (!inject::Fails(inject::kMmap)) return __real_mmap(addr, bytes, prot, flags, fd, offset);
  errno = ENOMEM;
  return MAP_FAILED;
}

int __wrap_mprotect(void *addr, size_t bytes, int prot) {
  if (!inject::Fails(inject::kMprotect)) return __real_mprotect(addr, bytes, prot);
  errno = ENOMEM;
  return -1;
}

int __wrap_madvise(void *addr, size_t bytes, int advice) {
  if (!inject::Fails(inject::kMadvise)) return __real_madvise(addr, bytes, advice);
  errno = ENOMEM;
  return -1;
}

void *__wrap_mremap(void *from, size_t old_bytes, size_t bytes, int flags, ...) {
  va_list args;
  va_start(args, flags);
  void *to = va_arg(args, void *);  // the runtime always passes it (MREMAP_FIXED)
  va_end(args);
  if (!inject::Fails(inject::kMremap)) return __real_mremap(from, old_bytes, bytes, flags, to);
  errno = ENOMEM;
  return MAP_FAILED;
}

int __wrap_sigaltstack(const stack_t *stack, stack_t *old) {
  // Sanitizers, which are linked in, only ask for the present one.
  if (!stack || !inject::Fails(inject::kSigaltstack)) return __real_sigaltstack(stack, old);
  errno = ENOMEM;
  return -1;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*fn)(void *), void *arg) {
  if (inject::Fails(inject::kPthreadCreate)) return EAGAIN;
  return __real_pthread_create(thread, attributes, fn, arg);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
  void *p = inject::Fails(inject::kAlignedAlloc) ? nullptr : __real_aligned_alloc(alignment, bytes);
  if (p) inject::blocks++;
  return p;
}

void *__wrap_malloc(size_t bytes) {
  void *p = inject::Fails(inject::kMalloc) ? nullptr : __real_malloc(bytes);
  if (p) inject::blocks++;
  return p;
}

void __wrap_free(void *p) {
  if (p) inject::blocks--;
  __real_free(p);
}

}  // extern "C"
