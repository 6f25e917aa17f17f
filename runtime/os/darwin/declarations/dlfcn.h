// dlfcn.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_DLFCN_H_
#define STACKLAB_DECLARATIONS_DLFCN_H_

typedef struct {
  const char *dli_fname;
  void *dli_fbase;
  const char *dli_sname;
  void *dli_saddr;
} Dl_info;

int dladdr(const void *address, Dl_info *out);

#endif
