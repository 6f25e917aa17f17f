// child.h: runs a function in a forked process, since one that runs out of memory may end, crash
// or hang, and must not take the test along.
#ifndef STACKLAB_TESTS_CHILD_H_
#define STACKLAB_TESTS_CHILD_H_

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>

struct Child {
  int status = -1;  // of waitpid
  std::string err;  // what it wrote to stderr
  bool Exited(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
  bool Killed(int sig) const { return WIFSIGNALED(status) && WTERMSIG(status) == sig; }
  std::string Describe() const {
    std::string how = "status " + std::to_string(status);
    if (WIFEXITED(status)) how = "exit " + std::to_string(WEXITSTATUS(status));
    if (WIFSIGNALED(status)) how = "signal " + std::to_string(WTERMSIG(status));
    if (Killed(SIGALRM)) how = "hung";
    return how + (err.empty() ? "" : ", and said: " + err);
  }
};

// The caller has one thread.  A child that takes longer than `seconds` is ended by SIGALRM.
inline Child RunChild(const std::function<int()> &fn, unsigned seconds = 60) {
  int ends[2];
  if (pipe(ends) != 0) abort();
  const pid_t pid = fork();
  if (pid < 0) abort();
  if (pid == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    alarm(seconds);
    _exit(fn());
  }
  close(ends[1]);
  Child child;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    child.err.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  waitpid(pid, &child.status, 0);
  return child;
}

#endif
