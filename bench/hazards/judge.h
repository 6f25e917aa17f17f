// judge.h: runs one sweep in a child process and says what became of it.
#ifndef STACKLAB_BENCH_HAZARDS_JUDGE_H_
#define STACKLAB_BENCH_HAZARDS_JUDGE_H_

#include "bench/hazards/sweep.h"

// From harmless to worst; the names are in judge.c.
enum verdict {
  NOT_APPLICABLE,  // the strategy never grows there, or this machine cannot run it
  REFUSED,         // the runtime does not let it come to that
  HOLDS,
  WRONG,
  KILLED,
  HANGS,
  CRASHES,
  UNPROVED,        // the case has not shown what it is there to show: a fault of the matrix
};

struct judgement {
  enum verdict verdict;
  char detail[300];  // what was seen, in words
  struct sweep sweep;
};

extern const char *const verdict_names[];

// judge runs the sweep.  The calling process has one thread.
void judge(const struct hazard *h, const struct rt_growth *g, struct judgement *out);

#endif
