// options.h: the options of a go_run, from its config and the environment.
#ifndef STACKLAB_RUNTIME_SCHED_OPTIONS_H_
#define STACKLAB_RUNTIME_SCHED_OPTIONS_H_

#include "runtime/os/throw.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/shrink.h"
#include "runtime/sched/traceback.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rt_options {
  int32_t maxprocs;
  struct rt_spawn spawn;
  struct rt_growth_options growth;
  struct rt_stack_config stack;
  size_t adapt_most;  // 0: off
  bool asyncpreempt;
  struct rt_shrinkpolicy shrink;
  const char *trace;          // path; NULL: none
  const char *stack_profile;  // likewise
  uint32_t stack_profile_rate;
  enum rt_traceback_level traceback;
  uint64_t seed;  // 0: not deterministic
  uint32_t fail_every;
};

// rt_options_read fills in *out: a field of config that is set, else its environment variable
// (asked of getenv), else the default.  config may be NULL.  Returns 0, or GO_EINVAL with one line
// in *why that names the option and what it would take.  Touches nothing else.
int rt_options_read(const struct go_config *config, const char *(*getenv)(const char *),
                    struct rt_options *out, struct rt_text *why);

// rt_parse_size reads a size: decimal digits, then nothing, K, M or G.  False if it is not one,
// or is 0 or above 2^62.
bool rt_parse_size(const char *text, size_t *out);

#ifdef __cplusplus
}
#endif
#endif
