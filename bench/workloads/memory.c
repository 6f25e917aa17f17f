// memory.c: reads smaps_rollup, status and maps of /proc/self.  See memory.h.
#include "bench/workloads/memory.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[16384];

// Calls take(text, n, arg) for each piece of the file, 0-terminated.
static void read_pieces(const char *path, void (*take)(const char *, size_t, void *), void *arg) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n;
  while (fd >= 0 && (n = read(fd, text, sizeof text - 1)) > 0) {
    text[n] = 0;
    take(text, (size_t)n, arg);
  }
  if (fd >= 0)
    close(fd);
}

struct field {
  const char *name;  // with its colon
  uint64_t kib;
};

static void take_field(const char *piece, size_t n, void *arg) {
  (void)n;
  struct field *field = arg;
  const char *at = strstr(piece, field->name);
  if (at)
    field->kib = strtoull(at + strlen(field->name), NULL, 10);
}

static uint64_t bytes_of(const char *path, const char *name) {
  struct field field = {name, 0};
  read_pieces(path, take_field, &field);
  return field.kib << 10;
}

static void count_lines(const char *piece, size_t n, void *arg) {
  for (size_t i = 0; i < n; i++)
    *(uint64_t *)arg += piece[i] == '\n';
}

void memory_now(struct memory *out) {
  out->mappings = 0;
  read_pieces("/proc/self/maps", count_lines, &out->mappings);
  out->resident = bytes_of("/proc/self/smaps_rollup", "\nRss:");
  out->page_tables = bytes_of("/proc/self/status", "\nVmPTE:");
}

uint64_t memory_high_water(void) {
  return bytes_of("/proc/self/status", "\nVmHWM:");
}
