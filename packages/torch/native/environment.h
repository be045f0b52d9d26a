// What one JavaScript environment (the main thread or one worker) owns: its tensors, operators and modes.
#pragma once
#include "tensor_table.h"

#include <node_api.h>

#include <ATen/core/ivalue.h>
#include <c10/core/InferenceMode.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace disback {

struct Operator;

struct Environment {
  explicit Environment(napi_env env) : env(env), thread(std::this_thread::get_id()), tensors(env) {}
  napi_env env;
  std::thread::id thread;
  TensorTable tensors;
  std::vector<std::shared_ptr<Operator>> operators;
  std::vector<c10::IValue> stack;
  std::vector<std::unique_ptr<c10::InferenceMode>> inference;
  napi_ref errorConstructor = nullptr;
  napi_ref observer = nullptr;  // called for every call of an operator
  bool observing = false;
  double* sizes = nullptr;  // JavaScript's memory, see shareSizes
  size_t maximumDimensions = 0;

  static Environment& of(napi_env env);
};

// A wrong argument from JavaScript.
struct ArgumentError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// A JavaScript exception is already pending.
struct PendingException {};

void check(napi_env env, napi_status status, const char* what);
void throwToJs(napi_env env, const std::string& message, const std::string& operatorName = "");

// Runs `body`, turning every C++ exception into a JavaScript one.
template <class Body>
napi_value guarded(napi_env env, Body&& body, const std::string& name = "") {
  try {
    return body();
  } catch (const PendingException&) {
    return nullptr;
  } catch (const c10::Error& error) {
    throwToJs(env, error.what_without_backtrace(), name);
  } catch (const std::exception& error) {
    throwToJs(env, error.what(), name);
  } catch (...) {
    throwToJs(env, "unknown native error", name);
  }
  return nullptr;
}

// Arguments of one call from JavaScript.
template <size_t N>
struct Arguments {
  napi_value values[N];
  size_t count = N;
  Arguments(napi_env env, napi_callback_info info, size_t required = N) {
    check(env, napi_get_cb_info(env, info, &count, values, nullptr, nullptr), "arguments");
    if (count < required) throw ArgumentError("expected " + std::to_string(required) + " arguments");
  }
  napi_value operator[](size_t i) const { return values[i]; }
};

}  // namespace disback
