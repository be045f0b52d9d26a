// A caching allocator for CPU tensors. Training allocates and frees the same large blocks again and again, and glibc
// would return them to the kernel each time (this took half of a training step).
#pragma once
#include <cstddef>
#include <cstdint>

namespace disback {

struct AllocatorStatistics {
  int64_t live;    // bytes in use by tensors
  int64_t peak;    // highest value of `live` since the last reset
  int64_t cached;  // bytes kept for reuse
};

void installAllocator();
AllocatorStatistics allocatorStatistics();
void resetPeak();
void emptyCache();
// Limit of the bytes of all tensors; 0 for the default, the memory of the machine or container.
void setAllocatorLimit(int64_t bytes);

}  // namespace disback
