#include "device_memory.h"

#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/version.h>

// One interface to all devices' allocators: libtorch 2.9 and later.
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9
#include <c10/core/CachingDeviceAllocator.h>
#define DISBACK_DEVICE_ALLOCATOR 1
#endif

namespace disback {

#ifdef DISBACK_DEVICE_ALLOCATOR
namespace {

// The device of a name without a number. Throws if this libtorch was built without the kind.
c10::DeviceIndex indexOf(c10::Device device) {
  return device.has_index() ? device.index() : c10::impl::getDeviceGuardImpl(device.type())->getDevice().index();
}

}  // namespace

AllocatorStatistics deviceStatistics(c10::Device device) {
  const c10::DeviceIndex index = indexOf(device);
  c10::DeviceAllocator* allocator = c10::getDeviceAllocator(device.type());
  if (!allocator->initialized()) return {0, 0, 0};
  const auto statistics = allocator->getDeviceStats(index);
  const auto sum = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const c10::CachingAllocator::Stat& live = statistics.allocated_bytes[sum];
  return {live.current, live.peak, statistics.reserved_bytes[sum].current - live.current};
}

void resetDevicePeak(c10::Device device) {
  const c10::DeviceIndex index = indexOf(device);
  c10::DeviceAllocator* allocator = c10::getDeviceAllocator(device.type());
  if (allocator->initialized()) allocator->resetPeakStats(index);
}

void emptyDeviceCache(c10::Device device) {
  indexOf(device);
  c10::DeviceAllocator* allocator = c10::getDeviceAllocator(device.type());
  if (allocator->initialized()) allocator->emptyCache();
}
#else
namespace {

[[noreturn]] void tooOld() { TORCH_CHECK(false, "memory figures of a GPU need libtorch 2.9 or later"); }

}  // namespace

AllocatorStatistics deviceStatistics(c10::Device) { tooOld(); }
void resetDevicePeak(c10::Device) { tooOld(); }
void emptyDeviceCache(c10::Device) { tooOld(); }
#endif

}  // namespace disback
