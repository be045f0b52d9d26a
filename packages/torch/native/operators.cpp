// The one boxed door: any operator of libtorch, by name.
#include "operators.h"

#include "registration.h"

#include <torch/version.h>

#include <cstring>

namespace disback {
namespace {

constexpr size_t kMaximumArguments = 32;

void describe(std::string& text, const c10::IValue& value) {
  if (value.isTensor() && value.toTensor().defined()) {
    const at::Tensor& tensor = value.toTensor();
    text += "[";
    for (int64_t d = 0; d < tensor.dim(); d++) text += (d ? ", " : "") + std::to_string(tensor.size(d));
    text += std::string("] ") + c10::toString(tensor.scalar_type());
  } else if (value.isTensorList()) {
    text += "[";
    const auto list = value.toTensorVector();
    for (size_t i = 0; i < list.size() && i < 4; i++) {
      if (i) text += ", ";
      describe(text, list[i]);
    }
    text += list.size() > 4 ? ", …]" : "]";
  } else {
    text += "…";
  }
}

// "aten::add.Tensor(self: [2, 3] Float, other: [4] Float)": helps a user to find a wrong shape.
std::string describeCall(const Operator& op, const std::vector<c10::IValue>& inputs) {
  std::string text = op.name + "(";
  bool first = true;
  for (size_t i = 0; i < inputs.size(); i++) {
    if (!inputs[i].isTensor() && !inputs[i].isTensorList()) continue;
    if (!first) text += ", ";
    first = false;
    text += op.arguments[i].name + ": ";
    describe(text, inputs[i]);
  }
  return text + ")";
}

// Reports a call to the observer. Calls by the observer itself are not reported.
void report(Environment& environment, const Operator& op, const napi_value* values, size_t count, napi_value result) {
  napi_env env = environment.env;
  napi_value receiver, observer, name, arguments;
  napi_get_undefined(env, &receiver);
  napi_get_reference_value(env, environment.observer, &observer);
  napi_create_string_utf8(env, op.name.c_str(), op.name.size(), &name);
  napi_create_array_with_length(env, count, &arguments);
  for (size_t i = 0; i < count; i++) napi_set_element(env, arguments, static_cast<uint32_t>(i), values[i]);
  napi_value told[] = {name, arguments, result ? result : receiver};
  environment.observing = false;
  const napi_status status = napi_call_function(env, receiver, observer, 3, told, nullptr);
  environment.observing = true;
  check(env, status, "observer");
}

// The message of the current exception.
bool isOutOfMemory() {
  try {
    throw;
  } catch (const std::exception& error) {
    return std::strstr(error.what(), "out of memory") != nullptr;
  } catch (...) {
    return false;
  }
}

napi_value attempt(Environment& environment, const Operator& op, const napi_value* values, size_t count, bool first) {
  napi_env env = environment.env;
  // A getter in an argument or a checkpointed block may call operators meanwhile, so the stack must be empty for them.
  std::vector<c10::IValue> stack = std::move(environment.stack);
  environment.stack.clear();
  bool called = false;
  try {
    const size_t planned = op.arguments.size();
    if (count > planned) throw ArgumentError("expected at most " + std::to_string(planned) + " arguments");
    for (size_t i = 0; i < planned; i++) {
      const ArgumentPlan& plan = op.arguments[i];
      if (i < count) {
        // The common case first, without checking the value's type.
        uint32_t handle;
        if (plan.kind == Kind::Tensor && napi_get_value_uint32(env, values[i], &handle) == napi_ok)
          stack.emplace_back(environment.tensors.get(handle));
        else
          stack.push_back(toIValue(environment, values[i], plan));
      } else if (plan.hasDefault) {
        stack.push_back(plan.fallback);
      } else if (plan.optional) {
        stack.emplace_back();
      } else {
        throw ArgumentError("argument '" + plan.name + "' is missing");
      }
    }
    called = true;
    if (op.check) op.check(op, stack);
    op.handle.callBoxed(stack);
    napi_value result = nullptr;
    if (op.inPlace) {
      // The caller holds `self` already.
    } else if (stack.size() == 1) {
      if (stack[0].isTensor()) result = tensorToJs(environment, std::move(stack[0]).toTensor());
      else result = toJs(environment, stack[0]);
    } else if (!stack.empty()) {
      napi_create_array_with_length(env, stack.size(), &result);
      for (size_t i = 0; i < stack.size(); i++)
        napi_set_element(env, result, static_cast<uint32_t>(i), toJs(environment, stack[i]));
    }
    stack.clear();
    environment.stack = std::move(stack);
    if (environment.observing) report(environment, op, values, count, result);
    return result;
  } catch (...) {
    if (first && called && !op.handle.schema().is_mutable() && isOutOfMemory()) {
      // Unreachable tensors may hold the missing memory.
      stack.clear();
      return guarded(env, [&] {
        environment.tensors.collect();
        return attempt(environment, op, values, count, false);
      });
    }
    // The kernel may have removed the inputs from the stack, so describe JavaScript's arguments.
    std::string name = op.name;
    if (called) {
      stack.clear();
      try {
        for (size_t i = 0; i < count; i++) stack.push_back(toIValue(environment, values[i], op.arguments[i]));
        name = describeCall(op, stack);
      } catch (...) {
      }
    }
    stack.clear();
    return guarded(env, [&]() -> napi_value { throw; }, name);
  }
}

napi_value callOperator(napi_env env, napi_callback_info info) {
  napi_value values[kMaximumArguments];
  size_t count = kMaximumArguments;
  void* data;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  return attempt(Environment::of(env), *static_cast<const Operator*>(data), values, count, true);
}

// operator(name, overload, inPlace) -> function(...arguments); in-place operators return nothing
napi_value resolveOperator(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<3> arguments(env, info);
    const std::string name = stringArgument(env, arguments[0], "name");
    const std::string overload = stringArgument(env, arguments[1], "overload");
    const auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
    const std::string full = overload.empty() ? name : name + "." + overload;
    if (!handle) throw ArgumentError("libtorch " TORCH_VERSION " has no operator " + full);
    if (const char* reason = refusalOf(name))
      throw ArgumentError(full + " is not for direct calls: " + reason +
                          ", and can end the process (DISBACK_UNCHECKED_OPERATORS=1 lets it through)");
    auto op = std::make_shared<Operator>(Operator{*handle, full, {}, boolArgument(env, arguments[2], "inPlace")});
    op->check = argumentCheckOf(name);
    for (const auto& argument : handle->schema().arguments()) op->arguments.push_back(planArgument(argument));
    if (op->arguments.size() > kMaximumArguments) throw ArgumentError(full + " has too many arguments");
    napi_value function;
    check(env, napi_create_function(env, full.c_str(), full.size(), callOperator, op.get(), &function), "operator");
    Environment::of(env).operators.push_back(op);
    return function;
  });
}

// schemas(): every operator's schema as text, for the generator of the typed functions.
napi_value listSchemas(napi_env env, napi_callback_info) {
  return guarded(env, [&] {
    napi_value result;
    napi_create_array(env, &result);
    uint32_t index = 0;
    for (const auto& name : c10::Dispatcher::singleton().getAllOpNames()) {
      const auto handle = c10::Dispatcher::singleton().findSchema(name);
      if (!handle) continue;
      std::ostringstream text;
      text << handle->schema();
      napi_set_element(env, result, index++, stringToJs(env, text.str()));
    }
    return result;
  });
}

// observe(function or null): the function to call with (name, arguments, result) after every call
napi_value observe(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    Environment& environment = Environment::of(env);
    const bool on = !isNullish(env, arguments[0]);
    napi_ref observer = nullptr;
    if (on) check(env, napi_create_reference(env, arguments[0], 1, &observer), "observer");
    if (environment.observer) napi_delete_reference(env, environment.observer);
    environment.observer = observer;
    environment.observing = on;
    environment.tensors.keepHandlesUnique(on);
    return nullptr;
  });
}

}  // namespace

void registerOperators(napi_env env, napi_value exports) {
  define(env, exports, "observe", observe);
  define(env, exports, "operator", resolveOperator);
  define(env, exports, "schemas", listSchemas);
}

}  // namespace disback
