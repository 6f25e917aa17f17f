// workload.h: what a workload is.  One file per library defines its rows; table.c lists them;
// harness.c runs one of them at many stack positions; main.c is the command line.
#ifndef STACKLAB_BENCH_WORKLOADS_WORKLOAD_H_
#define STACKLAB_BENCH_WORKLOADS_WORKLOAD_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A workload runs on the stack that is being studied and returns a checksum of its result.
//
// `run` must give the same checksum on every call, and must need no stack below its caller
// beyond what it has asked for by need_stack or what checkpoint_bytes has had asked for it:
// that is the whole contract with the strategies that grow at checkpoints only.
struct workload {
  const char *name;
  const char *library;     // what a reader would install, or "own code"
  const char *does;        // one sentence
  size_t checkpoint_bytes; // asked of go_checkpoint just before run()
  // Called once per process on an ordinary thread with a large stack; 0 on success.
  int (*prepare)(void);
  // The measured part.  `size` is 0 but for micro workloads that sweep over it.
  uint64_t (*run)(size_t size);
  enum { KIND_LIBRARY, KIND_MICRO_INITIAL, KIND_MICRO_SIZE } kind;
  size_t fixed_left;       // bytes of stack left at entry; 0: swept by the harness
  const size_t *sizes;     // of a micro workload, ended by 0
};

extern const struct workload *const workload_table[];  // ended by NULL

const struct workload *workload_find(const char *name);

// need_stack calls go_checkpoint(bytes) where the caller is a goroutine; it does nothing on a plain
// thread, nor under `prologue`, whose checks are in the code of the workloads.  It ends the process
// with EXIT_REFUSED if the runtime says no.
void need_stack(size_t bytes);

enum { EXIT_WRONG = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3 };

// ---- Checksums: FNV-1a over bytes, so that a result is compared whole and printed short --------
static const uint64_t checksum_seed = 0xcbf29ce484222325u;

static inline uint64_t checksum_word(uint64_t sum, uint64_t word) {
  return (sum ^ word) * 0x100000001b3u;
}

static inline uint64_t checksum_bytes(uint64_t sum, const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  for (size_t i = 0; i < n; i++)
    sum = checksum_word(sum, p[i]);
  return sum;
}

static inline uint64_t checksum_string(uint64_t sum, const char *s) {
  for (; *s; s++)
    sum = checksum_word(sum, (unsigned char)*s);
  return checksum_word(sum, 0);
}

// The document: Clang's syntax tree of json_parse.c as JSON, made at build time.
const char *document_text(void);
size_t document_bytes(void);

#endif
