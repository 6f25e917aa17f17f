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
// beyond what it has asked for by call_with_stack or what checkpoint_bytes has had asked for it:
// that is the whole contract with the strategies that grow only when they are asked.
struct workload {
  const char *name;
  const char *library;     // what a reader would install, or "own code"
  const char *does;        // one sentence
  size_t checkpoint_bytes; // what run() is called with
  // Called once per process on an ordinary thread with a large stack; 0 on success.
  int (*prepare)(void);
  // The measured part.  `size` is 0 but for micro workloads that sweep over it.
  uint64_t (*run)(size_t size);
  enum { KIND_LIBRARY, KIND_MICRO_INITIAL, KIND_MICRO_SIZE, KIND_PROGRAM } kind;
  size_t fixed_left;       // bytes of stack left at entry; 0: swept by the harness
  const size_t *sizes;     // of a micro workload or a program, ended by 0
  unsigned quick_sizes;    // of a program: how many of them a quick comparison takes
  size_t iterations;       // times that one run() may grow, where that is what it is about; else 0
  // Programs of many goroutines: run() is called where the stack does not run out, and starts
  // them by crowd.h; `expect` computes the same checksum without them.
  uint64_t (*expect)(size_t size);
  bool without_thread;     // a thread in place of each goroutine would make no sense
  const char *shrink;      // GO_STACKSHRINK of its run, or SHRINK_ASKED; NULL: never, and it waits
                           // for nothing
};

#define SHRINK_ASKED "asked"  // by go_shrink

extern const struct workload *const workload_table[];  // ended by NULL

const struct workload *workload_find(const char *name);

// call_with_stack is go_call_on_stack where the caller is a goroutine, and just calls fn(arg) on a
// plain thread, and under `prologue`, whose checks are in the code of the workloads.  It ends the
// process with EXIT_REFUSED if the runtime says no.
void call_with_stack(size_t bytes, void (*fn)(void *), void *arg);

// clock_ns reads the monotonic clock; note_call adds the time of one call that may have grown the
// stack to those whose quantiles are reported.  Any stack, any thread.
uint64_t clock_ns(void);
void note_call(uint64_t ns);

// descend recurses in frames of about 128 bytes until `bytes` are used, calls leaf(arg) there, if
// it is not NULL, and returns a checksum made from every frame on the way back.  Any stack.
uint64_t descend(size_t bytes, void (*leaf)(void *), void *arg);

// workload_refuse says on stderr what failed with which GO_E* code, and ends the process with
// EXIT_REFUSED.  Any stack.
void workload_refuse(const char *what, int code);

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

// json_checksum parses a JSON text, asking for stack at every level.  json_parse.c
uint64_t json_checksum(const char *text, size_t n);

// The document: Clang's syntax tree of json_parse.c as JSON, made at build time.
const char *document_text(void);
size_t document_bytes(void);

#endif
