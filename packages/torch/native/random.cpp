// Random generators with a state that can be saved.
#include "random.h"

#include "convert.h"
#include "graph.h"
#include "registration.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

namespace disback {
namespace {

const napi_type_tag kGeneratorTag = {0x6469736261636b01, 0x67656e657261746f};

napi_value wrapGenerator(napi_env env, at::Generator generator) {
  napi_value object;
  auto* owned = new at::Generator(std::move(generator));
  check(env, napi_create_object(env, &object), "generator");
  napi_type_tag_object(env, object, &kGeneratorTag);
  napi_wrap(env, object, owned, [](napi_env, void* data, void*) { delete static_cast<at::Generator*>(data); },
            nullptr, nullptr);
  return object;
}

// createGenerator(device, seed: bigint)
napi_value createGenerator(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<2> arguments(env, info);
    const c10::Device device(stringArgument(env, arguments[0], "device"));
    const auto seed = static_cast<uint64_t>(intArgument(env, arguments[1], "seed"));
    at::Generator generator = device.is_cpu()
        ? at::make_generator<at::CPUGeneratorImpl>(seed)
        : at::globalContext().defaultGenerator(device).clone();
    generator.set_current_seed(seed);
    return wrapGenerator(env, generator);
  });
}

napi_value defaultGenerator(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<1> arguments(env, info);
    const c10::Device device(stringArgument(env, arguments[0], "device"));
    return wrapGenerator(env, at::globalContext().defaultGenerator(device));
  });
}

napi_value setSeed(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    requireNoCapture("read or set the state of a generator");
    Arguments<2> arguments(env, info);
    at::Generator generator = generatorArgument(env, arguments[0], "generator");
    std::lock_guard lock(generator.mutex());
    generator.set_current_seed(static_cast<uint64_t>(intArgument(env, arguments[1], "seed")));
    return nullptr;
  });
}

napi_value getState(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    requireNoCapture("read or set the state of a generator");
    Arguments<1> arguments(env, info);
    at::Generator generator = generatorArgument(env, arguments[0], "generator");
    std::lock_guard lock(generator.mutex());
    return tensorToJs(Environment::of(env), generator.get_state());
  });
}

napi_value setState(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    requireNoCapture("read or set the state of a generator");
    Arguments<2> arguments(env, info);
    at::Generator generator = generatorArgument(env, arguments[0], "generator");
    std::lock_guard lock(generator.mutex());
    generator.set_state(tensorArgument(Environment::of(env), arguments[1], "state"));
    return nullptr;
  });
}

}  // namespace

at::Generator generatorArgument(napi_env env, napi_value value, const char* name) {
  bool tagged = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, value, &kGeneratorTag, &tagged) != napi_ok || !tagged ||
      napi_unwrap(env, value, &data) != napi_ok)
    throw ArgumentError(std::string("argument '") + name + "' must be a generator");
  return *static_cast<at::Generator*>(data);
}

void registerRandom(napi_env env, napi_value exports) {
  define(env, exports, "createGenerator", createGenerator);
  define(env, exports, "defaultGenerator", defaultGenerator);
  define(env, exports, "generatorSetSeed", setSeed);
  define(env, exports, "generatorGetState", getState);
  define(env, exports, "generatorSetState", setState);
}

}  // namespace disback
