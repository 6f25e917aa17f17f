// A goroutine that spins with every register set to something known (preempt_regs_risc.cc), RISC-V
// ELF psABI.  t5 reads preempt_stop, and t6 points into this stack.

#define VECTORS 256
#define CONTROL 776
#define POINTER 784

  .text
// void preempt_spin(const struct preempt_regs *in /* a0 */, struct preempt_regs *out /* a1 */)
  .globl  preempt_spin
  .type   preempt_spin, @function
  .p2align 2
preempt_spin:
  .cfi_startproc
  addi    sp, sp, -224
  .cfi_def_cfa_offset 224
  sd      ra, 0(sp)
  .cfi_offset ra, -224
  sd      s0, 8(sp)
  .cfi_offset s0, -216
  sd      s1, 16(sp)
  .cfi_offset s1, -208
  sd      s2, 24(sp)
  .cfi_offset s2, -200
  sd      s3, 32(sp)
  .cfi_offset s3, -192
  sd      s4, 40(sp)
  .cfi_offset s4, -184
  sd      s5, 48(sp)
  .cfi_offset s5, -176
  sd      s6, 56(sp)
  .cfi_offset s6, -168
  sd      s7, 64(sp)
  .cfi_offset s7, -160
  sd      s8, 72(sp)
  .cfi_offset s8, -152
  sd      s9, 80(sp)
  .cfi_offset s9, -144
  sd      s10, 88(sp)
  .cfi_offset s10, -136
  sd      s11, 96(sp)
  .cfi_offset s11, -128
  fsd     fs0, 104(sp)
  fsd     fs1, 112(sp)
  fsd     fs2, 120(sp)
  fsd     fs3, 128(sp)
  fsd     fs4, 136(sp)
  fsd     fs5, 144(sp)
  fsd     fs6, 152(sp)
  fsd     fs7, 160(sp)
  fsd     fs8, 168(sp)
  fsd     fs9, 176(sp)
  fsd     fs10, 184(sp)
  fsd     fs11, 192(sp)
  frcsr   t0
  sd      a1, 200(sp)
  sd      t0, 208(sp)
  ld      t0, CONTROL(a0)
  fscsr   t0
  fld     f0, VECTORS + 0(a0)
  fld     f1, VECTORS + 16(a0)
  fld     f2, VECTORS + 32(a0)
  fld     f3, VECTORS + 48(a0)
  fld     f4, VECTORS + 64(a0)
  fld     f5, VECTORS + 80(a0)
  fld     f6, VECTORS + 96(a0)
  fld     f7, VECTORS + 112(a0)
  fld     f8, VECTORS + 128(a0)
  fld     f9, VECTORS + 144(a0)
  fld     f10, VECTORS + 160(a0)
  fld     f11, VECTORS + 176(a0)
  fld     f12, VECTORS + 192(a0)
  fld     f13, VECTORS + 208(a0)
  fld     f14, VECTORS + 224(a0)
  fld     f15, VECTORS + 240(a0)
  fld     f16, VECTORS + 256(a0)
  fld     f17, VECTORS + 272(a0)
  fld     f18, VECTORS + 288(a0)
  fld     f19, VECTORS + 304(a0)
  fld     f20, VECTORS + 320(a0)
  fld     f21, VECTORS + 336(a0)
  fld     f22, VECTORS + 352(a0)
  fld     f23, VECTORS + 368(a0)
  fld     f24, VECTORS + 384(a0)
  fld     f25, VECTORS + 400(a0)
  fld     f26, VECTORS + 416(a0)
  fld     f27, VECTORS + 432(a0)
  fld     f28, VECTORS + 448(a0)
  fld     f29, VECTORS + 464(a0)
  fld     f30, VECTORS + 480(a0)
  fld     f31, VECTORS + 496(a0)
  mv      t5, a0
  ld      ra, 8(t5)
  ld      t0, 40(t5)
  ld      t1, 48(t5)
  ld      t2, 56(t5)
  ld      s0, 64(t5)
  ld      s1, 72(t5)
  ld      a0, 80(t5)
  ld      a1, 88(t5)
  ld      a2, 96(t5)
  ld      a3, 104(t5)
  ld      a4, 112(t5)
  ld      a5, 120(t5)
  ld      a6, 128(t5)
  ld      a7, 136(t5)
  ld      s2, 144(t5)
  ld      s3, 152(t5)
  ld      s4, 160(t5)
  ld      s5, 168(t5)
  ld      s6, 176(t5)
  ld      s7, 184(t5)
  ld      s8, 192(t5)
  ld      s9, 200(t5)
  ld      s10, 208(t5)
  ld      s11, 216(t5)
  ld      t3, 224(t5)
  ld      t4, 232(t5)
  addi    t6, sp, -64
1:
  lla     t5, preempt_stop
  lbu     t5, 0(t5)
  beqz    t5, 1b
  ld      t5, 200(sp)
  sd      ra, 8(t5)
  sd      t0, 40(t5)
  sd      t1, 48(t5)
  sd      t2, 56(t5)
  sd      s0, 64(t5)
  sd      s1, 72(t5)
  sd      a0, 80(t5)
  sd      a1, 88(t5)
  sd      a2, 96(t5)
  sd      a3, 104(t5)
  sd      a4, 112(t5)
  sd      a5, 120(t5)
  sd      a6, 128(t5)
  sd      a7, 136(t5)
  sd      s2, 144(t5)
  sd      s3, 152(t5)
  sd      s4, 160(t5)
  sd      s5, 168(t5)
  sd      s6, 176(t5)
  sd      s7, 184(t5)
  sd      s8, 192(t5)
  sd      s9, 200(t5)
  sd      s10, 208(t5)
  sd      s11, 216(t5)
  sd      t3, 224(t5)
  sd      t4, 232(t5)
  sub     t6, t6, sp
  sd      t6, POINTER(t5)
  frcsr   t0
  sd      t0, CONTROL(t5)
  fsd     f0, VECTORS + 0(t5)
  fsd     f1, VECTORS + 16(t5)
  fsd     f2, VECTORS + 32(t5)
  fsd     f3, VECTORS + 48(t5)
  fsd     f4, VECTORS + 64(t5)
  fsd     f5, VECTORS + 80(t5)
  fsd     f6, VECTORS + 96(t5)
  fsd     f7, VECTORS + 112(t5)
  fsd     f8, VECTORS + 128(t5)
  fsd     f9, VECTORS + 144(t5)
  fsd     f10, VECTORS + 160(t5)
  fsd     f11, VECTORS + 176(t5)
  fsd     f12, VECTORS + 192(t5)
  fsd     f13, VECTORS + 208(t5)
  fsd     f14, VECTORS + 224(t5)
  fsd     f15, VECTORS + 240(t5)
  fsd     f16, VECTORS + 256(t5)
  fsd     f17, VECTORS + 272(t5)
  fsd     f18, VECTORS + 288(t5)
  fsd     f19, VECTORS + 304(t5)
  fsd     f20, VECTORS + 320(t5)
  fsd     f21, VECTORS + 336(t5)
  fsd     f22, VECTORS + 352(t5)
  fsd     f23, VECTORS + 368(t5)
  fsd     f24, VECTORS + 384(t5)
  fsd     f25, VECTORS + 400(t5)
  fsd     f26, VECTORS + 416(t5)
  fsd     f27, VECTORS + 432(t5)
  fsd     f28, VECTORS + 448(t5)
  fsd     f29, VECTORS + 464(t5)
  fsd     f30, VECTORS + 480(t5)
  fsd     f31, VECTORS + 496(t5)
  ld      t0, 208(sp)
  fscsr   t0
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
  fld     fs0, 104(sp)
  fld     fs1, 112(sp)
  fld     fs2, 120(sp)
  fld     fs3, 128(sp)
  fld     fs4, 136(sp)
  fld     fs5, 144(sp)
  fld     fs6, 152(sp)
  fld     fs7, 160(sp)
  fld     fs8, 168(sp)
  fld     fs9, 176(sp)
  fld     fs10, 184(sp)
  fld     fs11, 192(sp)
  addi    sp, sp, 224
  .cfi_def_cfa_offset 0
  ret
  .cfi_endproc
  .size   preempt_spin, .-preempt_spin

// void preempt_clobber(void)
  .globl  preempt_clobber
  .type   preempt_clobber, @function
  .p2align 2
preempt_clobber:
  .cfi_startproc
  .irp reg, a0, a1, a2, a3, a4, a5, a6, a7, t0, t1, t2, t3, t4, t5, t6
  li      \reg, 0
  .endr
  .irp reg, fa0, fa1, fa2, fa3, fa4, fa5, fa6, fa7, ft0, ft1, ft2, ft3, ft4, ft5, ft6, ft7, \
        ft8, ft9, ft10, ft11
  fmv.d.x \reg, zero
  .endr
  ret
  .cfi_endproc
  .size   preempt_clobber, .-preempt_clobber

  .section .rodata
  .p2align 3
  .globl  preempt_flags, preempt_control
preempt_flags:
  .quad   0
preempt_control:
  .quad   0x7f                // round up, every flag raised

  .section .note.GNU-stack,"",@progbits
