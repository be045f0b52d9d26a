#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <memory>
#include <vector>

namespace disback {

using Stack = std::vector<c10::IValue>;

// A step that is captured once and run again.
struct Capture {
  virtual ~Capture() = default;
  // Whether work that a replay would not repeat is an error. Otherwise it is noted, and the capture is of no use.
  bool strict = true;
  virtual void begin() = 0;
  // Afterwards the step has run once.
  virtual void end() = 0;
  virtual void replay() = 0;
  // Told each call of an operator, after it ran.
  virtual void observe(const c10::OperatorHandle&, const Stack& /*arguments*/, const Stack& /*results*/) {}
};

// The CPU's capture: a list of calls.
std::unique_ptr<Capture> createCallList();

}  // namespace disback
