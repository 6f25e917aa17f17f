// regfile_cases_riscv64.S: see regfile_cases.h; RISC-V ELF psABI.  gp and tp are not the program's.

  .text

.macro SAVE_ALL
  addi    sp, sp, -112
  .cfi_def_cfa_offset 112
  sd      ra, 0(sp)
  .cfi_offset ra, -112
  sd      s0, 8(sp)
  .cfi_offset s0, -104
  sd      s1, 16(sp)
  .cfi_offset s1, -96
  sd      s2, 24(sp)
  .cfi_offset s2, -88
  sd      s3, 32(sp)
  .cfi_offset s3, -80
  sd      s4, 40(sp)
  .cfi_offset s4, -72
  sd      s5, 48(sp)
  .cfi_offset s5, -64
  sd      s6, 56(sp)
  .cfi_offset s6, -56
  sd      s7, 64(sp)
  .cfi_offset s7, -48
  sd      s8, 72(sp)
  .cfi_offset s8, -40
  sd      s9, 80(sp)
  .cfi_offset s9, -32
  sd      s10, 88(sp)
  .cfi_offset s10, -24
  sd      s11, 96(sp)
  .cfi_offset s11, -16
.endm

.macro LOAD_ALL_AND_RETURN
  ld      ra, 0(sp)
  ld      s0, 8(sp)
  ld      s1, 16(sp)
  ld      s2, 24(sp)
  ld      s3, 32(sp)
  ld      s4, 40(sp)
  ld      s5, 48(sp)
  ld      s6, 56(sp)
  ld      s7, 64(sp)
  ld      s8, 72(sp)
  ld      s9, 80(sp)
  ld      s10, 88(sp)
  ld      s11, 96(sp)
  addi    sp, sp, 112
  .cfi_def_cfa_offset 0
  ret
.endm

// To sp in a0; the way back is a distance, in memory, since no register is spared.
.macro GO_TO_SP
  sub     t0, sp, a0
  lla     t1, way_back
  sd      t0, 0(t1)
  mv      sp, a0
.endm

.macro COME_BACK
  lla     t1, way_back
  ld      t0, 0(t1)
  add     sp, sp, t0
.endm

// void case_general(uintptr_t sp /* a0 */)
  .globl  case_general
  .type   case_general, @function
  .p2align 2
case_general:
  .cfi_startproc
  SAVE_ALL
  GO_TO_SP
  lla     t6, case_general_in
  ld      ra, 0(t6)
  ld      t0, 8(t6)
  ld      t1, 16(t6)
  ld      t2, 24(t6)
  ld      s0, 32(t6)
  ld      s1, 40(t6)
  ld      a0, 48(t6)
  ld      a1, 56(t6)
  ld      a2, 64(t6)
  ld      a3, 72(t6)
  ld      a4, 80(t6)
  ld      a5, 88(t6)
  ld      a6, 96(t6)
  ld      a7, 104(t6)
  ld      s2, 112(t6)
  ld      s3, 120(t6)
  ld      s4, 128(t6)
  ld      s5, 136(t6)
  ld      s6, 144(t6)
  ld      s7, 152(t6)
  ld      s8, 160(t6)
  ld      s9, 168(t6)
  ld      s10, 176(t6)
  ld      s11, 184(t6)
  ld      t3, 192(t6)
  ld      t4, 200(t6)
  ld      t5, 208(t6)
  ld      t6, 216(t6)
  sd      zero, -8(sp)
  addi    sp, sp, -256
  sd      ra, 0(sp)
  sd      t0, 8(sp)
  sd      t1, 16(sp)
  sd      t2, 24(sp)
  sd      s0, 32(sp)
  sd      s1, 40(sp)
  sd      a0, 48(sp)
  sd      a1, 56(sp)
  sd      a2, 64(sp)
  sd      a3, 72(sp)
  sd      a4, 80(sp)
  sd      a5, 88(sp)
  sd      a6, 96(sp)
  sd      a7, 104(sp)
  sd      s2, 112(sp)
  sd      s3, 120(sp)
  sd      s4, 128(sp)
  sd      s5, 136(sp)
  sd      s6, 144(sp)
  sd      s7, 152(sp)
  sd      s8, 160(sp)
  sd      s9, 168(sp)
  sd      s10, 176(sp)
  sd      s11, 184(sp)
  sd      t3, 192(sp)
  sd      t4, 200(sp)
  sd      t5, 208(sp)
  sd      t6, 216(sp)
  lla     t0, case_general_out
  mv      t1, sp
  li      t2, 28
1:
  ld      t3, 0(t1)
  sd      t3, 0(t0)
  addi    t0, t0, 8
  addi    t1, t1, 8
  addi    t2, t2, -1
  bnez    t2, 1b
  addi    sp, sp, 256
  COME_BACK
  LOAD_ALL_AND_RETURN
  .cfi_endproc
  .size   case_general, .-case_general

// void case_f(uintptr_t sp /* a0 */): f0-f31, of which fs0-fs11 are the caller's.
  .globl  case_f
  .type   case_f, @function
  .p2align 2
case_f:
  .cfi_startproc
  SAVE_ALL
  fmv.x.d s0, fs0
  fmv.x.d s1, fs1
  fmv.x.d s2, fs2
  fmv.x.d s3, fs3
  fmv.x.d s4, fs4
  fmv.x.d s5, fs5
  fmv.x.d s6, fs6
  fmv.x.d s7, fs7
  fmv.x.d s8, fs8
  fmv.x.d s9, fs9
  fmv.x.d s10, fs10
  fmv.x.d s11, fs11
  lla     t0, case_vector_in
  fld     f0, 0(t0)
  fld     f1, 64(t0)
  fld     f2, 128(t0)
  fld     f3, 192(t0)
  fld     f4, 256(t0)
  fld     f5, 320(t0)
  fld     f6, 384(t0)
  fld     f7, 448(t0)
  fld     f8, 512(t0)
  fld     f9, 576(t0)
  fld     f10, 640(t0)
  fld     f11, 704(t0)
  fld     f12, 768(t0)
  fld     f13, 832(t0)
  fld     f14, 896(t0)
  fld     f15, 960(t0)
  fld     f16, 1024(t0)
  fld     f17, 1088(t0)
  fld     f18, 1152(t0)
  fld     f19, 1216(t0)
  fld     f20, 1280(t0)
  fld     f21, 1344(t0)
  fld     f22, 1408(t0)
  fld     f23, 1472(t0)
  fld     f24, 1536(t0)
  fld     f25, 1600(t0)
  fld     f26, 1664(t0)
  fld     f27, 1728(t0)
  fld     f28, 1792(t0)
  fld     f29, 1856(t0)
  fld     f30, 1920(t0)
  fld     f31, 1984(t0)
  sd      zero, -8(a0)
  lla     t0, case_vector_out
  fsd     f0, 0(t0)
  fsd     f1, 64(t0)
  fsd     f2, 128(t0)
  fsd     f3, 192(t0)
  fsd     f4, 256(t0)
  fsd     f5, 320(t0)
  fsd     f6, 384(t0)
  fsd     f7, 448(t0)
  fsd     f8, 512(t0)
  fsd     f9, 576(t0)
  fsd     f10, 640(t0)
  fsd     f11, 704(t0)
  fsd     f12, 768(t0)
  fsd     f13, 832(t0)
  fsd     f14, 896(t0)
  fsd     f15, 960(t0)
  fsd     f16, 1024(t0)
  fsd     f17, 1088(t0)
  fsd     f18, 1152(t0)
  fsd     f19, 1216(t0)
  fsd     f20, 1280(t0)
  fsd     f21, 1344(t0)
  fsd     f22, 1408(t0)
  fsd     f23, 1472(t0)
  fsd     f24, 1536(t0)
  fsd     f25, 1600(t0)
  fsd     f26, 1664(t0)
  fsd     f27, 1728(t0)
  fsd     f28, 1792(t0)
  fsd     f29, 1856(t0)
  fsd     f30, 1920(t0)
  fsd     f31, 1984(t0)
  fmv.d.x fs0, s0
  fmv.d.x fs1, s1
  fmv.d.x fs2, s2
  fmv.d.x fs3, s3
  fmv.d.x fs4, s4
  fmv.d.x fs5, s5
  fmv.d.x fs6, s6
  fmv.d.x fs7, s7
  fmv.d.x fs8, s8
  fmv.d.x fs9, s9
  fmv.d.x fs10, s10
  fmv.d.x fs11, s11
  LOAD_ALL_AND_RETURN
  .cfi_endproc
  .size   case_f, .-case_f

// uint64_t case_store_through(uintptr_t sp /* a0 */, unsigned i /* a1 */)
  .globl  case_store_through
  .type   case_store_through, @function
  .p2align 2
case_store_through:
  .cfi_startproc
  SAVE_ALL
  GO_TO_SP
  .set    i, 0
  .irp reg, ra, t0, t1, t2, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7, \
        s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6
  li      t0, i
  bne     a1, t0, 1f
  addi    \reg, sp, -64
  .ifc \reg, t0
  li      t1, i + 100
  sd      t1, 0(\reg)
  .else
  li      t0, i + 100
  sd      t0, 0(\reg)
  .endif
  li      a1, i               // the register under test may have been it
  j       2f
1:
  .set    i, i + 1
  .endr
2:
  addi    t0, a1, 100
  ld      t1, -64(sp)
  xor     a0, t0, t1
  COME_BACK
  LOAD_ALL_AND_RETURN
  .cfi_endproc
  .size   case_store_through, .-case_store_through

// ---- Data --------------------------------------------------------------------------------------

  .bss
  .p2align 6
way_back:
  .zero   8
  .p2align 6
  .globl  case_vector_in, case_vector_out, case_general_in, case_general_out
case_vector_in:
  .zero   32 * 64
case_vector_out:
  .zero   32 * 64
case_general_in:
  .zero   31 * 8
case_general_out:
  .zero   31 * 8

  .section .note.GNU-stack,"",@progbits
