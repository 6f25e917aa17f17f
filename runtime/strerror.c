// Names of error codes.
#include <string.h>
#include "runtime/go.h"

const char *go_strerror(int code) {
  switch (code) {
    case GO_OK:
      return "no error";
    case GO_EINVAL:
      return "an argument or option is out of its range";
    case GO_ENOMEM:
      return "out of memory for runtime structures";
    case GO_EMAP:
      return "the system refused to map memory for a stack";
    case GO_EGUARD:
      return "the system refused to make the guard of a stack";
    case GO_EMAPCOUNT:
      return "the process has as many mappings as vm.max_map_count allows";
    case GO_ELIMIT:
      return "the stack would be larger than its limit";
    case GO_ETHREAD:
      return "the system refused a thread or its signal stack";
    case GO_ENOTG:
      return "not allowed on this stack: a goroutine is needed, or must not be";
    case GO_EMOVES:
      return "a pointer into the caller's own stack, which may move, cannot be shared";
    case GO_ESTRATEGY:
      return "no growth strategy has that name";
    case GO_ECLOSED:
      return "it is closed";
    case GO_EAGAIN:
      return "it would have to wait";
    case GO_ETIMEDOUT:
      return "its deadline has passed";
    case GO_ECANCELED:
      return "its context was cancelled";
    case GO_EDEADLOCK:
      return "all goroutines are asleep";
    case GO_ENOHOST:
      return "no host has that name";
    case GO_EPANIC:
      return "a goroutine of the scope has panicked";
    case GO_EPOLL:
      return "the system refused to make a poller";
    default:
      if (code < GO_ESYSTEM) return strerror(GO_ESYSTEM - code);
      return "unknown error code";
  }
}
