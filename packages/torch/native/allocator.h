// A caching allocator for CPU tensors: training allocates and frees the same large blocks again and again, and
// glibc gives them back to the kernel each time (half of a training step was spent there).
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
// Tensors together never hold more bytes than this; 0 for the default, the memory of the machine or container.
void setAllocatorLimit(int64_t bytes);

}  // namespace disback
