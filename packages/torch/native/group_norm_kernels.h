// Group normalization over plain memory, one kernel for each instruction set: y = weight * normalized + bias, or SiLU of it.
#pragma once

#include <cstdint>

namespace disback {

// One sample's memory is [pixels][channels] if the channels are last, else [channels][pixels].
struct NormShape {
  int64_t channels, groups, pixels;
  bool channelsLast, silu;
  double eps;
};

// Pointers of one sample. `weight` and `bias` have one value for each channel, `mean` and `rstd` for each group.
struct NormForward {
  const float *x, *weight, *bias;
  float *y, *mean, *rstd;
};

// `sumGradient` and `sumScaled` receive, for each channel, the sums over the pixels of the gradient (before SiLU), and of
// that times the normalized input.
struct NormBackward {
  const float *gradient, *x, *weight, *bias, *mean, *rstd;
  float *input, *sumGradient, *sumScaled;
};

// Both work on the groups from `first` to before `last`; groups do not depend on each other.
struct NormKernels {
  void (*forward)(const NormShape&, const NormForward&, int64_t first, int64_t last);
  void (*backward)(const NormShape&, const NormBackward&, int64_t first, int64_t last);
};

// @param capability see instruction_sets.h
NormKernels normKernels(const char* capability);

}  // namespace disback
