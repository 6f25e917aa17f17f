// options_test.cc: every option, from the config, from the environment and by default; every bad
// value gives one line that names the option.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "runtime/sched/options.h"

namespace {

std::map<std::string, std::string> environment;

const char *Getenv(const char *name) {
  const auto found = environment.find(name);
  return found == environment.end() ? nullptr : found->second.c_str();
}

class Options : public testing::Test {
 protected:
  void SetUp() override { environment.clear(); }
  // Reads config and environment; what is said goes to said_.
  int Read() {
    rt_text why = {};
    const int error = rt_options_read(&config_, Getenv, &out_, &why);
    said_.assign(why.buf, why.n);
    return error;
  }
  void ExpectRefused(const std::string &name, const std::string &value) {
    EXPECT_EQ(Read(), GO_EINVAL) << name << "=" << value;
    EXPECT_EQ(said_.rfind("stacklab: " + name + "=" + value + ": ", 0), 0u) << said_;
    EXPECT_EQ(said_.find('\n'), said_.size() - 1) << said_;
    environment.clear();
    config_ = {};
  }
  go_config config_ = {};
  rt_options out_ = {};
  std::string said_;
};

TEST_F(Options, HaveDefaults) {
  ASSERT_EQ(rt_options_read(nullptr, Getenv, &out_, nullptr), GO_OK);
  EXPECT_GE(out_.maxprocs, 1);
  EXPECT_LE(out_.maxprocs, 256);
  EXPECT_STREQ(out_.spawn.growth->name, "reserve");
  EXPECT_EQ(out_.spawn.initial, 8u << 10);
  EXPECT_EQ(out_.spawn.max, 1u << 30);
  EXPECT_EQ(out_.growth.reserve_bytes, 256u << 20);
  EXPECT_EQ(out_.growth.hybrid_bytes, 1u << 20);
  EXPECT_FALSE(out_.growth.forcemove);
  EXPECT_FALSE(out_.growth.quarantine);
  EXPECT_FALSE(out_.stack.poison);
  EXPECT_EQ(out_.stack.guard_bytes, 64u << 10);
  EXPECT_EQ(out_.stack.guard, RT_GUARD_AUTO);
}

TEST_F(Options, Traceback) {
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.traceback, RT_TRACEBACK_ALL);
  environment = {{"GO_TRACEBACK", "none"}};
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.traceback, RT_TRACEBACK_NONE);
  config_.traceback = "single";
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.traceback, RT_TRACEBACK_SINGLE);
  config_.traceback = nullptr;
  environment = {{"GO_TRACEBACK", "2"}};
  ExpectRefused("GO_TRACEBACK", "2");
}

TEST_F(Options, Shrink) {
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.shrink.idle_ns, 0);
  EXPECT_FALSE(out_.shrink.pressure);
  environment = {{"GO_STACKSHRINK", "100ms"}};
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.shrink.idle_ns, 100 * GO_MILLISECOND);
  EXPECT_FALSE(out_.shrink.pressure);
  config_.stack_shrink = "pressure,2s";
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.shrink.idle_ns, 2 * int64_t{GO_SECOND});
  EXPECT_TRUE(out_.shrink.pressure);
  config_.stack_shrink = "never";
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.shrink.idle_ns, 0);
  config_ = {};
  for (const char *bad : {"0ms", "5", "ms", "1m", "2s,never", "86401s", "86400001ms",
                          "10200000000000ms", "99999999999999999999s"}) {
    environment = {{"GO_STACKSHRINK", bad}};
    ExpectRefused("GO_STACKSHRINK", bad);
  }
}

TEST_F(Options, Trace) {
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.trace, nullptr);
  environment = {{"GO_TRACE", ""}};
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.trace, nullptr);
  environment = {{"GO_TRACE", "a.json"}};
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_STREQ(out_.trace, "a.json");
  config_.trace = "b.json";
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_STREQ(out_.trace, "b.json");
}

TEST_F(Options, StackProfile) {
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.stack_profile, nullptr);
  EXPECT_EQ(out_.stack_profile_rate, 1u);
  environment = {{"GO_STACKPROFILE", "a.folded"}, {"GO_STACKPROFILE_RATE", "100"}};
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_STREQ(out_.stack_profile, "a.folded");
  EXPECT_EQ(out_.stack_profile_rate, 100u);
  config_.stack_profile = "b";
  config_.stack_profile_rate = 7;
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_STREQ(out_.stack_profile, "b");
  EXPECT_EQ(out_.stack_profile_rate, 7u);
  config_ = {};
  environment = {{"GO_STACKPROFILE_RATE", "0"}};
  ExpectRefused("GO_STACKPROFILE_RATE", "0");
  environment = {{"GO_STACKPROFILE_RATE", "4294967296"}};
  ExpectRefused("GO_STACKPROFILE_RATE", "4294967296");
}

TEST_F(Options, StackAdapt) {
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.adapt_most, 0u);
  const std::pair<const char *, size_t> good[] = {
      {"off", 0}, {"on", 256 << 10}, {"8K", 8 << 10}, {"1G", 1 << 30}};
  for (const auto &[text, most] : good) {
    environment = {{"GO_STACKADAPT", text}};
    ASSERT_EQ(Read(), GO_OK) << text;
    EXPECT_EQ(out_.adapt_most, most) << text;
  }
  config_.stack_adapt = "off";
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.adapt_most, 0u);
  config_ = {};
  for (const char *text : {"1", "4K", "2G", "yes"}) {
    environment = {{"GO_STACKADAPT", text}};
    ExpectRefused("GO_STACKADAPT", text);
  }
}

TEST_F(Options, Asyncpreempt) {
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.asyncpreempt, os_preempt_supported());
  environment = {{"GO_ASYNCPREEMPT", "off"}};
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_FALSE(out_.asyncpreempt);
  config_.asyncpreempt = "on";
  if (!os_preempt_supported()) {
    ExpectRefused("GO_ASYNCPREEMPT", "on");
    return;
  }
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_TRUE(out_.asyncpreempt);
  config_ = {};
  environment = {{"GO_ASYNCPREEMPT", "1"}};
  ExpectRefused("GO_ASYNCPREEMPT", "1");
}

TEST_F(Options, SeedAndFailures) {
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.seed, 0u);
  EXPECT_EQ(out_.fail_every, 0u);
  environment = {{"GO_SEED", "77"}, {"GO_FAILEVERY", "9"}};
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.seed, 77u);
  EXPECT_EQ(out_.fail_every, 9u);
  config_.seed = 5;
  config_.fail_every = 6;
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.seed, 5u);
  EXPECT_EQ(out_.fail_every, 6u);
  config_ = {};
  environment = {{"GO_SEED", "0"}, {"GO_FAILEVERY", "0"}};
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.seed, 0u);
  EXPECT_EQ(out_.fail_every, 0u);
  environment = {{"GO_SEED", "7"}};
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.maxprocs, 1) << "the same run on every machine";
  environment = {{"GO_SEED", "7"}, {"GOMAXPROCS", "3"}};
  ASSERT_EQ(Read(), GO_OK);
  EXPECT_EQ(out_.maxprocs, 3);
  environment = {{"GO_SEED", "x"}};
  ExpectRefused("GO_SEED", "x");
  environment = {{"GO_FAILEVERY", "4294967296"}};
  ExpectRefused("GO_FAILEVERY", "4294967296");
}

TEST_F(Options, OfTheEnvironmentAreReadWhereTheConfigSaysNothing) {
  environment = {{"GOMAXPROCS", "3"},        {"GO_GROWTH", "segment"},
                 {"GO_STACKINITIAL", "16K"}, {"GO_STACKMAX", "2M"},
                 {"GO_STACKRESERVE", "1g"},  {"GO_STACKGUARD", "4096"},
                 {"GO_STACKHYBRID", "256k"},
                 {"GO_GUARDKIND", "mprotect"}, {"GO_STACKDEBUG", "poison,forcemove,quarantine"}};
  ASSERT_EQ(Read(), GO_OK) << said_;
  EXPECT_EQ(out_.maxprocs, 3);
  EXPECT_STREQ(out_.spawn.growth->name, "segment");
  EXPECT_EQ(out_.spawn.initial, 16u << 10);
  EXPECT_EQ(out_.spawn.max, 2u << 20);
  EXPECT_EQ(out_.growth.reserve_bytes, 1u << 30);
  EXPECT_EQ(out_.growth.hybrid_bytes, 256u << 10);
  EXPECT_EQ(out_.stack.guard_bytes, 4096u);
  EXPECT_EQ(out_.stack.guard, RT_GUARD_MPROTECT);
  EXPECT_TRUE(out_.growth.forcemove);
  EXPECT_TRUE(out_.growth.quarantine);
  EXPECT_TRUE(out_.stack.poison);
}

TEST_F(Options, OfTheConfigComeBeforeTheEnvironment) {
  config_.maxprocs = 2;
  config_.growth = "checkpoint";
  config_.stack_initial = 4096;
  config_.stack_max = 65536;
  config_.stack_reserve = 1 << 20;
  config_.stack_hybrid = 8192;
  config_.stack_guard = 8192;
  config_.guard_kind = "auto";
  config_.stack_debug = "poison";
  environment = {{"GOMAXPROCS", "x"},      {"GO_GROWTH", "x"},    {"GO_STACKINITIAL", "x"},
                 {"GO_STACKMAX", "x"},     {"GO_STACKGUARD", "x"}, {"GO_STACKRESERVE", "x"},
                 {"GO_GUARDKIND", "x"},    {"GO_STACKDEBUG", "x"}, {"GO_STACKHYBRID", "x"}};
  ASSERT_EQ(Read(), GO_OK) << said_;
  EXPECT_EQ(out_.maxprocs, 2);
  EXPECT_STREQ(out_.spawn.growth->name, "checkpoint");
  EXPECT_EQ(out_.spawn.initial, 4096u);
  EXPECT_EQ(out_.spawn.max, 65536u);
  EXPECT_EQ(out_.growth.reserve_bytes, 1u << 20);
  EXPECT_EQ(out_.growth.hybrid_bytes, 8192u);
  EXPECT_EQ(out_.stack.guard_bytes, 8192u);
  EXPECT_TRUE(out_.stack.poison);
  EXPECT_FALSE(out_.growth.forcemove);
}

TEST_F(Options, ThatAreEmptyInTheEnvironmentAreNotSet) {
  for (const char *name : {"GOMAXPROCS", "GO_GROWTH", "GO_STACKINITIAL", "GO_STACKMAX",
                           "GO_STACKRESERVE", "GO_STACKGUARD", "GO_GUARDKIND", "GO_STACKDEBUG"})
    environment[name] = "";
  ASSERT_EQ(Read(), GO_OK) << said_;
  EXPECT_STREQ(out_.spawn.growth->name, "reserve");
  EXPECT_EQ(out_.spawn.initial, 8u << 10);
}

// Somebody who asks for small stacks need not also know the default of the first size.
TEST_F(Options, ASmallMaximumBringsTheFirstSizeDown) {
  for (size_t max : {size_t{4096}, size_t{6000}}) {
    config_.stack_max = max;
    ASSERT_EQ(Read(), GO_OK) << said_;
    EXPECT_EQ(out_.spawn.max, max);
    EXPECT_EQ(out_.spawn.initial, max);
  }
}

TEST_F(Options, TakeTheEndsOfTheirRanges) {
  environment = {{"GOMAXPROCS", "256"}, {"GO_STACKMAX", "1G"}, {"GO_STACKGUARD", "1M"},
                 {"GO_STACKINITIAL", "4K"}, {"GO_STACKRESERVE", "4K"}, {"GO_STACKHYBRID", "4K"}};
  EXPECT_EQ(Read(), GO_OK) << said_;
  EXPECT_EQ(out_.maxprocs, 256);
  environment = {{"GOMAXPROCS", "1"}, {"GO_STACKMAX", "4K"}, {"GO_STACKGUARD", "1"},
                 {"GO_STACKINITIAL", "4K"}, {"GO_STACKRESERVE", "1G"}, {"GO_STACKHYBRID", "32M"}};
  EXPECT_EQ(Read(), GO_OK) << said_;
}

struct Bad {
  const char *name, *value;
  const char *shown = nullptr;  // where it differs from the value
};

const Bad kBad[] = {
    {"GOMAXPROCS", "0"},
    {"GOMAXPROCS", "-1"},
    {"GOMAXPROCS", "257"},
    {"GOMAXPROCS", "two"},
    {"GOMAXPROCS", "2 "},
    {"GO_GROWTH", "signals"},
    {"GO_GROWTH", "Signal"},
    {"GO_STACKINITIAL", "0"},
    {"GO_STACKINITIAL", "2K", "2048"},
    {"GO_STACKINITIAL", "12K", "12288"},
    {"GO_STACKINITIAL", "2G", "2147483648"},
    {"GO_STACKINITIAL", "8KB"},
    {"GO_STACKINITIAL", "0x2000"},
    {"GO_STACKMAX", "4095"},
    {"GO_STACKMAX", "1025M", "1074790400"},
    {"GO_STACKMAX", "-1"},
    {"GO_STACKMAX", "99999999999999999999"},
    {"GO_STACKRESERVE", "1"},
    {"GO_STACKRESERVE", "2G", "2147483648"},
    {"GO_STACKHYBRID", "2K", "2048"},
    {"GO_STACKHYBRID", "64M", "67108864"},
    {"GO_STACKHYBRID", "half"},
    {"GO_STACKGUARD", "0"},
    {"GO_STACKGUARD", "2M", "2097152"},
    {"GO_STACKGUARD", "64KiB"},
    {"GO_GUARDKIND", "none"},
    {"GO_STACKDEBUG", "poisoned"},
    {"GO_STACKDEBUG", "poison;forcemove"},
    {"GO_STACKDEBUG", "forcemov"},
};

TEST_F(Options, ThatAreBadInTheEnvironmentGiveOneLineThatNamesThem) {
  for (const Bad &bad : kBad) {
    environment[bad.name] = bad.value;
    ExpectRefused(bad.name, bad.shown ? bad.shown : bad.value);
  }
}

TEST_F(Options, ThatAreBadInTheConfigGiveOneLineThatNamesThem) {
  config_.maxprocs = 257;
  ExpectRefused("GOMAXPROCS", "257");
  config_.maxprocs = -3;
  ExpectRefused("GOMAXPROCS", "-3");
  config_.growth = "none such";
  ExpectRefused("GO_GROWTH", "none such");
  config_.stack_initial = 5000;
  ExpectRefused("GO_STACKINITIAL", "5000");
  config_.stack_initial = 16384;
  config_.stack_max = 8192;
  ExpectRefused("GO_STACKINITIAL", "16384");
  config_.stack_max = 100;
  ExpectRefused("GO_STACKMAX", "100");
  config_.stack_reserve = size_t{2} << 30;
  ExpectRefused("GO_STACKRESERVE", "2147483648");
  config_.stack_reserve = 0;
  config_.stack_hybrid = 64 << 20;
  ExpectRefused("GO_STACKHYBRID", "67108864");
  config_.stack_hybrid = 0;
  config_.stack_guard = 2 << 20;
  ExpectRefused("GO_STACKGUARD", "2097152");
  config_.guard_kind = "thick";
  ExpectRefused("GO_GUARDKIND", "thick");
  config_.stack_debug = "all";
  ExpectRefused("GO_STACKDEBUG", "all");
}

TEST_F(Options, ThatAreBadAreQuotedInPart) {
  environment["GO_GROWTH"] = std::string(1000, 'x');
  EXPECT_EQ(Read(), GO_EINVAL);
  EXPECT_LT(said_.size(), 200u);
  EXPECT_EQ(said_.back(), '\n');
}

TEST_F(Options, ThatAreBadStopARunBeforeItBegins) {
  config_.growth = "none such";
  testing::internal::CaptureStderr();
  EXPECT_EQ(go_run(&config_, [](void *) { abort(); }, nullptr), GO_EINVAL);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "stacklab: GO_GROWTH=none such: no such growth strategy\n");
}

// ---- Sizes -------------------------------------------------------------------------------------

TEST(ParseSize, ReadsDigitsAndOneLetter) {
  const std::pair<const char *, size_t> good[] = {
      {"1", 1},           {"007", 7},          {"4096", 4096},
      {"8K", 8 << 10},    {"8k", 8 << 10},     {"3M", 3 << 20},
      {"3m", 3 << 20},    {"1G", 1 << 30},     {"2g", size_t{2} << 30},
      {"4294967296G", size_t{1} << 62},        {"4611686018427387904", size_t{1} << 62},
      {"4611686018427387903", (size_t{1} << 62) - 1},
  };
  for (const auto &[text, value] : good) {
    size_t n = 0;
    EXPECT_TRUE(rt_parse_size(text, &n)) << text;
    EXPECT_EQ(n, value) << text;
  }
}

TEST(ParseSize, RefusesTheRestAndLeavesTheResultAlone) {
  for (const char *text : {"", "K", "0", "0K", "-1", "+1", " 1", "1 ", "1KB", "1KK", "1T", "0x10",
                           "1.5M", "4611686018427387905", "4294967297G", "18446744073709551617",
                           "99999999999999999999999999"}) {
    size_t n = 7;
    EXPECT_FALSE(rt_parse_size(text, &n)) << text;
    EXPECT_EQ(n, 7u) << text;
  }
}

}  // namespace
