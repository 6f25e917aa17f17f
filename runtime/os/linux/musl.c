// What glibc has and musl does not.
#include <link.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// ---- For netpoll.c -----------------------------------------------------------------------------

int epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *limit,
                 const sigset_t *mask);

int epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *limit,
                 const sigset_t *mask) {
  return (int)syscall(SYS_epoll_pwait2, epoll, events, most, limit, mask, _NSIG / 8);
}

// ---- For libgcc's unwinder: Debian has one libgcc, made for glibc ------------------------------
// In programs that are linked statically: there is one object.

// dlfcn.h of glibc 2.35 and later, as it is on x86-64.
struct dl_find_object {
  unsigned long long flags;
  void *map_start, *map_end;
  struct link_map *link_map;
  void *eh_frame;  // of PT_GNU_EH_FRAME
  unsigned long long reserved[7];
};
int _dl_find_object(void *pc, struct dl_find_object *out);

struct search {
  uintptr_t pc;
  struct dl_find_object *out;
};

static int look(struct dl_phdr_info *info, size_t size, void *p) {
  const struct search *s = p;
  void *frames = NULL;
  int within = 0;
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
    const uintptr_t from = info->dlpi_addr + ph->p_vaddr;
    if (ph->p_type == PT_GNU_EH_FRAME) frames = (void *)from;
    if (ph->p_type != PT_LOAD || s->pc - from >= ph->p_memsz) continue;
    within = 1;
    s->out->map_start = (void *)from;
    s->out->map_end = (void *)(from + ph->p_memsz);
  }
  s->out->eh_frame = frames;
  return within && frames;
}

// _dl_find_object takes no lock, as in glibc: musl's dl_iterate_phdr takes none in such programs.
int _dl_find_object(void *pc, struct dl_find_object *out) {
  struct search s = {(uintptr_t)pc, out};
  *out = (struct dl_find_object){0};
  return dl_iterate_phdr(look, &s) ? 0 : -1;
}
