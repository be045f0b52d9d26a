// Steps that are captured once and run again without JavaScript and autograd. On a GPU a capture is libtorch's own graph
// (a CUDA graph: one launch for thousands of kernels). On the CPU it is a list of calls, see call_list.cpp.
#include "graph.h"

#include "capture.h"
#include "convert.h"
#include "device_memory.h"
#include "registration.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/Event.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/hash.h>
#include <torch/library.h>
#include <torch/version.h>

#include <map>
#include <unordered_set>
#include <utility>

// One interface to all devices' graphs: libtorch 2.13 and later.
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 13
#include <ATen/core/GraphImplInterface.h>
#define DISBACK_DEVICE_GRAPHS 1
#endif

namespace disback {
namespace {

// A dispatch key between autograd and the devices' kernels that nothing else uses. While it is included, every operator
// passes through `observe` before its kernel, also in backward passes.
constexpr auto kObserved = c10::DispatchKey::Fake;

thread_local Capture* capturing = nullptr;

// What a run of a step did, as far as a capture depends on it.
struct Watch {
  // the first thing that a capture refuses; empty if there was none
  std::string obstacle;
  // of all calls: operators, plain arguments and shapes. Steps that make the same calls have the same.
  size_t signature = 0;
  // whether an operator draws random numbers inside the step, as dropout does
  bool draws = false;
};
thread_local Watch* watching = nullptr;

void mix(size_t& signature, size_t value) { signature = c10::hash_combine(signature, value); }

void mixValue(size_t& signature, const c10::IValue& value) {
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (!tensor.defined()) return mix(signature, 1);
    for (const int64_t size : tensor.sizes()) mix(signature, c10::get_hash(size));
    mix(signature, static_cast<size_t>(tensor.scalar_type()));
  } else if (value.isList()) {
    for (const c10::IValue& one : value.toListRef()) mixValue(signature, one);
  } else if (value.isDouble()) {
    mix(signature, c10::get_hash(value.toDouble()));
  } else if (value.isInt()) {
    mix(signature, c10::get_hash(value.toInt()));
  } else if (value.isBool()) {
    mix(signature, value.toBool() ? 2 : 3);
  } else if (value.isString()) {
    mix(signature, c10::get_hash(value.toStringRef()));
  } else {
    mix(signature, value.isNone() ? 4 : 5);
  }
}

#ifdef DISBACK_DEVICE_GRAPHS
struct DeviceGraph : Capture {
  explicit DeviceGraph(c10::Device device) : device(device), graph(at::create_graph_impl(device.type())) {}
  const c10::Device device;
  const std::unique_ptr<at::GraphImplInterface> graph;

  void begin() override {
    c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
    // The plain runs are over; the graph has its own memory.
    emptyDeviceCache(device);
    graph->capture_begin({0, 0}, at::GraphCaptureMode::ThreadLocal);
  }
  void end() override {
    graph->capture_end();
    graph->replay();
  }
  void replay() override { graph->replay(); }
};

std::unique_ptr<Capture> deviceCapture(c10::Device device) {
  if (!at::has_graph_impl(device.type())) throw ArgumentError("libtorch has no graphs for the device " + device.str());
  return std::make_unique<DeviceGraph>(device);
}
#else
std::unique_ptr<Capture> deviceCapture(c10::Device) {
  throw ArgumentError("graphs of a GPU need libtorch 2.13 or later, this is " TORCH_VERSION);
}
#endif

// A separate stream on a GPU for captures. It waits for earlier work, and later work waits for it.
class SideStream {
 public:
  explicit SideStream(c10::Device device) : device_(device) {
    if (device.is_cpu()) return;
    const c10::impl::VirtualGuardImpl guard(device.type());
    const c10::Stream side = streamOf(device, guard);
    follow(side, guard.getStream(device));
    before_ = guard.exchangeStream(side);
  }
  ~SideStream() {
    if (!before_) return;
    try {
      const c10::impl::VirtualGuardImpl guard(device_.type());
      follow(*before_, guard.exchangeStream(*before_));
    } catch (...) {
      // If a device refuses this, all that follows fails with an error.
    }
  }
  SideStream(const SideStream&) = delete;
  SideStream& operator=(const SideStream&) = delete;

 private:
  // Always the same stream, so that its cached memory is reused.
  static c10::Stream streamOf(c10::Device device, const c10::impl::VirtualGuardImpl& guard) {
    thread_local std::map<c10::DeviceIndex, c10::Stream> streams;
    const auto found = streams.find(device.index());
    if (found != streams.end()) return found->second;
    return streams.emplace(device.index(), guard.getStreamFromGlobalPool(device)).first->second;
  }
  static void follow(const c10::Stream& stream, const c10::Stream& other) {
    c10::Event event(stream.device_type());
    event.record(other);
    event.block(stream);
  }
  const c10::Device device_;
  std::optional<c10::Stream> before_;
};

const std::unordered_set<std::string> kReading = {
    "aten::_local_scalar_dense", "aten::item",    "aten::is_nonzero",         "aten::equal",
    "aten::allclose",            "aten::nonzero", "aten::masked_select",      "aten::_unique",
    "aten::_unique2",            "aten::unique_dim", "aten::unique_consecutive", "aten::bincount",
    "aten::histc",               "aten::_linalg_check_errors", "aten::nonzero_numpy", "aten::argwhere"};

void refuse(const std::string& what) {
  if (capturing && capturing->strict) throw ArgumentError("a step that is being captured cannot " + what);
  if (watching && watching->obstacle.empty()) watching->obstacle = what;
}

bool isMask(const c10::IValue& value) {
  if (!value.isTensor() || !value.toTensor().defined()) return false;
  const auto type = value.toTensor().scalar_type();
  return type == at::kBool || type == at::kByte;
}

// Operators that wait for the device, or would not be repeated on replay.
void requireCapturable(const c10::OperatorHandle& op, const c10::IValue* arguments, size_t count) {
  const std::string& name = op.schema().name();
  if (kReading.count(name)) refuse("read values back (" + name + ")");
  if (name == "aten::repeat_interleave" && op.schema().overload_name() == "Tensor")
    refuse("read values back (aten::repeat_interleave without an output size)");
  for (size_t i = 0; i < count; i++)
    if (arguments[i].isGenerator()) refuse("draw from a generator by itself (" + name + "): randn, rand and randint can");
  if (name.rfind("aten::index", 0) == 0 && count > 1 && arguments[1].isList())
    for (const c10::IValue& index : arguments[1].toListRef())
      if (isMask(index)) refuse("read values back (" + name + " with a mask)");
  if (name == "aten::copy_" && arguments[0].toTensor().device().type() != arguments[1].toTensor().device().type())
    refuse("copy from one device to another (aten::copy_)");
  if (name == "aten::_to_copy" && arguments[3].isDevice() &&
      arguments[3].toDevice().type() != arguments[0].toTensor().device().type())
    refuse("copy from one device to another (aten::_to_copy)");
}

void observe(const c10::OperatorHandle& op, c10::DispatchKeySet keys, Stack* stack) {
  // Operators called by kernels are part of the kernel.
  const c10::impl::ExcludeDispatchKeyGuard once(kObserved);
  const size_t count = op.schema().arguments().size();
  Stack arguments(stack->end() - static_cast<std::ptrdiff_t>(count), stack->end());
  requireCapturable(op, arguments.data(), count);
  // The capture alone detaches the figures.
  if (watching && op.schema().name() != "aten::detach") {
    mix(watching->signature, c10::get_hash(op.operator_name()));
    for (const c10::IValue& argument : arguments) mixValue(watching->signature, argument);
    watching->draws = watching->draws || op.hasTag(at::Tag::nondeterministic_seeded);
  }
  op.redispatchBoxed(keys & c10::DispatchKeySet(c10::DispatchKeySet::FULL_AFTER, kObserved), stack);
  const auto results = static_cast<std::ptrdiff_t>(op.schema().returns().size());
  if (capturing) capturing->observe(op, arguments, Stack(stack->end() - results, stack->end()));
}

TORCH_LIBRARY_IMPL(_, Fake, library) { library.fallback(torch::CppFunction::makeFromBoxedFunction<&observe>()); }

const napi_type_tag kGraphTag = {0x6469736261636b03, 0x7265636f7264696e};

struct Graph {
  c10::Device device;
  std::unique_ptr<Capture> capture;
  bool busy = false;
};

// @throws ArgumentError while the graph runs: its own step can neither run nor release it
Graph& graphArgument(napi_env env, napi_value value) {
  bool tagged = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, value, &kGraphTag, &tagged) != napi_ok || !tagged ||
      napi_unwrap(env, value, &data) != napi_ok)
    throw ArgumentError("argument 'graph' must be a graph");
  Graph& graph = *static_cast<Graph*>(data);
  if (graph.busy) throw ArgumentError("a step cannot run or release the graph that it is part of");
  return graph;
}

class Busy {
 public:
  explicit Busy(Graph& graph) : graph_(graph) { graph_.busy = true; }
  ~Busy() { graph_.busy = false; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  Graph& graph_;
};

// createGraph(device)
napi_value createGraph(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<1> arguments(env, info);
    c10::Device device(stringArgument(env, arguments[0], "device"));
    if (!device.is_cpu() && !device.has_index()) device = c10::impl::VirtualGuardImpl(device.type()).getDevice();
    auto graph = std::make_unique<Graph>(Graph{
        device, device.is_cpu() ? createCallList() : deviceCapture(device)});
    napi_value object;
    check(env, napi_create_object(env, &object), "graph");
    napi_type_tag_object(env, object, &kGraphTag);
    napi_wrap(env, object, graph.release(), [](napi_env, void* data, void*) { delete static_cast<Graph*>(data); },
              nullptr, nullptr);
    return object;
  });
}

void call(napi_env env, napi_value body) {
  napi_value global;
  check(env, napi_get_global(env, &global), "global");
  check(env, napi_call_function(env, global, body, 0, nullptr, nullptr), "body");
}

// Runs the body while `watch` sees its operators.
void callWatched(napi_env env, napi_value body, Watch& watch) {
  const c10::impl::IncludeDispatchKeyGuard observed(kObserved);
  Watch* const before = std::exchange(watching, &watch);
  try {
    call(env, body);
  } catch (...) {
    watching = before;
    throw;
  }
  watching = before;
}

napi_value watchToJs(napi_env env, const Watch& watch) {
  napi_value seen, draws;
  check(env, napi_create_object(env, &seen), "seen");
  napi_set_named_property(env, seen, "signature", stringToJs(env, std::to_string(watch.signature)));
  napi_set_named_property(env, seen, "obstacle", stringToJs(env, watch.obstacle));
  napi_get_boolean(env, watch.draws, &draws);
  napi_set_named_property(env, seen, "draws", draws);
  return seen;
}

// warmUpGraph(graph, body): runs the body on the stream of the capture. Gives what a capture depends on.
napi_value warmUpGraph(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<2> arguments(env, info);
    Graph& graph = graphArgument(env, arguments[0]);
    const Busy busy(graph);
    const SideStream side(graph.device);
    Watch watch;
    callWatched(env, arguments[1], watch);
    return watchToJs(env, watch);
  });
}

// captureGraph(graph, body, strict): runs the body once and records its operators. Gives what the capture depends on.
napi_value captureGraph(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<3> arguments(env, info);
    Graph& graph = graphArgument(env, arguments[0]);
    if (capturing) throw ArgumentError("a step is being captured already");
    const Busy busy(graph);
    const SideStream side(graph.device);
    Watch watch;
    graph.capture->strict = boolArgument(env, arguments[2], "strict");
    graph.capture->begin();
    try {
      capturing = graph.capture.get();
      callWatched(env, arguments[1], watch);
      capturing = nullptr;
    } catch (...) {
      capturing = nullptr;
      // A capture must be ended; its error was already reported.
      try {
        graph.capture->end();
      } catch (...) {
      }
      throw;
    }
    graph.capture->end();
    return watchToJs(env, watch);
  });
}

napi_value replayGraph(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    Graph& graph = graphArgument(env, arguments[0]);
    if (capturing) throw ArgumentError("a step is being captured already");
    const Busy busy(graph);
    graph.capture->replay();
    return nullptr;
  });
}

// releaseGraph(graph): it cannot be used afterwards.
napi_value releaseGraph(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    void* data = nullptr;
    graphArgument(env, arguments[0]);
    check(env, napi_remove_wrap(env, arguments[0], &data), "graph");
    delete static_cast<Graph*>(data);
    return nullptr;
  });
}

// refuseCapture(what): for work in JavaScript that a replay would not do again.
napi_value refuseCapture(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    requireNoCapture(stringArgument(env, arguments[0], "what").c_str());
    return nullptr;
  });
}

}  // namespace

void requireNoCapture(const char* what) {
  refuse(what);
}

void registerGraph(napi_env env, napi_value exports) {
  define(env, exports, "createGraph", createGraph);
  define(env, exports, "warmUpGraph", warmUpGraph);
  define(env, exports, "captureGraph", captureGraph);
  define(env, exports, "replayGraph", replayGraph);
  define(env, exports, "releaseGraph", releaseGraph);
  define(env, exports, "refuseCapture", refuseCapture);
}

}  // namespace disback
