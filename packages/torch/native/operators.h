#pragma once
#include "argument_checks.h"
#include "convert.h"

#include <ATen/core/dispatch/Dispatcher.h>

namespace disback {

// An operator resolved once: its place in the dispatcher and a plan for its arguments.
struct Operator {
  c10::OperatorHandle handle;
  std::string name;
  std::vector<ArgumentPlan> arguments;
  bool inPlace;
  ArgumentCheck check = nullptr;
};

}  // namespace disback
