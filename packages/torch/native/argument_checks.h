#pragma once
#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

namespace disback {

struct Operator;

// Why an operator is not let through the door, or null.
const char* refusalOf(const std::string& name);

// Looks at what an operator's kernel takes for granted. @throws ArgumentError
using ArgumentCheck = void (*)(const Operator& op, const std::vector<c10::IValue>& stack);

// The check of an operator, or null: most kernels look at their arguments themselves.
ArgumentCheck argumentCheckOf(const std::string& name);

}  // namespace disback
