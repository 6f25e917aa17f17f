// Backtraces on Windows: the system's unwinder over the tables of the program and its libraries,
// and for names the symbol table of the program's file (PE/COFF, "COFF Symbol Table"), which ld and
// lld leave there unless it is stripped.  No lines: nothing here reads DWARF.
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include "runtime/os/os.h"

enum { MAX_FRAMES = 100, LINE_BYTES = 512, NAME_BYTES = 160 };

// ---- Names -------------------------------------------------------------------------------------

// The file of the program as a whole, mapped once, for good.
struct image {
  const IMAGE_FILE_HEADER *header;
  const IMAGE_SECTION_HEADER *sections;
  const unsigned char *symbols;  // records of IMAGE_SIZEOF_SYMBOL bytes
  const char *strings;           // of long names, by their offset
  size_t nstrings;               // bytes
};

static const unsigned char *map_program(size_t *bytes) {
  wchar_t path[MAX_PATH];
  const DWORD n = GetModuleFileNameW(NULL, path, MAX_PATH);
  if (n == 0 || n == MAX_PATH) return NULL;
  const HANDLE file =
      CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
  if (file == INVALID_HANDLE_VALUE) return NULL;
  LARGE_INTEGER size;
  const HANDLE mapping = GetFileSizeEx(file, &size)
                             ? CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL)
                             : NULL;
  CloseHandle(file);
  if (!mapping) return NULL;
  const void *at = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
  CloseHandle(mapping);
  *bytes = (size_t)size.QuadPart;
  return at;
}

static bool read_image(struct image *out) {
  size_t bytes = 0;
  const unsigned char *at = map_program(&bytes);
  if (!at || bytes < sizeof(IMAGE_DOS_HEADER)) return false;
  const size_t nt = (size_t)((const IMAGE_DOS_HEADER *)at)->e_lfanew;
  if (nt > bytes - sizeof(IMAGE_NT_HEADERS64)) return false;
  const IMAGE_NT_HEADERS64 *h = (const IMAGE_NT_HEADERS64 *)(at + nt);
  const size_t symbols = h->FileHeader.PointerToSymbolTable;
  const size_t n = h->FileHeader.NumberOfSymbols;
  const size_t strings = symbols + n * IMAGE_SIZEOF_SYMBOL;
  if (n == 0 || strings > bytes) return false;
  *out = (struct image){&h->FileHeader, IMAGE_FIRST_SECTION(h), at + symbols,
                        (const char *)at + strings, bytes - strings};
  return true;
}

static const struct image *program(void) {
  static struct image image;
  static _Atomic int state;  // 0: nobody has asked; 1: somebody reads it; 2: read; 3: there is none
  int none = 0;
  if (atomic_compare_exchange_strong(&state, &none, 1))
    atomic_store(&state, read_image(&image) ? 2 : 3);
  return atomic_load(&state) == 2 ? &image : NULL;
}

static void name_of(const struct image *p, const IMAGE_SYMBOL *s, char out[NAME_BYTES]) {
  if (s->N.Name.Short) {
    snprintf(out, NAME_BYTES, "%.8s", (const char *)s->N.ShortName);
  } else if (s->N.Name.Long < p->nstrings) {
    snprintf(out, NAME_BYTES, "%s", p->strings + s->N.Name.Long);
  }
  char *promoted = strstr(out, ".llvm.");  // ThinLTO's mark of a static function
  if (promoted) *promoted = 0;
}

struct symbol {
  char name[NAME_BYTES];
  uintptr_t start;
};

// The last symbol before pc, of those that may be functions.
static bool look_up(uintptr_t pc, struct symbol *out) {
  const struct image *p = program();
  const uintptr_t base = (uintptr_t)GetModuleHandleW(NULL);
  IMAGE_SYMBOL best;
  out->start = 0;
  out->name[0] = 0;
  for (DWORD i = 0; p && i < p->header->NumberOfSymbols; i++) {
    IMAGE_SYMBOL s;
    memcpy(&s, p->symbols + (size_t)i * IMAGE_SIZEOF_SYMBOL, IMAGE_SIZEOF_SYMBOL);
    i += s.NumberOfAuxSymbols;
    if (s.SectionNumber <= 0 || s.SectionNumber > p->header->NumberOfSections) continue;
    if (s.StorageClass != IMAGE_SYM_CLASS_EXTERNAL && s.StorageClass != IMAGE_SYM_CLASS_STATIC)
      continue;
    const IMAGE_SECTION_HEADER *section = &p->sections[s.SectionNumber - 1];
    if (!(section->Characteristics & IMAGE_SCN_MEM_EXECUTE)) continue;
    const uintptr_t lo = base + section->VirtualAddress, start = lo + s.Value;
    if (pc < lo || pc >= lo + section->Misc.VirtualSize) continue;
    if (start > pc || start < out->start) continue;
    best = s;
    out->start = start;
  }
  if (out->start == 0) return false;
  name_of(p, &best, out->name);
  return out->name[0] != 0;
}

// Where pc lies in the file that it is of.
static void place_of(uintptr_t pc, char *out, size_t bytes) {
  HMODULE module;
  char path[MAX_PATH];
  const DWORD how = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                    GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
  if (!GetModuleHandleExA(how, (const char *)pc, &module) ||
      !GetModuleFileNameA(module, path, sizeof path)) {
    snprintf(out, bytes, "%#zx", (size_t)pc);
    return;
  }
  const char *slash = strrchr(path, '\\');
  snprintf(out, bytes, "%s+%#zx", slash ? slash + 1 : path, (size_t)(pc - (uintptr_t)module));
}

void os_symbol(uintptr_t pc, char *out, size_t bytes) {
  struct symbol s;
  if (look_up(pc, &s))
    snprintf(out, bytes, "%s", s.name);
  else
    place_of(pc, out, bytes);
}

void os_line(uintptr_t pc, char *out, size_t bytes) {
  (void)pc;
  if (bytes > 0) out[0] = 0;
}

// ---- Frames ------------------------------------------------------------------------------------

// Goes from a frame to the one that called it; false: nobody did.
static bool step(CONTEXT *c) {
  DWORD64 base, frame;
  void *data;
  RUNTIME_FUNCTION *f = RtlLookupFunctionEntry(c->Rip, &base, NULL);
  if (f) {
    RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, c->Rip, f, c, &data, &frame, NULL);
  } else {
    c->Rip = *(DWORD64 *)c->Rsp;  // a leaf, which has nothing but a return address
    c->Rsp += 8;
  }
  return c->Rip != 0;
}

// pc: what is said; call: an address within the instruction that is being run.
static void print_frame(int i, uintptr_t pc, uintptr_t call) {
  char line[LINE_BYTES], place[LINE_BYTES / 2];
  struct symbol s;
  int n;
  if (look_up(call, &s)) {
    n = snprintf(line, sizeof line, "  #%d %#zx %s+%#zx\n", i, (size_t)pc, s.name,
                 (size_t)(pc - s.start));
  } else {
    place_of(pc, place, sizeof place);
    n = snprintf(line, sizeof line, "  #%d %#zx %s\n", i, (size_t)pc, place);
  }
  os_print(line, (size_t)n);
}

void os_backtrace(uintptr_t from) {
  CONTEXT c;
  int n = 0;
  RtlCaptureContext(&c);
  // Prints each frame as it comes: the next may not be readable.
  do {
    if (n == 0 && c.Rip != from) continue;
    print_frame(n, c.Rip, n == 0 ? c.Rip : c.Rip - 1);
    n++;
  } while (n < MAX_FRAMES && step(&c));
  if (n == 0) print_frame(0, from, from);  // the unwinder did not get there
}

bool os_callers_init(void) { return true; }

void os_callers(uintptr_t from, uintptr_t *out, int most, int *n) {
  enum { BEFORE_MOST = 32 };
  CONTEXT c;
  int before = 0;
  RtlCaptureContext(&c);
  do {
    if (*n == 0 && c.Rip != from) {
      if (++before > BEFORE_MOST) return;
      continue;
    }
    if (*n < most) out[*n] = *n == 0 ? c.Rip : c.Rip - 1;
    if (++*n > most) return;
  } while (step(&c));
}
