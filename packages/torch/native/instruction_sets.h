// The instruction sets that kernels are compiled for, under libtorch's names. Which one runs is decided when the process
// starts: `capability` is libtorch's name of the instructions it uses (ATEN_CPU_CAPABILITY lowers it).
#pragma once

#include <cstring>

#define DISBACK_INLINE __attribute__((always_inline)) inline

// Writes KERNELS(name, floats in a vector, attribute of the functions) for each set that the processor's family has.
#define DISBACK_DEFAULT_SET(KERNELS) KERNELS(DEFAULT, 4, )
#ifdef __x86_64__
#define DISBACK_EACH_SET(KERNELS)                                                                          \
  DISBACK_DEFAULT_SET(KERNELS)                                                                             \
  KERNELS(AVX2, 8, __attribute__((target("avx2,fma"))))                                                    \
  KERNELS(AVX512, 16, __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))))
#else
#define DISBACK_EACH_SET(KERNELS) DISBACK_DEFAULT_SET(KERNELS)
#endif

// Returns the kernels of the set that `capability` names, or the default ones. Each set's are a constant kernels<name>.
#define DISBACK_RETURN_IF_CHOSEN(NAME, WIDTH, TARGET) \
  if (!std::strcmp(capability, #NAME)) return kernels##NAME;
#define DISBACK_RETURN_CHOSEN()              \
  DISBACK_EACH_SET(DISBACK_RETURN_IF_CHOSEN) \
  return kernelsDEFAULT
