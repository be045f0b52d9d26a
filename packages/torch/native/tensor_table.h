// The tensors that JavaScript holds, and when those are released that it holds no longer.
#pragma once
#include <node_api.h>

#include <ATen/core/Tensor.h>

#include <vector>

namespace disback {

// Tensors are known to JavaScript by small integers: cheaper to pass than objects, and checked on every use.
class TensorTable {
 public:
  explicit TensorTable(napi_env env) : env_(env) {}
  uint32_t add(at::Tensor tensor);
  const at::Tensor& get(uint32_t handle) const;
  void release(uint32_t handle);
  // While it is on, no handle is given out a second time: a handle then names one tensor.
  void keepHandlesUnique(bool on);
  size_t live() const { return slots_.size() - 1 - free_.size() - retired_.size(); }

  // Ties the tensor to its JavaScript object: `sweep` releases it once the object was collected. A finalization registry
  // would do it in a task of its own, which never comes in a loop that does not await.
  // Gives whether so much memory is tied to objects that it is time to look which of them are gone.
  bool watch(uint32_t handle, napi_value object);
  // Releases the tensors of objects that were collected; gives whether at least half of the allowance came back.
  bool sweep();
  // The same after a full collection. The next look is due when a quarter more, or 256 MB, has been added.
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
  std::vector<Watch> watches_;  // by handle; shorter than slots_ where the last ones are not watched
  int64_t watched_ = 0;         // bytes
  int64_t settled_ = 0;         // watched after the last full collection
  int64_t limit_ = kAllowance;
  bool unique_ = false;
  static constexpr int64_t kAllowance = int64_t{256} << 20;
};

}  // namespace disback
