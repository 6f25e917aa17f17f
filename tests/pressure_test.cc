// When the system's memory, or that of a group of processes, is said to be short.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <string>

extern "C" {
#include "runtime/os/os.h"
}

namespace {

// A root with the system's files in it.
class Root {
 public:
  Root() {
    char name[] = "/tmp/shrink_test.XXXXXX";
    root_ = mkdtemp(name) ? name : "";
    for (const char *dir : {"/proc", "/proc/self", "/sys", "/sys/fs", "/sys/fs/cgroup",
                            "/sys/fs/cgroup/ours"})
      mkdir((root_ + dir).c_str(), 0700);
  }
  ~Root() {
    const std::string command = "rm -rf '" + root_ + "'";
    if (system(command.c_str()) != 0) fprintf(stderr, "%s is left\n", root_.c_str());
  }
  void Write(const std::string &path, const std::string &text) {
    std::ofstream(root_ + path) << text;
  }
  bool Short() { return os_memory_short(root_.c_str()); }

 private:
  std::string root_;
};

TEST(MemoryPressure, IsWhenATenthOfTheSystemsMemoryIsLeft) {
  Root root;
  EXPECT_FALSE(root.Short()) << "nobody can tell";
  root.Write("/proc/meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   100 kB\n");
  EXPECT_FALSE(root.Short());
  root.Write("/proc/meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   99 kB\n");
  EXPECT_TRUE(root.Short());
}

TEST(MemoryPressure, IsWhenOurGroupIsNearItsLimit) {
  Root root;
  root.Write("/proc/self/cgroup", "3:cpu:/elsewhere\n0::/ours\n");
  root.Write("/sys/fs/cgroup/ours/memory.max", "max\n");
  root.Write("/sys/fs/cgroup/ours/memory.current", "999000\n");
  EXPECT_FALSE(root.Short()) << "no limit";
  root.Write("/sys/fs/cgroup/ours/memory.max", "1000000\n");
  EXPECT_TRUE(root.Short());
  root.Write("/sys/fs/cgroup/ours/memory.current", "900000\n");
  EXPECT_FALSE(root.Short());
}

TEST(MemoryPressure, IsNotWhenThePageCacheHasFilledTheLimit) {
  Root root;
  root.Write("/proc/self/cgroup", "0::/ours\n");
  root.Write("/sys/fs/cgroup/ours/memory.max", "1000000\n");
  root.Write("/sys/fs/cgroup/ours/memory.current", "999000\n");
  const std::string before = "anon 1\nfile 950000\ninactive_anon 999000\ninactive_file ";
  root.Write("/sys/fs/cgroup/ours/memory.stat", before + "98999\nactive_file 900000\n");
  EXPECT_TRUE(root.Short());
  root.Write("/sys/fs/cgroup/ours/memory.stat", before + "99000\nactive_file 900000\n");
  EXPECT_FALSE(root.Short());
  root.Write("/sys/fs/cgroup/ours/memory.stat", before + "1000000\n");  // read later than current
  EXPECT_FALSE(root.Short());
}

TEST(MemoryPressure, IsWhenAGroupAboveOursIsNearItsLimit) {
  for (const char *above : {"/sys/fs/cgroup/ours", "/sys/fs/cgroup"}) {
    Root root;
    root.Write("/proc/self/cgroup", "0::/ours/inner/most\n");
    root.Write(std::string(above) + "/memory.current", "999000\n");
    EXPECT_FALSE(root.Short());
    root.Write(std::string(above) + "/memory.max", "1000000\n");
    EXPECT_TRUE(root.Short()) << above;
  }
  Root root;
  root.Write("/proc/self/cgroup", "0::/\n");  // of a namespace: its root has a limit, too
  root.Write("/sys/fs/cgroup/memory.current", "999000\n");
  root.Write("/sys/fs/cgroup/memory.max", "1000000\n");
  EXPECT_TRUE(root.Short());
}

}  // namespace
