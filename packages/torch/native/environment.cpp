#include "environment.h"

#include "allocator.h"

namespace disback {

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
  slots_[handle].reset();
  (unique_ ? retired_ : free_).push_back(handle);
}

void TensorTable::keepHandlesUnique(bool on) {
  unique_ = on;
  free_.insert(free_.end(), retired_.begin(), retired_.end());
  retired_.clear();
}

Environment& Environment::of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Environment*>(data);
}

void Environment::reportMemory() {
  if (untilReport-- != 0) return;
  untilReport = 512;
  const int64_t live = allocatorStatistics().live;
  int64_t total = 0;
  napi_adjust_external_memory(env, live - reportedBytes, &total);
  reportedBytes = live;
}

void check(napi_env env, napi_status status, const char* what) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) throw PendingException();
  throw ArgumentError(std::string("wrong type: ") + what);
}

void throwToJs(napi_env env, const std::string& message, const std::string& operatorName) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) return;
  Environment& environment = Environment::of(env);
  napi_value text, name, constructor, error;
  napi_create_string_utf8(env, message.c_str(), message.size(), &text);
  napi_create_string_utf8(env, operatorName.c_str(), operatorName.size(), &name);
  if (environment.errorConstructor &&
      napi_get_reference_value(env, environment.errorConstructor, &constructor) == napi_ok) {
    napi_value arguments[] = {text, name};
    if (napi_new_instance(env, constructor, 2, arguments, &error) == napi_ok) {
      napi_throw(env, error);
      return;
    }
  }
  napi_throw_error(env, nullptr, message.c_str());
}

}  // namespace disback
