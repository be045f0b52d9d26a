// Facts and switches of the runtime: version, threads, memory, autocast.
#include "allocator.h"
#include "convert.h"
#include "device_memory.h"
#include "registration.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/version.h>

namespace disback {
namespace {

napi_value version(napi_env env, napi_callback_info) { return stringToJs(env, TORCH_VERSION); }

napi_value configuration(napi_env env, napi_callback_info) {
  return guarded(env, [&] { return stringToJs(env, at::show_config()); });
}

napi_value setThreads(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    const int64_t threads = intArgument(env, arguments[0], "threads");
    if (threads < 1 || threads > 4096) throw ArgumentError("threads must be between 1 and 4096");
    at::set_num_threads(static_cast<int>(threads));
    return nullptr;
  });
}

napi_value getThreads(napi_env env, napi_callback_info) { return numberToJs(env, at::get_num_threads()); }

// Also works without a GPU: `hasCUDA` says whether there is one.
napi_value builtWithCuda(napi_env env, napi_callback_info) {
  return guarded(env, [&] {
    napi_value result;
    check(env, napi_get_boolean(env, at::globalContext().hasCUDART(), &result), "boolean");
    return result;
  });
}

napi_value deviceCount(napi_env env, napi_callback_info) {
  return guarded(env, [&] { return numberToJs(env, at::hasCUDA() ? static_cast<double>(at::globalContext().getAcceleratorHooksInterface(at::kCUDA).deviceCount()) : 0); });
}

c10::Device deviceArgument(napi_env env, napi_value value) {
  return c10::Device(stringArgument(env, value, "device"));
}

// memory(device) -> {live, peak, cached}
napi_value memory(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<1> arguments(env, info);
    const c10::Device device = deviceArgument(env, arguments[0]);
    const AllocatorStatistics statistics = device.is_cpu() ? allocatorStatistics() : deviceStatistics(device);
    napi_value result;
    napi_create_object(env, &result);
    napi_set_named_property(env, result, "live", numberToJs(env, static_cast<double>(statistics.live)));
    napi_set_named_property(env, result, "peak", numberToJs(env, static_cast<double>(statistics.peak)));
    napi_set_named_property(env, result, "cached", numberToJs(env, static_cast<double>(statistics.cached)));
    return result;
  });
}

napi_value resetPeakMemory(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    const c10::Device device = deviceArgument(env, arguments[0]);
    if (device.is_cpu()) resetPeak();
    else resetDevicePeak(device);
    return nullptr;
  });
}

napi_value setMemoryLimit(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    const int64_t bytes = intArgument(env, arguments[0], "bytes");
    if (bytes < 0) throw ArgumentError("bytes must not be negative");
    setAllocatorLimit(bytes);
    return nullptr;
  });
}

// synchronize(device): waits for this thread's queued work on the device
napi_value synchronize(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    const c10::Device device = deviceArgument(env, arguments[0]);
    if (device.is_cpu()) return nullptr;
    const c10::impl::VirtualGuardImpl devices(device.type());
    devices.getStream(device.has_index() ? device : devices.getDevice()).synchronize();
    return nullptr;
  });
}

napi_value emptyMemoryCache(napi_env, napi_callback_info) {
  emptyCache();
  return nullptr;
}

// enterAutocast(device, dtype) -> [enabled before, dtype before], which leaveAutocast takes
napi_value enterAutocast(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<2> arguments(env, info);
    const auto type = deviceArgument(env, arguments[0]).type();
    const at::ScalarType dtype = dtypeArgument(env, arguments[1], "dtype");
    napi_value previous, flag;
    napi_create_array_with_length(env, 2, &previous);
    napi_get_boolean(env, at::autocast::is_autocast_enabled(type), &flag);
    napi_set_element(env, previous, 0, flag);
    napi_set_element(env, previous, 1, numberToJs(env, static_cast<int>(at::autocast::get_autocast_dtype(type))));
    at::autocast::set_autocast_enabled(type, true);
    at::autocast::set_autocast_dtype(type, dtype);
    at::autocast::increment_nesting();
    return previous;
  });
}

// leaveAutocast(device, enabled before, dtype before)
napi_value leaveAutocast(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<3> arguments(env, info);
    const auto type = deviceArgument(env, arguments[0]).type();
    at::autocast::set_autocast_enabled(type, boolArgument(env, arguments[1], "enabled"));
    at::autocast::set_autocast_dtype(type, dtypeArgument(env, arguments[2], "dtype"));
    // Weights cast inside the outermost region must not outlive it, because the optimizer changes them.
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    return nullptr;
  });
}

// Clears the cast weights: those cast without a graph must not be used where a graph is recorded.
napi_value clearAutocastCache(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    at::autocast::clear_cache();
    return nullptr;
  });
}

napi_value setTf32(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    const bool allowed = boolArgument(env, arguments[0], "allowed");
    at::globalContext().setAllowTF32CuBLAS(allowed);
    at::globalContext().setAllowTF32CuDNN(allowed);
    return nullptr;
  });
}

napi_value setErrorConstructor(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    check(env, napi_create_reference(env, arguments[0], 1, &Environment::of(env).errorConstructor), "constructor");
    return nullptr;
  });
}

}  // namespace

void registerRuntime(napi_env env, napi_value exports) {
  define(env, exports, "version", version);
  define(env, exports, "configuration", configuration);
  define(env, exports, "setThreads", setThreads);
  define(env, exports, "getThreads", getThreads);
  define(env, exports, "builtWithCuda", builtWithCuda);
  define(env, exports, "cudaDeviceCount", deviceCount);
  define(env, exports, "memory", memory);
  define(env, exports, "resetPeakMemory", resetPeakMemory);
  define(env, exports, "synchronize", synchronize);
  define(env, exports, "emptyMemoryCache", emptyMemoryCache);
  define(env, exports, "setMemoryLimit", setMemoryLimit);
  define(env, exports, "enterAutocast", enterAutocast);
  define(env, exports, "leaveAutocast", leaveAutocast);
  define(env, exports, "clearAutocastCache", clearAutocastCache);
  define(env, exports, "setTf32", setTf32);
  define(env, exports, "setErrorConstructor", setErrorConstructor);
}

}  // namespace disback
