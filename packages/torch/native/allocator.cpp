#include "allocator.h"

#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace disback {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kLargest = size_t{1} << 62;
constexpr int64_t kFreeAllowance = int64_t{256} << 20;

// Eight size classes per power of two: at most an eighth of a block is wasted.
size_t roundUp(size_t bytes) {
  if (bytes <= 512) return (bytes + 63) & ~size_t{63};
  const size_t step = std::bit_floor(bytes - 1) / 8;
  return (bytes + step - 1) / step * step;
}

// Bytes of the machine's memory, or of its control group's limit.
int64_t machineMemory() {
  int64_t bytes = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    int64_t limit;
    if (file >> limit && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

class CachingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    // A negative size from a kernel must not be rounded to a small one.
    if (bytes > kLargest) throw std::runtime_error("out of memory: a tensor of " + std::to_string(bytes) + " bytes");
    void* data = bytes == 0 ? nullptr : take(roundUp(bytes));
    return {data, data, &CachingAllocator::release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &CachingAllocator::release; }
  void copy_data(void* destination, const void* source, size_t bytes) const override {
    std::memcpy(destination, source, bytes);
  }

  AllocatorStatistics statistics() {
    std::lock_guard lock(mutex_);
    return {live_, peak_, cached_};
  }
  void resetPeak() {
    std::lock_guard lock(mutex_);
    peak_ = live_;
  }
  void setLimit(int64_t bytes) {
    std::lock_guard lock(mutex_);
    limit_ = bytes > 0 ? bytes : machineMemory();
  }
  void trim(int64_t keep) {
    std::lock_guard lock(mutex_);
    trimLocked(keep);
  }

  static CachingAllocator& instance() {
    static auto* allocator = new CachingAllocator();  // outlives every tensor
    return *allocator;
  }

 private:
  struct Header {
    size_t size;
  };

  void* take(size_t size) {
    std::lock_guard lock(mutex_);
    if (static_cast<int64_t>(size) > limit_ - live_) refuse(size);
    live_ += static_cast<int64_t>(size);
    peak_ = std::max(peak_, live_);
    auto found = free_.find(size);
    if (found != free_.end() && !found->second.empty()) {
      void* data = found->second.back();
      found->second.pop_back();
      cached_ -= static_cast<int64_t>(size);
      return data;
    }
    // Blocks kept for shapes that are no longer used must not pile up …
    if (cached_ > kFreeAllowance + live_ / 2) trimLocked(live_ / 4);
    // … nor make the process larger than its tensors ever were together, by more than the allowance.
    highest_ = std::max(highest_, live_);
    const int64_t spare = highest_ - live_ + kFreeAllowance;
    if (cached_ > spare) trimLocked(spare);
    void* block = nullptr;
    if (posix_memalign(&block, kAlignment, size + kAlignment) != 0) {
      trimLocked(0);
      if (posix_memalign(&block, kAlignment, size + kAlignment) != 0) {
        live_ -= static_cast<int64_t>(size);
        refuse(size);
      }
    }
    new (block) Header{size};
    return static_cast<char*>(block) + kAlignment;
  }

  // Linux grants more memory than exists, and kills the process when it is used. So what cannot fit is refused here.
  [[noreturn]] void refuse(size_t size) const {
    throw std::runtime_error("out of memory: a tensor of " + std::to_string(size) + " bytes does not fit, tensors hold " +
                             std::to_string(live_) + " of " + std::to_string(limit_) + " bytes");
  }

  static void release(void* data) {
    if (data == nullptr) return;
    CachingAllocator& self = instance();
    const size_t size = header(data)->size;
    std::lock_guard lock(self.mutex_);
    self.live_ -= static_cast<int64_t>(size);
    self.cached_ += static_cast<int64_t>(size);
    self.free_[size].push_back(data);
  }

  void trimLocked(int64_t keep) {
    for (auto entry = free_.rbegin(); entry != free_.rend() && cached_ > keep; ++entry) {
      while (!entry->second.empty() && cached_ > keep) {
        std::free(header(entry->second.back()));
        entry->second.pop_back();
        cached_ -= static_cast<int64_t>(entry->first);
      }
    }
  }

  static Header* header(void* data) {
    return reinterpret_cast<Header*>(static_cast<char*>(data) - kAlignment);
  }

  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;
  int64_t live_ = 0, peak_ = 0, cached_ = 0;
  // the largest live_, never reset
  int64_t highest_ = 0;
  int64_t limit_ = machineMemory();
};

}  // namespace

void installAllocator() { c10::SetCPUAllocator(&CachingAllocator::instance(), 200); }
AllocatorStatistics allocatorStatistics() { return CachingAllocator::instance().statistics(); }
void resetPeak() { CachingAllocator::instance().resetPeak(); }
void setAllocatorLimit(int64_t bytes) { CachingAllocator::instance().setLimit(bytes); }
void emptyCache() { CachingAllocator::instance().trim(0); }

}  // namespace disback
