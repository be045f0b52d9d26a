// The tensors that JavaScript holds, and the release of those it no longer holds.
#pragma once
#include <node_api.h>

#include <ATen/core/Tensor.h>

#include <vector>

namespace disback {

// JavaScript knows tensors by small integers, which are cheaper to pass than objects and are checked on every use.
class TensorTable {
 public:
  explicit TensorTable(napi_env env) : env_(env) {}
  uint32_t add(at::Tensor tensor);
  const at::Tensor& get(uint32_t handle) const;
  void release(uint32_t handle);
  // While it is on, handles are not reused, so a handle names one tensor.
  void keepHandlesUnique(bool on);
  size_t live() const { return slots_.size() - 1 - free_.size() - retired_.size(); }

  // Ties the tensor to its JavaScript object: `sweep` releases it after the object was collected. A finalization
  // registry would need a separate task, which never runs in a loop without await. Returns whether so much memory is
  // tied to objects that it is time to sweep.
  bool watch(uint32_t handle, napi_value object);
  // Releases the tensors of collected objects. Returns whether at least half of the allowance was freed.
  bool sweep();
  // The same after a full collection. The next sweep is due after a quarter more, or 256 MB, has been added.
  void collect();

 private:
  struct Watch {
    napi_ref object = nullptr;
    int64_t bytes = 0;
  };
  void unwatch(uint32_t handle);

  napi_env env_;
  std::vector<at::Tensor> slots_{at::Tensor()};  // slot 0 is never handed out
  std::vector<uint32_t> free_;
  std::vector<uint32_t> retired_;
  std::vector<Watch> watches_;  // by handle; shorter than slots_ if the last ones are not watched
  int64_t watched_ = 0;         // bytes
  int64_t settled_ = 0;         // watched after the last full collection
  int64_t limit_ = kAllowance;
  bool unique_ = false;
  static constexpr int64_t kAllowance = int64_t{256} << 20;
};

}  // namespace disback
