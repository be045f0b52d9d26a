// What ends an update of a network, over plain memory, one kernel for each instruction set.
#pragma once

#include <cstdint>

namespace disback {

struct Replacements {
  float nan, positive, negative;
};

struct UpdateKernels {
  // Replaces what is not finite among `count` values. -> the sum of the squares afterwards
  double (*clean)(float* values, int64_t count, const Replacements&);
  // average += weight * (value - average), rounded as libtorch's lerp_
  void (*lerp)(float* averages, const float* values, int64_t count, float weight);
};

// @param capability see instruction_sets.h
UpdateKernels updateKernels(const char* capability);

}  // namespace disback
