// harness.h: runs one workload many times under one growth strategy and records what happened.
#ifndef STACKLAB_BENCH_WORKLOADS_HARNESS_H_
#define STACKLAB_BENCH_WORKLOADS_HARNESS_H_

#include "bench/workloads/workload.h"

enum { MAX_REPEAT = 1000000 };

// One command of the program.
struct trial {
  const struct workload *workload;
  const char *growth;  // a strategy's name, or "thread": the baseline, one plain thread
  size_t initial;      // first size of the stack
  size_t size;         // given to run()
  unsigned repeat;     // timed repetitions
  unsigned warmup;     // repetitions before them, checked but not timed
  unsigned canary;     // of this repetition, from 1, the result is made wrong; 0: of none
};

// What one repetition has to tell; never on a stack that moves.
struct repetition {
  const struct trial *trial;
  size_t left;  // bytes of stack left at entry
  uint64_t ns;
  uint64_t checksum;
  bool frames_intact;  // the frames above the workload, see fill_frames
};

// trial_run runs the trial and writes one JSON line per repetition and one for the whole to
// stdout.  Ordinary thread only.  Returns 0, or EXIT_WRONG or EXIT_REFUSED after a line on stderr.
int trial_run(const struct trial *trial);

// stack_left returns how much stack repetition i is entered with.
size_t stack_left(const struct trial *trial, unsigned i);

#endif
