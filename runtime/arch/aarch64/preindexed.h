// preindexed.h: AArch64 loads and stores that write their base register back, as a fault handler
// sees them.  Pure arithmetic in portable C: it is compiled and tested on every host.
//
// The prologue of a function often begins with stp x29, x30, [sp, #-N]!, which faults when the new
// frame begins in the guard.  It stores below SP and then moves SP there; the handler makes room
// and has it run again.  If SP had moved already, it would move twice.
//
// The architecture says it has not.  Arm ARM (DDI 0487, the Arm Architecture Reference Manual for
// A-profile), "Definition of a precise exception", D1.4.1.4 in recent issues: on a Data Abort
// all registers are as before the instruction, but for destinations of loads, and of those a base
// register is restored too.  What is left open is a load with write-back into its own base, where
// an exception may leave a base with which "the instruction cannot be repeated" (C3.2.1, C3.2.3).
//
// Emulators and hypervisors that execute an instruction in steps may be less careful; qemu-user 7.2
// leaves the base alone, too.  What has been done shows: the faulting address fits the base as it
// is, or the base less the offset.
//
// Decoded are, by the tables of Arm ARM C4.1, "Loads and Stores", pre- and post-indexed alike:
//   load/store register (immediate): LDR, STR, LDRB, STRB, LDRSB, LDRH, STRH, LDRSH, LDRSW, and
//     LDR, STR of SIMD and floating-point registers
//   load/store register pair: LDP, STP, LDPSW, LDP and STP of those, STGP
//   load/store memory tags: STG, STZG, ST2G, STZ2G
// Not decoded, and so taken to leave their base alone: LDRAA and LDRAB, whose base is signed; the
// structure loads and stores of SIMD (LD1 to ST4), which are post-indexed at most; what came with
// Armv8.9 and later (LDIAPP, STILP, LDAPR and STLR with an index, LDTP, STTP); memory copy and set,
// whose registers tell how far they came.
#ifndef STACKLAB_RUNTIME_ARCH_AARCH64_PREINDEXED_H_
#define STACKLAB_RUNTIME_ARCH_AARCH64_PREINDEXED_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  RT_PREINDEXED_SP = 31,    // the number of SP where a base register is meant
  RT_PREINDEXED_REGS = 32,  // x0 to x30, SP
};

// A load or store with write-back.
struct rt_preindexed {
  int32_t offset;    // bytes that are added to the base; -4096 to 4080
  uint8_t base;      // 0 to 30, or RT_PREINDEXED_SP
  uint8_t bytes;     // of memory that it accesses, from its address up: 1 to 32
  bool pre;          // its address is base + offset (pre-indexed); else base alone (post-indexed)
  bool base_loaded;  // into its own base: the architecture leaves open what a fault does to that
};

// rt_preindexed_decode fills *out for the instruction word (as memory has it, little-endian) of a
// load or store with write-back, and returns true.  False, with *out untouched: it is none, or not
// allocated.  Any word may be asked.  Pure; on any stack, signal-safe.
// Source: Arm ARM C4.1, and the pages of the instructions in C6.2 and C7.2.
bool rt_preindexed_decode(uint32_t instruction, struct rt_preindexed *out);

// Whether the base has been written back.
enum rt_writeback {
  RT_WRITEBACK_PENDING,  // no: the address fits the base as it is
  RT_WRITEBACK_DONE,     // yes: it fits the base less the offset, and only that
  RT_WRITEBACK_OTHER,    // it fits neither: this is not the access that has faulted
};

// rt_preindexed_state tells whether *in had written its base back, which now is `base`, when it
// faulted at addr.  Where both fit, which takes an offset smaller than the access, the architecture
// is believed.  Addresses wrap around at 2^64.  A tag in the top byte of the base (Arm ARM,
// "Address tagging") must be in addr too.  Pure; on any stack, signal-safe.
enum rt_writeback rt_preindexed_state(const struct rt_preindexed *in, uint64_t base,
                                      uint64_t addr);

// rt_preindexed_undo takes back a write-back that the instruction made before it faulted at addr,
// so that it can run again.  regs are x0 to x30, then SP.  True: it did, and regs has its base as
// it was.  False: nothing is changed.  Touches regs alone; on any stack, signal-safe.
bool rt_preindexed_undo(uint32_t instruction, uint64_t regs[RT_PREINDEXED_REGS], uint64_t addr);

#ifdef __cplusplus
}
#endif
#endif
