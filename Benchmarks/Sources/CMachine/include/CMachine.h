// What the processor can do at most, measured without memory: a multiply-add loop that never leaves the registers.
// And parts of a measurement run at once.
#pragma once

#include <stddef.h>

/// A part of a measurement, by its number.
typedef void (*CMachinePart)(int part, void *context);

/// Runs `count` parts at once, each on a thread of its own, the first on the caller's.
void cmachine_at_once(int count, CMachinePart part, void *context);

/// Runs the multiply-add loop of an instruction set, as `SEGKERNELS_ISA` names it (baseline, avx2, avx512), on the
/// calling thread and returns a number that depends on all rounds.
float cmachine_multiply_add(const char *isa, size_t rounds);

/// Floating-point operations of one round of that loop, a multiply-add counting 2; 0 where it does not exist.
size_t cmachine_operations(const char *isa);
