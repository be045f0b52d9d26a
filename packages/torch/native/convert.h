// JavaScript values to IValues and back, by an operator's schema.
#pragma once
#include "environment.h"

#include <ATen/core/function_schema.h>

namespace disback {

enum class Kind : uint8_t {
  Tensor, Scalar, Int, Float, Bool, String, ScalarType, Device, Layout, MemoryFormat, Generator,
  IntList, FloatList, BoolList, TensorList, OptionalTensorList, ScalarList, StringList, Unsupported
};

// One argument of an operator, worked out once when the operator is resolved.
struct ArgumentPlan {
  Kind kind;
  bool optional;
  bool hasDefault;
  c10::IValue fallback;
  std::string name;
  size_t length = 0;        // length of a list, if the schema states it (`int[2]`)
  bool emptyAllowed = false;  // whether an empty list is the default (a pooling's stride)
};

ArgumentPlan planArgument(const c10::Argument& argument);
c10::IValue toIValue(Environment& environment, napi_value value, const ArgumentPlan& plan);
napi_value toJs(Environment& environment, const c10::IValue& value);

// Small conversions for functions that are not operators.
const at::Tensor& tensorArgument(Environment& environment, napi_value value, const char* name);
std::vector<at::Tensor> tensorListArgument(Environment& environment, napi_value value, const char* name);
std::vector<int64_t> intListArgument(napi_env env, napi_value value, const char* name);
at::ScalarType dtypeArgument(napi_env env, napi_value value, const char* name);
int64_t intArgument(napi_env env, napi_value value, const char* name);
bool boolArgument(napi_env env, napi_value value, const char* name);
std::string stringArgument(napi_env env, napi_value value, const char* name);
bool isNullish(napi_env env, napi_value value);
napi_value tensorToJs(Environment& environment, at::Tensor tensor);
napi_value tensorsToJs(Environment& environment, const std::vector<at::Tensor>& tensors);
napi_value stringToJs(napi_env env, const std::string& text);
napi_value numberToJs(napi_env env, double value);

}  // namespace disback
