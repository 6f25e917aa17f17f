// Where code lies on Linux: dl_iterate_phdr(3), and what the linker says.
#include <elf.h>
#include <link.h>
#include "runtime/os/linux/stub.h"
#include "runtime/os/os.h"
#include "runtime/os/posix/signals.h"

// The linker knows the bounds of the section.
extern const char rt_text_lo[] __asm__("__start_rt_text");
extern const char rt_text_hi[] __asm__("__stop_rt_text");

bool os_runtime_text(uintptr_t pc) {
  return pc >= (uintptr_t)rt_text_lo && pc < (uintptr_t)rt_text_hi;
}

enum { TEXTS = 8 };
static struct {
  uintptr_t from, to;
} texts[TEXTS];
static int ntexts;

bool os_own_text(uintptr_t pc) {
  for (int i = 0; i < ntexts; i++)
    if (pc >= texts[i].from && pc < texts[i].to) return !os_context_stub(pc, texts[i].to);
  return false;
}

// The first object is the program (dl_iterate_phdr(3)).
static int note_text(struct dl_phdr_info *info, size_t size, void *unused) {
  (void)size, (void)unused;
  bool dynamic = false;
  int n = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
    if (ph->p_type == PT_INTERP) dynamic = true;
    if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X) || n == TEXTS) continue;
    texts[n].from = info->dlpi_addr + ph->p_vaddr;
    texts[n].to = texts[n].from + ph->p_memsz;
    n++;
  }
  ntexts = dynamic ? n : 0;
  return 1;
}

void os_text_find(void) { dl_iterate_phdr(note_text, NULL); }
