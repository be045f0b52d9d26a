// TorchScript modules: someone else's network in one file, such as EDM's Inception.
#include "convert.h"
#include "registration.h"

#include <torch/csrc/jit/serialization/import.h>

#include <cmath>

namespace disback {
namespace {

using torch::jit::Module;
const napi_type_tag kModuleTag = {0x6469736261636b02, 0x746f726368736372};

Module& moduleArgument(napi_env env, napi_value value) {
  bool tagged = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, value, &kModuleTag, &tagged) != napi_ok || !tagged ||
      napi_unwrap(env, value, &data) != napi_ok)
    throw ArgumentError("argument 'module' must be a TorchScript module");
  return *static_cast<Module*>(data);
}

// Plain values: tensors are given as {tensor: handle}, since numbers are numbers here.
c10::IValue plainValue(Environment& environment, napi_value value) {
  napi_env env = environment.env;
  napi_valuetype type;
  napi_typeof(env, value, &type);
  if (type == napi_boolean) return boolArgument(env, value, "value");
  if (type == napi_string) return stringArgument(env, value, "value");
  if (type == napi_number) {
    double number;
    napi_get_value_double(env, value, &number);
    if (std::trunc(number) == number && std::abs(number) < 9.2e18) return static_cast<int64_t>(number);
    return number;
  }
  if (type == napi_object) {
    napi_value handle;
    check(env, napi_get_named_property(env, value, "tensor", &handle), "tensor");
    return tensorArgument(environment, handle, "value");
  }
  if (isNullish(env, value)) return c10::IValue();
  throw ArgumentError("a TorchScript module takes tensors, numbers, booleans and strings");
}

napi_value loadScript(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<2> arguments(env, info);
    const c10::Device device(stringArgument(env, arguments[1], "device"));
    auto module = std::make_unique<Module>(torch::jit::load(stringArgument(env, arguments[0], "path"), device));
    module->eval();
    napi_value object;
    check(env, napi_create_object(env, &object), "module");
    napi_type_tag_object(env, object, &kModuleTag);
    napi_wrap(env, object, module.release(), [](napi_env, void* data, void*) { delete static_cast<Module*>(data); },
              nullptr, nullptr);
    return object;
  }, "loadTorchScript");
}

// runScript(module, method, args[], names[], values[]) -> handle or array of them
napi_value runScript(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<5> arguments(env, info);
    Environment& environment = Environment::of(env);
    Module& module = moduleArgument(env, arguments[0]);
    const std::string method = stringArgument(env, arguments[1], "method");
    std::vector<c10::IValue> inputs;
    std::unordered_map<std::string, c10::IValue> named;
    uint32_t length;
    check(env, napi_get_array_length(env, arguments[2], &length), "args");
    for (uint32_t i = 0; i < length; i++) {
      napi_value element;
      check(env, napi_get_element(env, arguments[2], i, &element), "args");
      inputs.push_back(plainValue(environment, element));
    }
    check(env, napi_get_array_length(env, arguments[3], &length), "names");
    for (uint32_t i = 0; i < length; i++) {
      napi_value name, value;
      check(env, napi_get_element(env, arguments[3], i, &name), "names");
      check(env, napi_get_element(env, arguments[4], i, &value), "named values");
      named.emplace(stringArgument(env, name, "name"), plainValue(environment, value));
    }
    return toJs(environment, module.get_method(method)(std::move(inputs), named));
  }, "TorchScript");
}

}  // namespace

void registerScript(napi_env env, napi_value exports) {
  define(env, exports, "loadScript", loadScript);
  define(env, exports, "runScript", runScript);
}

}  // namespace disback
