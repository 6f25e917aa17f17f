// `signal`: the stack grows when its guard is touched.  The handler moves the live part to a
// larger stack, rewrites every interrupted register that names the old one, and lets the
// instruction run again.
//
// Nothing here is guessed at the wrong moment: the live part begins at the interrupted SP less
// the red zone, not at the SP of the last switch; all general and vector registers move, not SP
// alone; and the size is what the instruction needs.  docs/hazards.md has what remains unsound.
#include "runtime/arch/arch.h"
#include "runtime/stack/count.h"
#include "runtime/stack/growth/growth.h"
#include "runtime/stack/sanitize.h"

int rt_growatfault(struct rt_gstack *gs, struct rt_stackcache *cache, struct os_fault *fault,
                   size_t size, uintptr_t lowest) {
  struct rt_copied moved;
  const int error = rt_newstack(gs, cache, size, lowest, &moved);
  if (error) return error;
  struct rt_regfile regs;
  os_fault_regs(fault, &regs);
  const uint64_t nregs = rt_regfile_adjust(&regs, &moved.words);
  rt_count(&cache->stats.words_adjusted, nregs);
  cache->last.words_adjusted += nregs;
  struct rt_wordmove shadow[RT_SHADOW_MOVES];
  const size_t nshadow = rt_sanitize_shadow(&moved.words, shadow);
  for (size_t i = 0; i < nshadow; i++) rt_regfile_adjust(&regs, &shadow[i]);
  rt_count(&cache->stats.growths_by_fault, 1);
  return 0;
}

const struct rt_growth rt_growth_signal = {
    .name = "signal",
    .summary = "copy to a larger stack when the guard is touched",
    .moves = true,
    .kind = RT_STACK_WIDE,
    .alloc = rt_growth_alloc,
    .shrink = rt_shrinkbycopy,
    .fault = rt_growatfault,
    .resume = rt_growth_forcemove,
};
