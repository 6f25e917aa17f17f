// judge.c: a sweep in a child process, and the verdict from what the child did.  See judge.h.
#include "bench/hazards/judge.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/go.h"

// Of the processor, which a busy machine does not shorten; and of the clock, for what only waits.
enum { MOST_CPU_SECONDS = 4, MOST_SECONDS = 60 };

const char *const verdict_names[] = {"n/a", "refused", "holds", "wrong",
                                     "killed", "hangs", "crashes", "unproved"};

static void die(const char *what) {
  perror(what);
  exit(3);
}

__attribute__((noreturn)) static void be_child(const struct hazard *h, const struct rt_growth *g,
                                               struct sweep *sweep, int err) {
  const struct rlimit none = {0, 0}, cpu = {MOST_CPU_SECONDS, MOST_CPU_SECONDS + 2};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_CPU, &cpu);
  signal(SIGXCPU, SIG_DFL);
  signal(SIGALRM, SIG_DFL);
  alarm(MOST_SECONDS);
  dup2(err, 2);
  sweep_run(h, g, sweep);
  _exit(0);
}

// The first line that the child wrote to stderr, without what differs from run to run.
static void first_line(int err, char *out, size_t bytes) {
  const ssize_t n = pread(err, out, bytes - 1, 0);
  out[n > 0 ? n : 0] = 0;
  out[strcspn(out, "\n")] = 0;
}

// What a child that was ended by a signal has come to.
static enum verdict of_signal(int sig) {
  switch (sig) {
    case SIGXCPU:
    case SIGALRM:
      return HANGS;
    case SIGKILL:
      return KILLED;
    default:
      return CRASHES;
  }
}

// All that was called came back, with the right results: was there anything to come back from?
static enum verdict of_right(const struct hazard *h, const struct rt_growth *g,
                             const struct sweep *s, char *detail, size_t bytes) {
  if (s->roomy == s->begun) {
    snprintf(detail, bytes, "has room from the start");
    return HOLDS;
  }
  if (h->overruns) return HOLDS;
  const bool proved = h->moment == IN_A_CALL ? s->grow_calls > 0 && s->grown == s->grow_calls
                                             : s->grew > 0 && s->grew >= s->must_grow;
  if (!proved || (g->moves && s->moved == 0)) {
    snprintf(detail, bytes, "right, but the stack has not grown as it should have: %u of %u calls",
             h->moment == IN_A_CALL ? s->grown : s->grew,
             h->moment == IN_A_CALL ? s->grow_calls : s->begun);
    return UNPROVED;
  }
  snprintf(detail, bytes, "grew in %u of %u calls, moved in %u", s->grew, s->begun, s->moved);
  return HOLDS;
}

static enum verdict of_return(const struct hazard *h, const struct rt_growth *g,
                              const struct sweep *s, char *detail, size_t bytes) {
  if (s->failed) {
    snprintf(detail, bytes, "the case could not be set up");
    return UNPROVED;
  }
  if (s->not_here[0]) {
    snprintf(detail, bytes, "%s", s->not_here);
    return NOT_APPLICABLE;
  }
  if (s->wrong > 0) {
    snprintf(detail, bytes, "%u of %u results wrong, the first with %u bytes left", s->wrong,
             s->ended, s->wrong_left);
    return WRONG;
  }
  if (s->strayed > 0) {
    snprintf(detail, bytes, "%u of %u calls returned on a stack that the goroutine had left",
             s->strayed, s->ended);
    return WRONG;
  }
  if (s->refused) {
    snprintf(detail, bytes, "%s", go_strerror(s->refused));
    return REFUSED;
  }
  if (h->dies_of) {
    snprintf(detail, bytes, "survived what should have ended it");
    return WRONG;
  }
  return of_right(h, g, s, detail, bytes);
}

static void decide(const struct hazard *h, const struct rt_growth *g, int status, int err,
                   struct judgement *out) {
  const struct sweep *s = &out->sweep;
  char line[200];
  first_line(err, line, sizeof line);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    out->verdict = of_return(h, g, s, out->detail, sizeof out->detail);
  } else if (WIFEXITED(status)) {
    out->verdict = CRASHES;
    snprintf(out->detail, sizeof out->detail, "exit %d with %u bytes left: %s",
             WEXITSTATUS(status), s->left, line);
  } else if (h->dies_of && WTERMSIG(status) == h->dies_of && s->dying) {
    out->verdict = of_right(h, g, s, out->detail, sizeof out->detail);
  } else {
    out->verdict = of_signal(WTERMSIG(status));
    snprintf(out->detail, sizeof out->detail, "SIG%s with %u bytes left%s%s%s%s",
             sigabbrev_np(WTERMSIG(status)), s->left, s->instruction[0] ? ", " : "",
             s->instruction, line[0] ? ": " : "", line);
  }
}

void judge(const struct hazard *h, const struct rt_growth *g, struct judgement *out) {
  memset(out, 0, sizeof *out);
  if (!sweep_modes(h, g)) {
    out->verdict = NOT_APPLICABLE;
    snprintf(out->detail, sizeof out->detail, "grows only where the program asks, not inside this");
    return;
  }
  struct sweep *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const int err = memfd_create("stderr", MFD_CLOEXEC);
  if (shared == MAP_FAILED || err < 0) die("hazards: no memory");
  fflush(stdout);
  const pid_t pid = fork();
  if (pid < 0) die("hazards: fork");
  if (pid == 0) be_child(h, g, shared, err);
  int status;
  if (waitpid(pid, &status, 0) != pid) die("hazards: waitpid");
  out->sweep = *shared;
  decide(h, g, status, err, out);
  munmap(shared, sizeof *shared);
  close(err);
}
