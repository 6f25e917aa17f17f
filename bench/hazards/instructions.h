// instructions.h: instructions by kind, each array ended by one without a name.
#ifndef STACKLAB_BENCH_HAZARDS_INSTRUCTIONS_H_
#define STACKLAB_BENCH_HAZARDS_INSTRUCTIONS_H_

#include "bench/hazards/hazard.h"

extern const struct instruction instructions_pushes[], instructions_calls[], instructions_enters[],
    instructions_strings[], instructions_exchanges[], instructions_updates[],
    instructions_saves[], instructions_stores[], instructions_red_zones[],
    instructions_below[], instructions_biased[], instructions_large[],
    instructions_probes[], instructions_vectors[], instructions_generals[],
    instructions_states[];

#endif
