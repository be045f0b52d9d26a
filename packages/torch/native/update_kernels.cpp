#include "update_kernels.h"

#include <cmath>
#include <cstring>

#define DISBACK_INLINE __attribute__((always_inline)) inline

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

#define DISBACK_KERNELS(NAME, TARGET)                                                            \
  TARGET double clean##NAME(float* values, int64_t count, const Replacements& replacements) {    \
    return clean(values, count, replacements);                                                   \
  }                                                                                              \
  TARGET void lerp##NAME(float* averages, const float* values, int64_t count, float weight) {    \
    lerp(averages, values, count, weight);                                                       \
  }

DISBACK_KERNELS(Plain, )
#ifdef __x86_64__
DISBACK_KERNELS(Avx2, __attribute__((target("avx2,fma"))))
DISBACK_KERNELS(Avx512, __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))))
#endif

}  // namespace

UpdateKernels updateKernels(const char* capability) {
#ifdef __x86_64__
  if (!std::strcmp(capability, "AVX512")) return {cleanAvx512, lerpAvx512};
  if (!std::strcmp(capability, "AVX2")) return {cleanAvx2, lerpAvx2};
#else
  static_cast<void>(capability);
#endif
  return {cleanPlain, lerpPlain};
}

}  // namespace disback
