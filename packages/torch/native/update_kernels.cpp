#include "update_kernels.h"

#include "instruction_sets.h"

#include <cmath>

namespace disback {
namespace {

constexpr int kLanes = 16;

// Sums are made in 16 lanes, whatever the vectors' width. A finite sum needs no second look at the values, and no write.
DISBACK_INLINE double clean(float* values, int64_t count, const Replacements& replacements) {
  float lanes[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes)
    for (int lane = 0; lane < kLanes; lane++) lanes[lane] += values[i + lane] * values[i + lane];
  double sum = 0;
  for (const float lane : lanes) sum += lane;
  for (int64_t i = whole; i < count; i++) sum += values[i] * values[i];
  if (std::isfinite(sum)) return sum;
  sum = 0;
  for (int64_t i = 0; i < count; i++) {
    if (std::isnan(values[i])) values[i] = replacements.nan;
    else if (std::isinf(values[i])) values[i] = values[i] > 0 ? replacements.positive : replacements.negative;
    sum += static_cast<double>(values[i]) * values[i];
  }
  return sum;
}

DISBACK_INLINE void lerp(float* __restrict averages, const float* __restrict values, int64_t count, float weight) {
  if (weight < 0.5f) {
    for (int64_t i = 0; i < count; i++) averages[i] = averages[i] + weight * (values[i] - averages[i]);
  } else {
    for (int64_t i = 0; i < count; i++) averages[i] = values[i] + (weight - 1) * (values[i] - averages[i]);
  }
}

#define DISBACK_KERNELS(NAME, WIDTH, TARGET)                                                     \
  TARGET double clean##NAME(float* values, int64_t count, const Replacements& replacements) {    \
    return clean(values, count, replacements);                                                   \
  }                                                                                              \
  TARGET void lerp##NAME(float* averages, const float* values, int64_t count, float weight) {    \
    lerp(averages, values, count, weight);                                                       \
  }                                                                                              \
  constexpr UpdateKernels kernels##NAME{clean##NAME, lerp##NAME};

DISBACK_EACH_SET(DISBACK_KERNELS)

}  // namespace

UpdateKernels updateKernels(const char* capability) { DISBACK_RETURN_CHOSEN(); }

}  // namespace disback
