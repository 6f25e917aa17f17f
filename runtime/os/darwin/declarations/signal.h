// signal.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_SIGNAL_H_
#define STACKLAB_DECLARATIONS_SIGNAL_H_

#include <sys/types.h>

typedef uint32_t sigset_t;
typedef struct {
  int si_signo, si_errno, si_code;
  pid_t si_pid;
  uid_t si_uid;
  int si_status;
  void *si_addr;
  void *si_value;
  long si_band;
  unsigned long reserved[7];
} siginfo_t;

struct sigaction {
  union {
    void (*__sa_handler)(int sig);
    void (*__sa_sigaction)(int sig, siginfo_t *si, void *context);
  } __sigaction_u;
  sigset_t sa_mask;
  int sa_flags;
};
#define sa_handler __sigaction_u.__sa_handler
#define sa_sigaction __sigaction_u.__sa_sigaction

typedef struct {
  void *ss_sp;
  size_t ss_size;
  int ss_flags;
} stack_t;

int sigaction(int sig, const struct sigaction *action, struct sigaction *old);
int sigaltstack(const stack_t *stack, stack_t *old);
int sigemptyset(sigset_t *set);
int sigaddset(sigset_t *set, int sig);
int sigismember(const sigset_t *set, int sig);
int raise(int sig);

#define NSIG 32
#define SIGQUIT 3
#define SIGTRAP 5
#define SIGBUS 10
#define SIGSEGV 11
#define SIGURG 16
#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)
#define SIG_BLOCK 1
#define SIG_UNBLOCK 2
#define SIG_SETMASK 3
#define SA_ONSTACK 0x0001
#define SA_RESTART 0x0002
#define SA_RESETHAND 0x0004
#define SA_NODEFER 0x0010
#define SA_SIGINFO 0x0040
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRERR 2
#define SI_USER 0x10001
#define MINSIGSTKSZ 32768

#endif
