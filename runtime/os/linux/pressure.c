// How short of memory the system is: /proc/meminfo (proc_meminfo(5)), and the limits of our cgroup
// and of those above it (Linux's admin-guide/cgroup-v2.rst: memory.max, memory.current,
// memory.stat).
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "runtime/os/os.h"

#define CGROUPS "/sys/fs/cgroup"

enum { PATH_BYTES = 512, TEXT_BYTES = 4096, PART = 10 };

// Reads the beginning of a file into text; false if it cannot.
static bool read_text(const char *root, const char *path, const char *name, char *text) {
  char all[PATH_BYTES];
  if (snprintf(all, sizeof all, "%s%s%s", root, path, name) >= (int)sizeof all) return false;
  const int fd = open(all, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t n = read(fd, text, TEXT_BYTES - 1);
  close(fd);
  text[n > 0 ? n : 0] = '\0';
  return n > 0;
}

// The number after a word of text; 0 if there is none.
static unsigned long long after(const char *text, const char *word) {
  const char *at = strstr(text, word);
  return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

static bool is_short(unsigned long long left, unsigned long long whole) {
  return whole > 0 && left < whole / PART;
}

static bool system_is_short(const char *root) {
  char text[TEXT_BYTES];
  if (!read_text(root, "/proc/meminfo", "", text)) return false;
  return is_short(after(text, "MemAvailable:"), after(text, "MemTotal:"));
}

// The page cache counts as used, and a group that reads or writes files fills its limit with it.
// What lies on the inactive list the kernel takes back first: it is left, as in MemAvailable.
static bool cgroup_is_short(const char *root, const char *path) {
  char text[TEXT_BYTES];
  if (!read_text(root, path, "/memory.max", text)) return false;
  const unsigned long long most = strtoull(text, NULL, 10);  // "max" is 0: no limit
  if (most == 0 || !read_text(root, path, "/memory.current", text)) return false;
  const unsigned long long used = strtoull(text, NULL, 10);
  const bool known = read_text(root, path, "/memory.stat", text);
  const unsigned long long cache = known ? after(text, "\ninactive_file ") : 0;
  const unsigned long long held = used > cache ? used - cache : 0;
  return is_short(held < most ? most - held : 0, most);
}

// A group is bounded by the limits of all above it.
static bool cgroups_are_short(const char *root) {
  char text[TEXT_BYTES], path[PATH_BYTES];
  if (!read_text(root, "/proc/self/cgroup", "", text)) return false;
  char *ours = strstr(text, "0::");  // cgroups(7): the line of version 2
  if (!ours) return false;
  ours[strcspn(ours, "\n")] = '\0';
  if (snprintf(path, sizeof path, CGROUPS "%s", ours + 3) >= (int)sizeof path) return false;
  for (; strlen(path) >= strlen(CGROUPS); *strrchr(path, '/') = '\0')
    if (cgroup_is_short(root, path)) return true;
  return false;
}

bool os_memory_short(const char *root) { return system_is_short(root) || cgroups_are_short(root); }
