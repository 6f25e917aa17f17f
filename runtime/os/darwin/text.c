// Where code lies on macOS: getsectiondata(3).  Stubs of the linker's have a section of their own.
#include <mach-o/dyld.h>
#include <mach-o/getsect.h>
#include "runtime/os/os.h"
#include "runtime/os/posix/signals.h"

static uintptr_t text_lo, text_hi;

// The linker knows the bounds of the section that text.h names.
extern const char rt_text_lo[] __asm__("section$start$__TEXT$rt_text");
extern const char rt_text_hi[] __asm__("section$end$__TEXT$rt_text");

bool os_runtime_text(uintptr_t pc) {
  return pc >= (uintptr_t)rt_text_lo && pc < (uintptr_t)rt_text_hi;
}

// Image 0 is the program.
void os_text_find(void) {
  unsigned long bytes = 0;
  const void *header = _dyld_get_image_header(0);
  text_lo = (uintptr_t)getsectiondata(header, "__TEXT", "__text", &bytes);
  text_hi = text_lo + bytes;
}

bool os_own_text(uintptr_t pc) { return pc >= text_lo && pc < text_hi; }
