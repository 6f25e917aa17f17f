// Loads and stores of AArch64 that write their base back: words that llvm-mc has assembled, and
// what a fault handler is to make of them.  preindexed_oracle_test.py looks at words of all kinds.
#include "runtime/arch/aarch64/preindexed.h"

#include <gtest/gtest.h>
#include <cstring>

namespace {

enum Index { kPost, kPre };
enum Loads { kElsewhere, kItsBase };

struct Row {
  uint32_t word;
  int base, offset, bytes;
  Index index;
  Loads loads;
  const char *text;
};

constexpr int kSp = RT_PREINDEXED_SP;

const Row kRows[] = {
    {0xa9bc7bfd, kSp, -64, 16, kPre, kElsewhere, "stp x29, x30, [sp, #-64]!"},
    {0xa8c47bfd, kSp, 64, 16, kPost, kElsewhere, "ldp x29, x30, [sp], #64"},
    {0xf81f0fe0, kSp, -16, 8, kPre, kElsewhere, "str x0, [sp, #-16]!"},
    {0xf84107e0, kSp, 16, 8, kPost, kElsewhere, "ldr x0, [sp], #16"},
    {0x3c900fe8, kSp, -256, 16, kPre, kElsewhere, "str q8, [sp, #-256]!"},
    {0x384ff441, 2, 255, 1, kPost, kElsewhere, "ldrb w1, [x2], #255"},
    {0x38dffc83, 4, -1, 1, kPre, kElsewhere, "ldrsb w3, [x4, #-1]!"},
    {0x389ffc83, 4, -1, 1, kPre, kElsewhere, "ldrsb x3, [x4, #-1]!"},
    {0x78c02fc3, 30, 2, 2, kPre, kElsewhere, "ldrsh w3, [x30, #2]!"},
    {0x788027c3, 30, 2, 2, kPost, kElsewhere, "ldrsh x3, [x30], #2"},
    {0xb8804cc5, 6, 4, 4, kPre, kElsewhere, "ldrsw x5, [x6, #4]!"},
    {0x781fe507, 8, -2, 2, kPost, kElsewhere, "strh w7, [x8], #-2"},
    {0x3c001c20, 1, 1, 1, kPre, kElsewhere, "str b0, [x1, #1]!"},
    {0x7c402420, 1, 2, 2, kPost, kElsewhere, "ldr h0, [x1], #2"},
    {0xbc004c20, 1, 4, 4, kPre, kElsewhere, "str s0, [x1, #4]!"},
    {0xfc1f0fe8, kSp, -16, 8, kPre, kElsewhere, "str d8, [sp, #-16]!"},
    {0x6db927e8, kSp, -112, 16, kPre, kElsewhere, "stp d8, d9, [sp, #-112]!"},
    {0xada007e0, kSp, -1024, 32, kPre, kElsewhere, "stp q0, q1, [sp, #-1024]!"},
    {0xacdf87e0, kSp, 1008, 32, kPost, kElsewhere, "ldp q0, q1, [sp], #1008"},
    {0x2d810440, 2, 8, 8, kPre, kElsewhere, "stp s0, s1, [x2, #8]!"},
    {0x28a00440, 2, -256, 8, kPost, kElsewhere, "stp w0, w1, [x2], #-256"},
    {0x69df8440, 2, 252, 8, kPre, kElsewhere, "ldpsw x0, x1, [x2, #252]!"},
    {0x69a007e0, kSp, -1024, 16, kPre, kElsewhere, "stgp x0, x1, [sp, #-1024]!"},
    {0xd93fffff, kSp, -16, 16, kPre, kElsewhere, "stg sp, [sp, #-16]!"},
    {0xd9eff420, 1, 4080, 32, kPost, kElsewhere, "stz2g x0, [x1], #4080"},
    {0xd9b00fe3, kSp, -4096, 32, kPre, kElsewhere, "st2g x3, [sp, #-4096]!"},
    {0xd9601420, 1, 16, 16, kPost, kElsewhere, "stzg x0, [x1], #16"},
    // What the assembler refuses: their base is a destination, or (last three) only seems to be.
    {0xf8408421, 1, 8, 8, kPost, kItsBase, "ldr x1, [x1], #8"},
    {0xa8c10420, 1, 16, 16, kPost, kItsBase, "ldp x0, x1, [x1], #16"},
    {0xa8c10021, 1, 16, 16, kPost, kItsBase, "ldp x1, x0, [x1], #16"},
    {0x69c10421, 1, 8, 8, kPre, kItsBase, "ldpsw x1, x1, [x1, #8]!"},
    {0x38801421, 1, 1, 1, kPost, kItsBase, "ldrsb x1, [x1], #1"},
    {0xf8008421, 1, 8, 8, kPost, kElsewhere, "str x1, [x1], #8"},
    {0xfc408421, 1, 8, 8, kPost, kElsewhere, "ldr d1, [x1], #8"},
    {0xf84087ff, kSp, 8, 8, kPost, kElsewhere, "ldr xzr, [sp], #8"},
};

TEST(PreindexedTest, DecodesWhatTheAssemblerWrites) {
  for (const Row &row : kRows) {
    SCOPED_TRACE(row.text);
    rt_preindexed got;
    ASSERT_TRUE(rt_preindexed_decode(row.word, &got));
    EXPECT_EQ(got.base, row.base);
    EXPECT_EQ(got.offset, row.offset);
    EXPECT_EQ(got.bytes, row.bytes);
    EXPECT_EQ(got.pre, row.index == kPre);
    EXPECT_EQ(got.base_loaded, row.loads == kItsBase);
  }
}

TEST(PreindexedTest, LeavesWhatWritesNoBaseBack) {
  const struct {
    uint32_t word;
    const char *text;
  } rows[] = {
      {0xa9017bfd, "stp x29, x30, [sp, #16]"},
      {0xa83f07e0, "stnp x0, x1, [sp, #-16]"},
      {0xf90007e0, "str x0, [sp, #8]"},
      {0xf81f83e0, "stur x0, [sp, #-8]"},
      {0xf81f8be0, "sttr x0, [sp, #-8]"},
      {0xf8626820, "ldr x0, [x1, x2]"},
      {0xf9800400, "prfm pldl1keep, [x0, #8]"},
      {0xc85f7c20, "ldxr x0, [x1]"},
      {0xd10103ff, "sub sp, sp, #64"},
      {0xd65f03c0, "ret"},
      {0xf8201c20, "ldraa x0, [x1, #8]!, which is not decoded"},
      {0x4cdf7000, "ld1 { v0.16b }, [x0], #16, which is not decoded"},
      {0xb8c00400, "size 10, opc 11: not allocated"},
      {0xf8800400, "size 11, opc 10: not allocated with an index"},
      {0xf8c00400, "size 11, opc 11: not allocated"},
      {0x7c800400, "V, size 01, opc 10: not allocated"},
      {0xe8800400, "pair, opc 11: not allocated"},
      {0xec800400, "pair, V, opc 11: not allocated"},
      {0x00000000, "udf #0"},
      {0xffffffff, "not allocated"},
  };
  for (const auto &row : rows) {
    SCOPED_TRACE(row.text);
    rt_preindexed got, untouched;
    memset(&got, 0x5a, sizeof got);
    memset(&untouched, 0x5a, sizeof untouched);
    EXPECT_FALSE(rt_preindexed_decode(row.word, &got));
    EXPECT_EQ(memcmp(&got, &untouched, sizeof got), 0);
    uint64_t regs[RT_PREINDEXED_REGS] = {};
    EXPECT_FALSE(rt_preindexed_undo(row.word, regs, 0));
  }
}

// ---- A fault ---------------------------------------------------------------------------------

constexpr uint32_t kPrologue = 0xa9bc7bfd;  // stp x29, x30, [sp, #-64]!
constexpr uint64_t kStackLo = 0x7f5580002000;

struct Regs {
  uint64_t x[RT_PREINDEXED_REGS];

  explicit Regs(uint64_t sp) {
    for (uint64_t &r : x) r = 0x1111 * static_cast<uint64_t>(&r - x);
    x[kSp] = sp;
  }
};

TEST(PreindexedTest, PrologueThatFaultsInTheGuardHasNotMovedSp) {
  Regs regs(kStackLo + 48);
  EXPECT_FALSE(rt_preindexed_undo(kPrologue, regs.x, kStackLo - 16));
  EXPECT_EQ(regs.x[kSp], kStackLo + 48);
}

TEST(PreindexedTest, SpThatHasMovedMovesBackAndNothingElse) {
  const Regs before(kStackLo + 48);
  // Its first byte, its second register, its last byte.
  for (const uint64_t at : {0, 8, 15}) {
    Regs regs(kStackLo - 16);
    EXPECT_TRUE(rt_preindexed_undo(kPrologue, regs.x, kStackLo - 16 + at));
    EXPECT_EQ(memcmp(&regs, &before, sizeof regs), 0);
    // Once: what is right now stays.
    EXPECT_FALSE(rt_preindexed_undo(kPrologue, regs.x, kStackLo - 16 + at));
  }
}

TEST(PreindexedTest, PostIndexedBaseMovesBackToo) {
  const uint32_t ldp = 0xa8c47bfd;  // ldp x29, x30, [sp], #64
  Regs regs(kStackLo - 16 + 64);
  EXPECT_TRUE(rt_preindexed_undo(ldp, regs.x, kStackLo - 16));
  EXPECT_EQ(regs.x[kSp], kStackLo - 16);
  EXPECT_FALSE(rt_preindexed_undo(ldp, regs.x, kStackLo - 16));
}

TEST(PreindexedTest, EveryBaseIsItsOwn) {
  for (uint32_t n = 0; n < RT_PREINDEXED_REGS; n++) {
    const uint32_t word = (0xf81f0fe0 & ~(31u << 5)) | n << 5;  // str x0, [xN, #-16]!
    Regs regs(kStackLo), before(kStackLo);
    regs.x[n] = kStackLo - 16;
    before.x[n] = kStackLo;
    EXPECT_TRUE(rt_preindexed_undo(word, regs.x, kStackLo - 16)) << n;
    EXPECT_EQ(memcmp(&regs, &before, sizeof regs), 0) << n;
  }
}

TEST(PreindexedTest, InDoubtTheArchitectureIsBelieved) {
  // stp x29, x30, [sp, #-8]!: 16 bytes, of which the upper 8 lie at the old SP.
  rt_preindexed in = {-8, kSp, 16, true, false};
  EXPECT_EQ(rt_preindexed_state(&in, kStackLo, kStackLo - 8), RT_WRITEBACK_PENDING);
  EXPECT_EQ(rt_preindexed_state(&in, kStackLo, kStackLo - 1), RT_WRITEBACK_PENDING);
  EXPECT_EQ(rt_preindexed_state(&in, kStackLo, kStackLo + 7), RT_WRITEBACK_PENDING);
  EXPECT_EQ(rt_preindexed_state(&in, kStackLo, kStackLo + 8), RT_WRITEBACK_DONE);
  EXPECT_EQ(rt_preindexed_state(&in, kStackLo, kStackLo + 15), RT_WRITEBACK_DONE);
  EXPECT_EQ(rt_preindexed_state(&in, kStackLo, kStackLo + 16), RT_WRITEBACK_OTHER);
  EXPECT_EQ(rt_preindexed_state(&in, kStackLo, kStackLo - 9), RT_WRITEBACK_OTHER);
}

TEST(PreindexedTest, WithoutAnOffsetThereIsNothingToTakeBack) {
  rt_preindexed in = {0, 3, 8, true, false};
  EXPECT_EQ(rt_preindexed_state(&in, kStackLo, kStackLo + 7), RT_WRITEBACK_PENDING);
  EXPECT_EQ(rt_preindexed_state(&in, kStackLo, kStackLo + 8), RT_WRITEBACK_OTHER);
}

TEST(PreindexedTest, FaultElsewhereChangesNothing) {
  const Regs before(kStackLo);
  for (const uint64_t addr : {kStackLo - 65, kStackLo - 48, kStackLo + 16, ~uint64_t{0}}) {
    Regs regs(kStackLo);
    EXPECT_FALSE(rt_preindexed_undo(kPrologue, regs.x, addr));
    EXPECT_EQ(memcmp(&regs, &before, sizeof regs), 0);
  }
}

TEST(PreindexedTest, AddressesWrapAround) {
  rt_preindexed in = {-64, 0, 16, true, false};
  EXPECT_EQ(rt_preindexed_state(&in, 32, ~uint64_t{0} - 31), RT_WRITEBACK_PENDING);
  EXPECT_EQ(rt_preindexed_state(&in, ~uint64_t{0} - 7, ~uint64_t{0}), RT_WRITEBACK_DONE);
  EXPECT_EQ(rt_preindexed_state(&in, ~uint64_t{0} - 7, 7), RT_WRITEBACK_DONE);
  EXPECT_EQ(rt_preindexed_state(&in, ~uint64_t{0} - 7, 8), RT_WRITEBACK_OTHER);
}

}  // namespace
