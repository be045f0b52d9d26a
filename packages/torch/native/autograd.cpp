// Backward, gradients, grad modes, gradient checkpointing.
#include "convert.h"
#include "registration.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/AutogradState.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/forward_grad.h>
#include <torch/custom_class.h>

#include <ATen/ops/zeros.h>

namespace disback {
namespace {

std::vector<at::Tensor> optionalTensors(Environment& environment, napi_value value, const char* name) {
  std::vector<at::Tensor> tensors;
  if (isNullish(environment.env, value)) return tensors;
  uint32_t length;
  check(environment.env, napi_get_array_length(environment.env, value, &length), name);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    check(environment.env, napi_get_element(environment.env, value, i, &element), name);
    tensors.push_back(isNullish(environment.env, element) ? at::Tensor() : tensorArgument(environment, element, name));
  }
  return tensors;
}

// Keeps a backward pass on the calling thread, also for a GPU, because a checkpointed block is JavaScript, which has
// one thread.
class OnThisThread {
 public:
  OnThisThread() : before(state().get_multithreading_enabled()) { state().set_multithreading_enabled(false); }
  ~OnThisThread() { state().set_multithreading_enabled(before); }
  OnThisThread(const OnThisThread&) = delete;
  OnThisThread& operator=(const OnThisThread&) = delete;

 private:
  static c10::AutogradState& state() { return c10::AutogradState::get_tls_state(); }
  const bool before;
};

// backward(tensors, gradients | null, retainGraph, createGraph)
napi_value backward(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<4> arguments(env, info);
    Environment& environment = Environment::of(env);
    const auto tensors = tensorListArgument(environment, arguments[0], "tensors");
    const auto gradients = optionalTensors(environment, arguments[1], "gradients");
    const bool retain = boolArgument(env, arguments[2], "retainGraph");
    const bool create = boolArgument(env, arguments[3], "createGraph");
    const OnThisThread guard;
    torch::autograd::backward(tensors, gradients, retain, create);
    return nullptr;
  }, "backward");
}

// gradient(outputs, inputs, gradOutputs | null, retainGraph, createGraph, allowUnused)
napi_value gradient(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<6> arguments(env, info);
    Environment& environment = Environment::of(env);
    const OnThisThread guard;
    return tensorsToJs(environment, torch::autograd::grad(
        tensorListArgument(environment, arguments[0], "outputs"),
        tensorListArgument(environment, arguments[1], "inputs"),
        optionalTensors(environment, arguments[2], "gradOutputs"),
        boolArgument(env, arguments[3], "retainGraph"), boolArgument(env, arguments[4], "createGraph"),
        boolArgument(env, arguments[5], "allowUnused")));
  }, "gradient");
}

napi_value getGrad(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<1> arguments(env, info);
    Environment& environment = Environment::of(env);
    return tensorToJs(environment, tensorArgument(environment, arguments[0], "self").grad());
  });
}

napi_value setGrad(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<2> arguments(env, info);
    Environment& environment = Environment::of(env);
    at::Tensor self = tensorArgument(environment, arguments[0], "self");
    self.mutable_grad() = isNullish(env, arguments[1]) ? at::Tensor() : tensorArgument(environment, arguments[1], "grad");
    return nullptr;
  });
}

// zeroGrads(handles): drops the gradients of all parameters in one call.
napi_value zeroGrads(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    for (at::Tensor& tensor : tensorListArgument(Environment::of(env), arguments[0], "tensors"))
      tensor.mutable_grad() = at::Tensor();
    return nullptr;
  });
}

// grads(handles, result): puts handles of the parameters' gradients into a Uint32Array, 0 where there is none.
napi_value grads(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<2> arguments(env, info);
    Environment& environment = Environment::of(env);
    const auto tensors = tensorListArgument(environment, arguments[0], "tensors");
    napi_typedarray_type type;
    size_t length;
    void* data;
    check(env, napi_get_typedarray_info(env, arguments[1], &type, &length, &data, nullptr, nullptr), "result");
    if (type != napi_uint32_array || length != tensors.size())
      throw ArgumentError("result must be a Uint32Array of as many elements as there are tensors");
    for (size_t i = 0; i < length; i++) {
      const at::Tensor& gradient = tensors[i].grad();
      static_cast<uint32_t*>(data)[i] = gradient.defined() ? environment.tensors.add(gradient) : 0;
    }
    return nullptr;
  });
}

napi_value requiresGrad(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<1> arguments(env, info);
    napi_value result;
    napi_get_boolean(env, tensorArgument(Environment::of(env), arguments[0], "self").requires_grad(), &result);
    return result;
  });
}

napi_value setRequiresGrad(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<2> arguments(env, info);
    tensorArgument(Environment::of(env), arguments[0], "self").set_requires_grad(
        boolArgument(env, arguments[1], "requiresGrad"));
    return nullptr;
  });
}

napi_value isLeaf(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<1> arguments(env, info);
    napi_value result;
    napi_get_boolean(env, tensorArgument(Environment::of(env), arguments[0], "self").is_leaf(), &result);
    return result;
  });
}

// setGradMode(enabled) -> previous
napi_value setGradMode(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<1> arguments(env, info);
    napi_value previous;
    napi_get_boolean(env, at::GradMode::is_enabled(), &previous);
    at::GradMode::set_enabled(boolArgument(env, arguments[0], "enabled"));
    return previous;
  });
}

napi_value gradMode(napi_env env, napi_callback_info) {
  napi_value enabled;
  napi_get_boolean(env, at::GradMode::is_enabled(), &enabled);
  return enabled;
}

napi_value enterInference(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    Environment::of(env).inference.push_back(std::make_unique<c10::InferenceMode>(true));
    return nullptr;
  });
}

napi_value leaveInference(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    auto& stack = Environment::of(env).inference;
    if (!stack.empty()) stack.pop_back();
    return nullptr;
  });
}

// Fused attention has no forward derivative: without it, attention is made of operators that have.
class WithoutFusedAttention {
 public:
  WithoutFusedAttention()
      : flash(context().userEnabledFlashSDP()),
        efficient(context().userEnabledMemEfficientSDP()),
        cudnn(context().userEnabledCuDNNSDP()) {
    set(false, false, false);
  }
  ~WithoutFusedAttention() { set(flash, efficient, cudnn); }
  WithoutFusedAttention(const WithoutFusedAttention&) = delete;
  WithoutFusedAttention& operator=(const WithoutFusedAttention&) = delete;

 private:
  static at::Context& context() { return at::globalContext(); }
  static void set(bool useFlash, bool useEfficient, bool useCudnn) {
    context().setSDPUseFlash(useFlash);
    context().setSDPUseMemEfficient(useEfficient);
    context().setSDPUseCuDNN(useCudnn);
  }
  const bool flash, efficient, cudnn;
};

std::unique_ptr<WithoutFusedAttention> withoutFusedAttention;

// enterDual() -> level, for operators on dual numbers; one level at a time
napi_value enterDual(napi_env env, napi_callback_info) {
  return guarded(env, [&] {
    napi_value level;
    napi_create_uint32(env, static_cast<uint32_t>(torch::autograd::ForwardADLevel::get_next_idx()), &level);
    withoutFusedAttention = std::make_unique<WithoutFusedAttention>();
    return level;
  }, "jvp");
}

// leaveDual(level): all dual numbers of the level become plain tensors.
napi_value leaveDual(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    withoutFusedAttention.reset();
    torch::autograd::ForwardADLevel::release_idx(static_cast<uint64_t>(intArgument(env, arguments[0], "level")));
    return nullptr;
  }, "jvp");
}

// Handles whose ownership JavaScript handed over.
void releaseAll(Environment& environment, napi_value array) {
  uint32_t length = 0, handle;
  napi_get_array_length(environment.env, array, &length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    check(environment.env, napi_get_element(environment.env, array, i, &element), "handles");
    if (napi_get_value_uint32(environment.env, element, &handle) == napi_ok) environment.tensors.release(handle);
  }
}

// A JavaScript function held from the graph.
struct Callback : torch::CustomClassHolder {
  Callback(Environment& environment, napi_value function) : environment(environment) {
    check(environment.env, napi_create_reference(environment.env, function, 1, &reference), "callback");
  }
  ~Callback() override { napi_delete_reference(environment.env, reference); }
  Environment& environment;
  napi_ref reference = nullptr;
};

// A block whose activations are not kept. Its backward asks JavaScript to run it again.
struct CheckpointFunction : torch::autograd::Function<CheckpointFunction> {
  // `inputs` connect to the graph; `outputs` were computed without a graph.
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                at::TensorList inputs,
                                                const std::vector<at::Tensor>* outputs,
                                                c10::intrusive_ptr<Callback> callback) {
    context->saved_data["callback"] = c10::IValue::make_capsule(std::move(callback));
    context->saved_data["inputs"] = static_cast<int64_t>(inputs.size());
    torch::autograd::variable_list results;
    for (const at::Tensor& output : *outputs) results.push_back(output.detach());
    return results;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    auto capsule = context->saved_data["callback"].toCapsule();
    auto& callback = static_cast<Callback&>(*capsule);
    Environment& environment = callback.environment;
    TORCH_CHECK(std::this_thread::get_id() == environment.thread,
                "gradient checkpointing must run its block on JavaScript's thread, but this backward pass runs on another");
    napi_env env = environment.env;
    napi_value function, global, result;
    napi_get_reference_value(env, callback.reference, &function);
    napi_get_global(env, &global);
    napi_value argument = tensorsToJs(environment, gradients);
    if (napi_call_function(env, global, function, 1, &argument, &result) != napi_ok)
      throw std::runtime_error("the checkpointed block failed when it was run again");
    auto inputs = optionalTensors(environment, result, "gradients of the checkpointed block");
    releaseAll(environment, result);
    // One slot for each tensor given to `apply`, then the two other arguments.
    inputs.resize(static_cast<size_t>(context->saved_data["inputs"].toInt()));
    inputs.resize(inputs.size() + 2);
    return inputs;
  }
};

// checkpointed(outputs, inputs, callback) -> outputs that call back for their gradients
napi_value checkpointed(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<3> arguments(env, info);
    Environment& environment = Environment::of(env);
    const auto outputs = tensorListArgument(environment, arguments[0], "outputs");
    auto inputs = tensorListArgument(environment, arguments[1], "inputs");
    // The block uses parameters, so the outputs need a gradient even if no input does.
    inputs.push_back(at::zeros({}).set_requires_grad(true));
    return tensorsToJs(environment, CheckpointFunction::apply(
        at::TensorList(inputs), &outputs, c10::make_intrusive<Callback>(environment, arguments[2])));
  });
}

}  // namespace

void registerAutograd(napi_env env, napi_value exports) {
  define(env, exports, "backward", backward);
  define(env, exports, "gradient", gradient);
  define(env, exports, "getGrad", getGrad);
  define(env, exports, "setGrad", setGrad);
  define(env, exports, "grads", grads);
  define(env, exports, "zeroGrads", zeroGrads);
  define(env, exports, "requiresGrad", requiresGrad);
  define(env, exports, "setRequiresGrad", setRequiresGrad);
  define(env, exports, "isLeaf", isLeaf);
  define(env, exports, "gradMode", gradMode);
  define(env, exports, "setGradMode", setGradMode);
  define(env, exports, "enterInference", enterInference);
  define(env, exports, "leaveInference", leaveInference);
  define(env, exports, "enterDual", enterDual);
  define(env, exports, "leaveDual", leaveDual);
  define(env, exports, "checkpointed", checkpointed);
}

}  // namespace disback
