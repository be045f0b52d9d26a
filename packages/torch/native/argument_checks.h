#pragma once
#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

namespace disback {

struct Operator;

// Why an operator is refused, or null.
const char* refusalOf(const std::string& name);

// Checks what an operator's kernel assumes. @throws ArgumentError
using ArgumentCheck = void (*)(const Operator& op, const std::vector<c10::IValue>& stack);

// The check of an operator, or null: most kernels check their arguments themselves.
ArgumentCheck argumentCheckOf(const std::string& name);

}  // namespace disback
