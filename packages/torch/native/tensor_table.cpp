#include "tensor_table.h"

#include "environment.h"

namespace disback {
namespace {

// Bytes of a tensor's objects, in JavaScript and in libtorch.
constexpr int64_t kOverhead = 1024;
// Above what V8 lets an embedder allocate before a full collection, whatever the heap's limit.
constexpr int64_t kPressure = int64_t{1} << 46;

// The bytes of a tensor; a view's numbers are counted with their owner.
int64_t bytesOf(const at::Tensor& tensor) {
  const bool alone = tensor.has_storage() && tensor.storage().use_count() == 1;
  return kOverhead + (alone ? static_cast<int64_t>(tensor.storage().nbytes()) : 0);
}

}  // namespace

uint32_t TensorTable::add(at::Tensor tensor) {
  if (unique_ || free_.empty()) {
    slots_.push_back(std::move(tensor));
    return static_cast<uint32_t>(slots_.size() - 1);
  }
  const uint32_t handle = free_.back();
  free_.pop_back();
  slots_[handle] = std::move(tensor);
  return handle;
}

const at::Tensor& TensorTable::get(uint32_t handle) const {
  if (handle == 0 || handle >= slots_.size() || !slots_[handle].defined())
    throw ArgumentError("the tensor was disposed (or is no tensor)");
  return slots_[handle];
}

void TensorTable::release(uint32_t handle) {
  if (handle == 0 || handle >= slots_.size() || !slots_[handle].defined()) return;
  if (handle < watches_.size() && watches_[handle].object) unwatch(handle);
  slots_[handle].reset();
  (unique_ ? retired_ : free_).push_back(handle);
}

void TensorTable::keepHandlesUnique(bool on) {
  unique_ = on;
  free_.insert(free_.end(), retired_.begin(), retired_.end());
  retired_.clear();
}

bool TensorTable::watch(uint32_t handle, napi_value object) {
  const at::Tensor& tensor = get(handle);
  if (handle >= watches_.size()) watches_.resize(slots_.size());
  Watch& watch = watches_[handle];
  if (watch.object) throw ArgumentError("the tensor is already watched");
  check(env_, napi_create_reference(env_, object, 0, &watch.object), "tensor");
  watch.bytes = bytesOf(tensor);
  watched_ += watch.bytes;
  return watched_ > limit_;
}

void TensorTable::unwatch(uint32_t handle) {
  Watch& watch = watches_[handle];
  napi_delete_reference(env_, watch.object);
  watched_ -= watch.bytes;
  watch = Watch();
}

bool TensorTable::sweep() {
  constexpr size_t kBatch = 1024;  // accessing an object makes a local handle
  for (size_t start = 0; start < watches_.size(); start += kBatch) {
    napi_handle_scope scope;
    check(env_, napi_open_handle_scope(env_, &scope), "scope");
    for (size_t handle = start; handle < std::min(start + kBatch, watches_.size()); handle++) {
      if (!watches_[handle].object) continue;
      napi_value object = nullptr;
      napi_get_reference_value(env_, watches_[handle].object, &object);
      if (!object) release(static_cast<uint32_t>(handle));
    }
    napi_close_handle_scope(env_, scope);
  }
  return watched_ - settled_ < (limit_ - settled_) / 2;
}

void TensorTable::collect() {
  int64_t total;
  napi_adjust_external_memory(env_, kPressure, &total);
  napi_adjust_external_memory(env_, -kPressure, &total);
  sweep();
  settled_ = watched_;
  limit_ = settled_ + std::max(kAllowance, settled_ / 4);
}

}  // namespace disback
