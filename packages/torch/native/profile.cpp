// A profile of every operator that libtorch runs in this thread, also inside others and inside backward passes.
#include "convert.h"
#include "registration.h"

#include <ATen/record_function.h>

#include <map>
#include <sstream>
#include <tuple>

#include <time.h>

namespace disback {
namespace {

struct Total {
  int64_t calls = 0;
  int64_t own = 0;  // nanoseconds outside of operators called inside
};

struct Running {
  std::tuple<std::string, std::string> key;
  int64_t started;
  int64_t inside = 0;  // nanoseconds of operators called inside
};

struct Profile {
  at::CallbackHandle callback = 0;
  bool shapes = false;
  std::vector<Running> running;
  std::map<std::tuple<std::string, std::string>, Total> totals;
};

thread_local std::unique_ptr<Profile> profile;

// Processor time of this thread, so other processes on the machine do not count.
int64_t processorTime() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string shapesOf(c10::ArrayRef<const c10::IValue> inputs) {
  std::ostringstream text;
  for (const auto& input : inputs)
    if (input.isTensor() && input.toTensor().defined()) text << input.toTensor().sizes();
  return text.str();
}

std::unique_ptr<at::ObserverContext> entered(const at::RecordFunction& function) {
  if (!profile) return nullptr;
  std::string shapes = profile->shapes ? shapesOf(function.inputs()) : "";
  profile->running.push_back({{function.name(), std::move(shapes)}, processorTime()});
  return nullptr;
}

void left(const at::RecordFunction&, at::ObserverContext*) {
  if (!profile || profile->running.empty()) return;
  Running last = std::move(profile->running.back());
  profile->running.pop_back();
  const int64_t took = processorTime() - last.started;
  Total& total = profile->totals[std::move(last.key)];
  total.calls++;
  total.own += took - last.inside;
  if (!profile->running.empty()) profile->running.back().inside += took;
}

// startProfile(shapes)
napi_value startProfile(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    const bool shapes = boolArgument(env, arguments[0], "shapes");
    if (profile) throw ArgumentError("a profile is being taken already");
    profile = std::make_unique<Profile>();
    profile->shapes = shapes;
    profile->callback = at::addThreadLocalCallback(
        at::RecordFunctionCallback(&entered, &left)
            .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION})
            .needsInputs(shapes));
    return nullptr;
  });
}

// stopProfile() -> [[name, shapes, calls, own seconds], ...]
napi_value stopProfile(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    if (!profile) throw ArgumentError("no profile is being taken");
    const std::unique_ptr<Profile> taken = std::move(profile);
    at::removeCallback(taken->callback);
    napi_value result;
    napi_create_array(env, &result);
    uint32_t index = 0;
    for (const auto& [key, total] : taken->totals) {
      const napi_value cells[] = {stringToJs(env, std::get<0>(key)), stringToJs(env, std::get<1>(key)),
                                  numberToJs(env, static_cast<double>(total.calls)),
                                  numberToJs(env, static_cast<double>(total.own) / 1e9)};
      napi_value row;
      napi_create_array_with_length(env, 4, &row);
      for (uint32_t cell = 0; cell < 4; cell++) napi_set_element(env, row, cell, cells[cell]);
      napi_set_element(env, result, index++, row);
    }
    return result;
  });
}

}  // namespace

void registerProfile(napi_env env, napi_value exports) {
  define(env, exports, "startProfile", startProfile);
  define(env, exports, "stopProfile", stopProfile);
}

}  // namespace disback
