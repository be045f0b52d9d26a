// Memory use of a device other than the CPU, from libtorch's allocator. Compiles without CUDA.
#pragma once
#include "allocator.h"

#include <c10/core/Device.h>

namespace disback {

AllocatorStatistics deviceStatistics(c10::Device device);
void resetDevicePeak(c10::Device device);
void emptyDeviceCache(c10::Device device);

}  // namespace disback
