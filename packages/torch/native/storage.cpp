// Tensors' bytes and facts: to and from typed arrays, shape, dtype, device, release.
#include "convert.h"
#include "graph.h"
#include "registration.h"

#include <ATen/ops/empty.h>

#include <cstring>

namespace disback {
namespace {

napi_value createFromBytes(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    requireNoCapture("make tensors of JavaScript's numbers");
    Arguments<3> arguments(env, info);  // typed array, scalar type, shape
    napi_typedarray_type type;
    size_t length, offset;
    void* data;
    napi_value buffer;
    check(env, napi_get_typedarray_info(env, arguments[0], &type, &length, &data, &buffer, &offset), "typed array");
    const at::ScalarType dtype = dtypeArgument(env, arguments[1], "dtype");
    const auto shape = intListArgument(env, arguments[2], "shape");
    size_t width = 1;
    switch (type) {
      case napi_int16_array: case napi_uint16_array: width = 2; break;
      case napi_int32_array: case napi_uint32_array: case napi_float32_array: width = 4; break;
      case napi_float64_array: case napi_bigint64_array: case napi_biguint64_array: width = 8; break;
      default: break;
    }
    // Compared before anything is allocated, and as floating point, because a hostile shape's product may not fit an
    // integer.
    double bytes = static_cast<double>(c10::elementSize(dtype));
    for (const int64_t size : shape) {
      if (size < 0) throw ArgumentError("shape has a negative size");
      bytes *= static_cast<double>(size);
    }
    if (bytes != static_cast<double>(length * width))
      throw ArgumentError("shape does not fit the array's " + std::to_string(length * width) + " bytes");
    at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(dtype));
    if (length) std::memcpy(tensor.mutable_data_ptr(), data, length * width);
    return tensorToJs(Environment::of(env), tensor);
  });
}

// Uses JavaScript's constructor, which throws if memory is short; Node-API's function would end the process.
napi_value largeArrayBuffer(napi_env env, size_t bytes) {
  napi_value global, constructor, buffer, length = numberToJs(env, static_cast<double>(bytes));
  check(env, napi_get_global(env, &global), "array buffer");
  check(env, napi_get_named_property(env, global, "ArrayBuffer", &constructor), "array buffer");
  check(env, napi_new_instance(env, constructor, 1, &length, &buffer), "array buffer");
  return buffer;
}

napi_value arrayBufferOf(napi_env env, const at::Tensor& tensor) {
  napi_value buffer;
  void* data;
  size_t length;
  const size_t bytes = tensor.nbytes();
  if (bytes > (size_t{16} << 20)) {
    buffer = largeArrayBuffer(env, bytes);
    check(env, napi_get_arraybuffer_info(env, buffer, &data, &length), "array buffer");
    if (length != bytes) throw ArgumentError("array buffer of a wrong length");
  } else {
    check(env, napi_create_arraybuffer(env, bytes, &data, &buffer), "array buffer");
  }
  if (bytes) std::memcpy(data, tensor.const_data_ptr(), bytes);
  return buffer;
}

// Row-major bytes on the CPU.
at::Tensor readable(const at::Tensor& tensor) { return tensor.detach().resolve_conj().resolve_neg().cpu().contiguous(); }

napi_value readBytes(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    requireNoCapture("read values back");
    Arguments<1> arguments(env, info);
    return arrayBufferOf(env, readable(tensorArgument(Environment::of(env), arguments[0], "self")));
  });
}

struct Read {
  at::Tensor source, result;
  std::string error;
  napi_deferred deferred;
  napi_async_work work;
};

// The same without blocking the event loop, because a device's queue may be long.
napi_value readBytesAsync(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    requireNoCapture("read values back");
    Arguments<1> arguments(env, info);
    auto owned = std::make_unique<Read>();
    owned->source = tensorArgument(Environment::of(env), arguments[0], "self").detach();
    napi_value promise;
    check(env, napi_create_promise(env, &owned->deferred, &promise), "promise");
    Read* read = owned.release();
    napi_create_async_work(
        env, nullptr, stringToJs(env, "read"),
        [](napi_env, void* data) {
          auto& self = *static_cast<Read*>(data);
          try {
            self.result = readable(self.source);
          } catch (const c10::Error& error) {
            self.error = error.what_without_backtrace();
          } catch (const std::exception& error) {
            self.error = error.what();
          }
        },
        [](napi_env env, napi_status, void* data) {
          std::unique_ptr<Read> self(static_cast<Read*>(data));
          // Exceptions from here are not caught, and while a worker is ending every call may fail.
          napi_value buffer = nullptr;
          if (self->error.empty())
            buffer = guarded(env, [&] { return arrayBufferOf(env, self->result); }, "read");
          else
            throwToJs(env, self->error, "read");
          napi_value error;
          if (buffer) napi_resolve_deferred(env, self->deferred, buffer);
          else if (napi_get_and_clear_last_exception(env, &error) == napi_ok)
            napi_reject_deferred(env, self->deferred, error);
          napi_delete_async_work(env, self->work);
        },
        read, &read->work);
    napi_queue_async_work(env, read->work);
    return promise;
  });
}

napi_value intsToJs(napi_env env, at::IntArrayRef values) {
  napi_value result;
  napi_create_array_with_length(env, values.size(), &result);
  for (size_t i = 0; i < values.size(); i++) {
    napi_value element;
    napi_create_int64(env, values[i], &element);
    napi_set_element(env, result, static_cast<uint32_t>(i), element);
  }
  return result;
}

template <class Fact>
napi_value fact(napi_env env, napi_callback_info info, Fact&& read) {
  return guarded(env, [&] {
    Arguments<1> arguments(env, info);
    return read(tensorArgument(Environment::of(env), arguments[0], "self"));
  });
}

napi_value boolToJs(napi_env env, bool value) {
  napi_value result;
  napi_get_boolean(env, value, &result);
  return result;
}

// shareSizes(Float64Array): the array in which `shape` puts sizes, for the life of this environment.
napi_value shareSizes(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    Environment& environment = Environment::of(env);
    napi_typedarray_type type;
    size_t length;
    void* data;
    check(env, napi_get_typedarray_info(env, arguments[0], &type, &length, &data, nullptr, nullptr), "sizes");
    if (type != napi_float64_array) throw ArgumentError("sizes must be a Float64Array");
    environment.sizes = static_cast<double*>(data);
    environment.maximumDimensions = length;
    napi_ref forever;
    check(env, napi_create_reference(env, arguments[0], 1, &forever), "sizes");
    return nullptr;
  });
}

// shape(self) -> number of sizes; writes the sizes into the shared array, which is much faster than making an array
// here.
napi_value shape(napi_env env, napi_callback_info info) {
  return fact(env, info, [&](const at::Tensor& t) {
    const Environment& environment = Environment::of(env);
    const at::IntArrayRef sizes = t.sizes();
    if (sizes.size() > environment.maximumDimensions) throw ArgumentError("the tensor has too many dimensions");
    std::copy(sizes.begin(), sizes.end(), environment.sizes);
    napi_value result;
    napi_create_uint32(env, static_cast<uint32_t>(sizes.size()), &result);
    return result;
  });
}
napi_value strides(napi_env env, napi_callback_info info) {
  return fact(env, info, [&](const at::Tensor& t) { return intsToJs(env, t.strides()); });
}
napi_value scalarType(napi_env env, napi_callback_info info) {
  return fact(env, info, [&](const at::Tensor& t) { return numberToJs(env, static_cast<int>(t.scalar_type())); });
}
napi_value device(napi_env env, napi_callback_info info) {
  return fact(env, info, [&](const at::Tensor& t) { return stringToJs(env, t.device().str()); });
}
napi_value numel(napi_env env, napi_callback_info info) {
  return fact(env, info, [&](const at::Tensor& t) { return numberToJs(env, static_cast<double>(t.numel())); });
}
napi_value isContiguous(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<2> arguments(env, info);
    const int64_t code = intArgument(env, arguments[1], "memoryFormat");
    if (code < 0 || code >= static_cast<int64_t>(at::MemoryFormat::NumOptions))
      throw ArgumentError("argument 'memoryFormat' must be a memory format");
    const auto format = static_cast<at::MemoryFormat>(code);
    return boolToJs(env, tensorArgument(Environment::of(env), arguments[0], "self").is_contiguous(format));
  });
}
// Address of the first element, to see whether two tensors share memory.
napi_value dataAddress(napi_env env, napi_callback_info info) {
  return fact(env, info, [&](const at::Tensor& t) {
    napi_value result;
    napi_create_bigint_uint64(env, reinterpret_cast<uint64_t>(t.const_data_ptr()), &result);
    return result;
  });
}

napi_value release(napi_env env, napi_callback_info info) {
  napi_value value;
  size_t count = 1;
  uint32_t handle;
  napi_get_cb_info(env, info, &count, &value, nullptr, nullptr);
  Environment& environment = Environment::of(env);
  if (count == 1 && napi_get_value_uint32(env, value, &handle) == napi_ok) environment.tensors.release(handle);
  return nullptr;
}

// release(Uint32Array, count): releases a scope's tensors in one call.
napi_value releaseMany(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<2> arguments(env, info);
    napi_typedarray_type type;
    size_t length;
    void* data;
    check(env, napi_get_typedarray_info(env, arguments[0], &type, &length, &data, nullptr, nullptr), "handles");
    if (type != napi_uint32_array) throw ArgumentError("handles must be a Uint32Array");
    const size_t count = std::min(length, static_cast<size_t>(intArgument(env, arguments[1], "count")));
    Environment& environment = Environment::of(env);
    for (size_t i = 0; i < count; i++) environment.tensors.release(static_cast<uint32_t*>(data)[i]);
    return nullptr;
  });
}

// watch(self, object) -> whether it is time to sweep for tensors whose objects were collected
napi_value watch(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<2> arguments(env, info);
    uint32_t handle;
    check(env, napi_get_value_uint32(env, arguments[0], &handle), "handle");
    return boolToJs(env, Environment::of(env).tensors.watch(handle, arguments[1]));
  });
}

// sweep(): releases tensors whose objects were collected -> whether that was enough
napi_value sweep(napi_env env, napi_callback_info) {
  return guarded(env, [&] { return boolToJs(env, Environment::of(env).tensors.sweep()); });
}

// collectTensors(): a full collection and a sweep
napi_value collectTensors(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    Environment::of(env).tensors.collect();
    return nullptr;
  });
}

napi_value liveTensors(napi_env env, napi_callback_info) {
  return numberToJs(env, static_cast<double>(Environment::of(env).tensors.live()));
}

}  // namespace

void registerStorage(napi_env env, napi_value exports) {
  define(env, exports, "createFromBytes", createFromBytes);
  define(env, exports, "readBytes", readBytes);
  define(env, exports, "readBytesAsync", readBytesAsync);
  define(env, exports, "shareSizes", shareSizes);
  define(env, exports, "shape", shape);
  define(env, exports, "strides", strides);
  define(env, exports, "scalarType", scalarType);
  define(env, exports, "device", device);
  define(env, exports, "numel", numel);
  define(env, exports, "isContiguous", isContiguous);
  define(env, exports, "dataAddress", dataAddress);
  define(env, exports, "release", release);
  define(env, exports, "releaseMany", releaseMany);
  define(env, exports, "watch", watch);
  define(env, exports, "sweep", sweep);
  define(env, exports, "collectTensors", collectTensors);
  define(env, exports, "liveTensors", liveTensors);
}

}  // namespace disback
