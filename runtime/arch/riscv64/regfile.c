// The register file of an interrupted RISC-V context: which of its words may be pointers.
//
// The vector state is what Linux has after the floating registers in a signal frame: records of
// (magic, size, ...) up to one of magic 0 (arch/riscv/include/uapi/asm/sigcontext.h, ptrace.h).
// The floating registers hold pointers too, where a compiler had none of the others left.
//
//     0    f0-f31, of 8 bytes each; fcsr
//     528  records: that of the vector extension says where v0-v31 are
#include <string.h>
#include "runtime/arch/adjusters.h"
#include "runtime/arch/arch.h"

enum {
  FLOAT_BYTES = 32 * 8,
  RECORDS = 520,  // struct __riscv_extra_ext_header: 129 words and a reserved one, then records
  RECORD_HEADER = 8,
  V_MAGIC = 0x53465457,
  V_VLENB = 32,  // in struct __riscv_v_ext_state, 8 bytes after the header
  V_DATAP = 40,
  V_BYTES = 48,
};

const size_t rt_arch_redzone_bytes = 0;  // psABI, "Stack": nothing below SP is anybody's
const bool rt_arch_has_marks = false;

static const struct rt_adjuster *adjuster = &rt_adjuster_scalar;

void rt_regfile_init(void) { adjuster = rt_arch_best_adjuster(); }

// Finds the record of the vector extension: NULL if there is none.
static const unsigned char *vector_record(const struct rt_regfile *regs) {
  for (size_t offset = RECORDS; offset + RECORD_HEADER <= regs->vector_bytes;) {
    const unsigned char *at = regs->vector + offset;
    uint32_t magic, size;
    memcpy(&magic, at, 4);
    memcpy(&size, at + 4, 4);
    if (magic == 0 || size < RECORD_HEADER || size > regs->vector_bytes - offset) return NULL;
    if (magic == V_MAGIC) return size < V_BYTES ? NULL : at;
    offset += size;
  }
  return NULL;
}

// Its registers lie outside of the frame that os_context_call takes along.
bool rt_regfile_savable(const struct rt_regfile *regs) { return !vector_record(regs); }

uint64_t rt_regfile_adjust(const struct rt_regfile *regs, const struct rt_wordmove *mv) {
  uint64_t adjusted = 0;
  for (size_t i = 0; i < regs->ngeneral; i++)
    regs->general[i] = rt_adjustword(regs->general[i], mv, &adjusted);
  if (!regs->vector) return adjusted;
  const size_t bytes = regs->vector_bytes < FLOAT_BYTES ? regs->vector_bytes : FLOAT_BYTES;
  adjusted += adjuster->adjust((uint64_t *)regs->vector, bytes / 8, mv);
  const unsigned char *v = vector_record(regs);
  if (!v) return adjusted;
  uint64_t vlenb, *registers;
  memcpy(&vlenb, v + 8 + V_VLENB, 8);
  memcpy(&registers, v + 8 + V_DATAP, 8);
  return adjusted + adjuster->adjust(registers, 32 * vlenb / 8, mv);
}

// pause (Zihintpause)
void rt_cpu_relax(void) { __asm__ volatile(".insn i 0x0f, 0, x0, x0, 0x010"); }
