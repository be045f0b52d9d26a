#include "convert.h"

#include "random.h"

#include <ATen/core/List.h>
#include <c10/core/Device.h>

#include <cmath>

namespace disback {
namespace {

constexpr double kSafeInteger = 9007199254740991.0;

[[noreturn]] void wrongType(const ArgumentPlan& plan, const char* expected) {
  throw ArgumentError("argument '" + plan.name + "' must be " + expected);
}

Kind kindOf(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType: return Kind::Tensor;
    case c10::TypeKind::NumberType: return Kind::Scalar;
    case c10::TypeKind::SymIntType:
    case c10::TypeKind::IntType: return Kind::Int;
    case c10::TypeKind::FloatType: return Kind::Float;
    case c10::TypeKind::SymBoolType:
    case c10::TypeKind::BoolType: return Kind::Bool;
    case c10::TypeKind::StringType: return Kind::String;
    case c10::TypeKind::ScalarTypeType: return Kind::ScalarType;
    case c10::TypeKind::DeviceObjType: return Kind::Device;
    case c10::TypeKind::LayoutType: return Kind::Layout;
    case c10::TypeKind::MemoryFormatType: return Kind::MemoryFormat;
    case c10::TypeKind::GeneratorType: return Kind::Generator;
    case c10::TypeKind::ListType: {
      const c10::Type& element = *type.containedType(0);
      if (element.kind() == c10::TypeKind::OptionalType)
        return kindOf(*element.containedType(0)) == Kind::Tensor ? Kind::OptionalTensorList : Kind::Unsupported;
      switch (kindOf(element)) {
        case Kind::Int: return Kind::IntList;
        case Kind::Float: return Kind::FloatList;
        case Kind::Bool: return Kind::BoolList;
        case Kind::Tensor: return Kind::TensorList;
        case Kind::Scalar: return Kind::ScalarList;
        case Kind::String: return Kind::StringList;
        default: return Kind::Unsupported;
      }
    }
    default: return Kind::Unsupported;
  }
}

c10::Scalar toScalar(napi_env env, napi_value value, const ArgumentPlan& plan) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  if (type == napi_number) {
    double number;
    napi_get_value_double(env, value, &number);
    // JavaScript has one type of number. A whole number becomes an integer, so that integer tensors stay integers.
    if (std::trunc(number) == number && std::abs(number) <= kSafeInteger && !(number == 0 && std::signbit(number)))
      return c10::Scalar(static_cast<int64_t>(number));
    return c10::Scalar(number);
  }
  if (type == napi_boolean) {
    bool flag;
    napi_get_value_bool(env, value, &flag);
    return c10::Scalar(flag);
  }
  if (type == napi_bigint) {
    int64_t integer;
    bool lossless;
    napi_get_value_bigint_int64(env, value, &integer, &lossless);
    if (!lossless) wrongType(plan, "an integer of 64 bits");
    return c10::Scalar(integer);
  }
  wrongType(plan, "a number");
}

int64_t toInt(napi_env env, napi_value value, const ArgumentPlan& plan) {
  double number;
  if (napi_get_value_double(env, value, &number) == napi_ok) {
    if (std::trunc(number) != number || std::abs(number) > 9.2e18) wrongType(plan, "an integer");
    return static_cast<int64_t>(number);
  }
  int64_t integer;
  bool lossless;
  if (napi_get_value_bigint_int64(env, value, &integer, &lossless) == napi_ok && lossless) return integer;
  wrongType(plan, "an integer");
}

// A number for one of libtorch's enumerations, which libtorch uses as a table index without a check.
int64_t toCode(napi_env env, napi_value value, const ArgumentPlan& plan, int64_t options, const char* expected) {
  const int64_t code = toInt(env, value, plan);
  if (code < 0 || code >= options) wrongType(plan, expected);
  return code;
}

const at::Tensor& toTensor(Environment& environment, napi_value value, const ArgumentPlan& plan) {
  uint32_t handle;
  if (napi_get_value_uint32(environment.env, value, &handle) != napi_ok) wrongType(plan, "a tensor");
  return environment.tensors.get(handle);
}

// Calls `each(element)` for the elements of an array, or once for a lone value (as PyTorch expands `padding=1`).
template <class Each>
void forEach(napi_env env, napi_value value, const ArgumentPlan& plan, Each&& each) {
  uint32_t length;
  if (napi_get_array_length(env, value, &length) != napi_ok) {
    napi_valuetype type;
    napi_typeof(env, value, &type);
    if (type == napi_object) wrongType(plan, "an array");
    each(value);
    return;
  }
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    check(env, napi_get_element(env, value, i, &element), plan.name.c_str());
    each(element);
  }
}

// Tensors come as a Uint32Array of handles (optimizers keep theirs) or as a plain array.
template <class List>
void appendTensors(Environment& environment, napi_value value, const ArgumentPlan& plan, List& list) {
  bool typed = false;
  napi_is_typedarray(environment.env, value, &typed);
  if (!typed) {
    forEach(environment.env, value, plan,
            [&](napi_value element) { list.push_back(toTensor(environment, element, plan)); });
    return;
  }
  napi_typedarray_type type;
  size_t length;
  void* data;
  napi_get_typedarray_info(environment.env, value, &type, &length, &data, nullptr, nullptr);
  if (type != napi_uint32_array) wrongType(plan, "an array of tensors");
  list.reserve(length);
  for (size_t i = 0; i < length; i++) list.push_back(environment.tensors.get(static_cast<const uint32_t*>(data)[i]));
}

// Kernels assume the schema's length. A single value stands for all, as in PyTorch.
template <class List>
List fitted(List list, const ArgumentPlan& plan) {
  if (plan.length == 0 || list.size() == plan.length || (list.empty() && plan.emptyAllowed)) return list;
  if (list.size() != 1) {
    const std::string expected = "an array of " + std::to_string(plan.length) + " values";
    wrongType(plan, expected.c_str());
  }
  while (list.size() < plan.length) list.push_back(list.get(0));
  return list;
}

std::string toString(napi_env env, napi_value value, const ArgumentPlan& plan) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) wrongType(plan, "a string");
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

}  // namespace

ArgumentPlan planArgument(const c10::Argument& argument) {
  ArgumentPlan plan{};
  plan.name = argument.name();
  c10::TypePtr type = argument.real_type();
  plan.optional = type->kind() == c10::TypeKind::OptionalType;
  if (plan.optional) type = type->containedType(0);
  plan.kind = kindOf(*type);
  plan.hasDefault = argument.default_value().has_value();
  if (plan.hasDefault) plan.fallback = *argument.default_value();
  // `int[1]` only means that a single number is allowed.
  if (argument.N().value_or(0) > 1) plan.length = static_cast<size_t>(*argument.N());
  plan.emptyAllowed = plan.hasDefault && plan.fallback.isList() && plan.fallback.toListRef().empty();
  return plan;
}

c10::IValue toIValue(Environment& environment, napi_value value, const ArgumentPlan& plan) {
  napi_env env = environment.env;
  napi_valuetype type;
  napi_typeof(env, value, &type);
  if (type == napi_undefined || type == napi_null) {
    if (type == napi_undefined && plan.hasDefault) return plan.fallback;
    if (plan.optional) return c10::IValue();
    if (plan.hasDefault) return plan.fallback;
    throw ArgumentError("argument '" + plan.name + "' is missing");
  }
  switch (plan.kind) {
    case Kind::Tensor: return toTensor(environment, value, plan);
    case Kind::Scalar: return toScalar(env, value, plan);
    case Kind::Int: return toInt(env, value, plan);
    case Kind::ScalarType: return toCode(env, value, plan, static_cast<int64_t>(at::ScalarType::Undefined), "a dtype");
    case Kind::Layout: return toCode(env, value, plan, static_cast<int64_t>(at::Layout::NumOptions), "a layout");
    case Kind::MemoryFormat:
      return toCode(env, value, plan, static_cast<int64_t>(at::MemoryFormat::NumOptions), "a memory format");
    case Kind::Float: {
      double number;
      if (napi_get_value_double(env, value, &number) != napi_ok) wrongType(plan, "a number");
      return number;
    }
    case Kind::Bool: {
      bool flag;
      if (napi_get_value_bool(env, value, &flag) != napi_ok) wrongType(plan, "true or false");
      return flag;
    }
    case Kind::String: return toString(env, value, plan);
    case Kind::Device: return c10::Device(toString(env, value, plan));
    case Kind::Generator: return generatorArgument(env, value, plan.name.c_str());
    case Kind::IntList: {
      c10::List<int64_t> list;
      forEach(env, value, plan, [&](napi_value element) { list.push_back(toInt(env, element, plan)); });
      return fitted(std::move(list), plan);
    }
    case Kind::FloatList: {
      c10::List<double> list;
      forEach(env, value, plan, [&](napi_value element) {
        double number;
        if (napi_get_value_double(env, element, &number) != napi_ok) wrongType(plan, "numbers");
        list.push_back(number);
      });
      return fitted(std::move(list), plan);
    }
    case Kind::BoolList: {
      c10::List<bool> list;
      forEach(env, value, plan, [&](napi_value element) {
        bool flag;
        if (napi_get_value_bool(env, element, &flag) != napi_ok) wrongType(plan, "true or false values");
        list.push_back(flag);
      });
      return fitted(std::move(list), plan);
    }
    case Kind::TensorList: {
      c10::List<at::Tensor> list;
      appendTensors(environment, value, plan, list);
      return list;
    }
    case Kind::OptionalTensorList: {
      c10::List<std::optional<at::Tensor>> list;
      forEach(env, value, plan, [&](napi_value element) {
        if (isNullish(env, element)) list.push_back(std::nullopt);
        else list.push_back(toTensor(environment, element, plan));
      });
      return list;
    }
    case Kind::ScalarList: {
      c10::impl::GenericList list(c10::NumberType::get());
      forEach(env, value, plan, [&](napi_value element) { list.push_back(toScalar(env, element, plan)); });
      return list;
    }
    case Kind::StringList: {
      c10::List<std::string> list;
      forEach(env, value, plan, [&](napi_value element) { list.push_back(toString(env, element, plan)); });
      return list;
    }
    case Kind::Unsupported: break;
  }
  throw ArgumentError("argument '" + plan.name + "' has a type that cannot be given from JavaScript");
}

namespace {

napi_value arrayToJs(Environment& environment, at::ArrayRef<c10::IValue> elements) {
  napi_value result;
  napi_create_array_with_length(environment.env, elements.size(), &result);
  for (size_t i = 0; i < elements.size(); i++)
    napi_set_element(environment.env, result, static_cast<uint32_t>(i), toJs(environment, elements[i]));
  return result;
}

}  // namespace

napi_value toJs(Environment& environment, const c10::IValue& value) {
  napi_env env = environment.env;
  napi_value result;
  if (value.isTensor()) return tensorToJs(environment, value.toTensor());
  if (value.isDouble()) return numberToJs(env, value.toDouble());
  if (value.isInt() || value.isSymInt()) {
    const int64_t integer = value.isInt() ? value.toInt() : value.toSymInt().expect_int();
    if (std::abs(static_cast<double>(integer)) > kSafeInteger) napi_create_bigint_int64(env, integer, &result);
    else napi_create_int64(env, integer, &result);
    return result;
  }
  if (value.isBool()) {
    napi_get_boolean(env, value.toBool(), &result);
    return result;
  }
  if (value.isString()) return stringToJs(env, value.toStringRef());
  if (value.isDevice()) return stringToJs(env, value.toDevice().str());
  if (value.isList()) return arrayToJs(environment, value.toListRef());
  if (value.isTuple()) return arrayToJs(environment, value.toTupleRef().elements());
  if (value.isGenericDict()) {
    napi_create_object(env, &result);
    for (const auto& entry : value.toGenericDict())
      napi_set_property(env, result, toJs(environment, entry.key()), toJs(environment, entry.value()));
    return result;
  }
  napi_get_null(env, &result);
  return result;
}

bool isNullish(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  return type == napi_undefined || type == napi_null;
}

const at::Tensor& tensorArgument(Environment& environment, napi_value value, const char* name) {
  uint32_t handle;
  if (napi_get_value_uint32(environment.env, value, &handle) != napi_ok)
    throw ArgumentError(std::string("argument '") + name + "' must be a tensor");
  return environment.tensors.get(handle);
}

std::vector<at::Tensor> tensorListArgument(Environment& environment, napi_value value, const char* name) {
  const ArgumentPlan plan{Kind::TensorList, false, false, {}, name};
  std::vector<at::Tensor> list;
  appendTensors(environment, value, plan, list);
  return list;
}

std::vector<int64_t> intListArgument(napi_env env, napi_value value, const char* name) {
  ArgumentPlan plan{Kind::IntList, false, false, {}, name};
  std::vector<int64_t> list;
  forEach(env, value, plan, [&](napi_value element) { list.push_back(toInt(env, element, plan)); });
  return list;
}

at::ScalarType dtypeArgument(napi_env env, napi_value value, const char* name) {
  const ArgumentPlan plan{Kind::ScalarType, false, false, {}, name};
  return static_cast<at::ScalarType>(
      toCode(env, value, plan, static_cast<int64_t>(at::ScalarType::Undefined), "a dtype"));
}

int64_t intArgument(napi_env env, napi_value value, const char* name) {
  return toInt(env, value, ArgumentPlan{Kind::Int, false, false, {}, name});
}

bool boolArgument(napi_env env, napi_value value, const char* name) {
  bool flag;
  if (napi_get_value_bool(env, value, &flag) != napi_ok)
    throw ArgumentError(std::string("argument '") + name + "' must be true or false");
  return flag;
}

std::string stringArgument(napi_env env, napi_value value, const char* name) {
  return toString(env, value, ArgumentPlan{Kind::String, false, false, {}, name});
}

napi_value tensorToJs(Environment& environment, at::Tensor tensor) {
  napi_value result;
  if (!tensor.defined()) {
    napi_get_null(environment.env, &result);
    return result;
  }
  napi_create_uint32(environment.env, environment.tensors.add(std::move(tensor)), &result);
  return result;
}

napi_value tensorsToJs(Environment& environment, const std::vector<at::Tensor>& tensors) {
  napi_value result;
  napi_create_array_with_length(environment.env, tensors.size(), &result);
  for (size_t i = 0; i < tensors.size(); i++)
    napi_set_element(environment.env, result, static_cast<uint32_t>(i), tensorToJs(environment, tensors[i]));
  return result;
}

napi_value stringToJs(napi_env env, const std::string& text) {
  napi_value result;
  napi_create_string_utf8(env, text.c_str(), text.size(), &result);
  return result;
}

napi_value numberToJs(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

}  // namespace disback
