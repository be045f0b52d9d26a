// Process groups: libtorch's c10d, with gloo for tensors on the CPU and NCCL for those on a GPU. JavaScript cannot pass
// a group to an operator, so the few collectives are here, with joining and leaving, and the reducer that averages
// gradients while backward still runs.
#include "convert.h"
#include "nccl_backend.h"
#include "registration.h"

#include <ATen/ops/empty_like.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>

namespace disback {
namespace {

using c10d::ProcessGroup;
using Reducer = std::shared_ptr<c10d::Reducer>;
const napi_type_tag kReducerTag = {0x6469736261636b03, 0x7265647563657273};

struct Group {
  c10::intrusive_ptr<ProcessGroup> processes;
  c10::intrusive_ptr<c10d::Store> store;
  std::chrono::milliseconds timeout;
  // For groups with a GPU.
  c10::intrusive_ptr<c10d::Backend> nccl;
  std::optional<c10::Device> gpu;
};

// Never destroyed: at the process's end, the other processes may be gone.
struct Groups {
  std::mutex mutex;
  std::unordered_map<std::string, Group> byName;
};
Groups& groups() {
  static Groups* const all = new Groups;
  return *all;
}

Group groupArgument(napi_env env, napi_value value) {
  const std::string name = stringArgument(env, value, "group");
  const std::lock_guard lock(groups().mutex);
  const auto found = groups().byName.find(name);
  if (found == groups().byName.end()) throw ArgumentError("this process is not in group '" + name + "'");
  return found->second;
}

constexpr std::chrono::milliseconds kPulse(200);

std::string pulseKey(int rank) { return "pulse/" + std::to_string(rank); }

// A heartbeat while this process lives, also during long work without a collective.
void startPulse(c10::intrusive_ptr<c10d::Store> store, int rank) {
  std::thread([store, rank] {
    try {
      for (;;) {
        store->add(pulseKey(rank), 1);
        std::this_thread::sleep_for(kPulse);
      }
    } catch (...) {
      // Rank 0 is gone, and the store with it.
    }
  }).detach();
}

// The address by which this host reaches another, from a connected datagram socket, which sends nothing.
std::string addressTowards(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return "";
  std::string result;
  for (addrinfo* one = found; one && result.empty(); one = one->ai_next) {
    const int socket = ::socket(one->ai_family, SOCK_DGRAM, 0);
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    char text[NI_MAXHOST];
    if (socket >= 0 && connect(socket, one->ai_addr, one->ai_addrlen) == 0 &&
        getsockname(socket, reinterpret_cast<sockaddr*>(&own), &length) == 0 &&
        getnameinfo(reinterpret_cast<sockaddr*>(&own), length, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      result = text;
    if (socket >= 0) close(socket);
  }
  freeaddrinfo(found);
  return result;
}

// Gloo would choose the address of this host's name, which is often the loopback. This uses the interface in
// GLOO_SOCKET_IFNAME, or else the one that leads to rank 0.
std::shared_ptr<::gloo::transport::Device> glooDevice(const std::string& address, int port) {
  using Gloo = c10d::ProcessGroupGloo;
  if (const char* name = std::getenv("GLOO_SOCKET_IFNAME")) return Gloo::createDeviceForInterface(name);
  const std::string own = addressTowards(address, port);
  return own.empty() ? Gloo::createDefaultDevice() : Gloo::createDeviceForHostname(own);
}

// joinGroup(name, rank, size, address, port, timeout in ms): waits until all have joined.
napi_value joinGroup(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<6> arguments(env, info);
    const std::string name = stringArgument(env, arguments[0], "name");
    const int rank = static_cast<int>(intArgument(env, arguments[1], "rank"));
    const int size = static_cast<int>(intArgument(env, arguments[2], "size"));
    if (size < 1 || rank < 0 || rank >= size) throw ArgumentError("rank must be from 0 to below the number of processes");
    const std::string address = stringArgument(env, arguments[3], "address");
    const int port = static_cast<int>(intArgument(env, arguments[4], "port"));
    const std::chrono::milliseconds timeout(intArgument(env, arguments[5], "timeout"));
    c10d::TCPStoreOptions options;
    options.port = static_cast<std::uint16_t>(port);
    // Torchrun's agent serves the store itself.
    const char* served = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
    options.isServer = rank == 0 && (!served || std::string(served) != "True");
    options.numWorkers = size;
    options.timeout = timeout;
    c10::intrusive_ptr<c10d::Store> tcp =
        c10::make_intrusive<c10d::TCPStore>(address, options);
    // It survives the processes and may restart them, so each start uses new keys.
    const char* restarts = std::getenv("TORCHELASTIC_RESTART_COUNT");
    c10::intrusive_ptr<c10d::Store> store =
        c10::make_intrusive<c10d::PrefixStore>(name + "/" + (restarts ? restarts : "0"), tcp);
    auto gloo = c10d::ProcessGroupGloo::Options::create(timeout);
    gloo->devices.push_back(glooDevice(address, port));
    auto backend = c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, gloo);
    auto group = c10::make_intrusive<ProcessGroup>(store, rank, size);
    group->setBackend(c10::DeviceType::CPU, ProcessGroup::BackendType::GLOO, backend);
    group->setDefaultBackend(ProcessGroup::BackendType::GLOO);
    group->setGroupName(name);
    startPulse(store, rank);
    const std::lock_guard lock(groups().mutex);
    groups().byName[name] = {group, store, timeout, {}, {}};
    return nullptr;
  }, "joinGroup");
}

[[noreturn]] void tooLate(std::chrono::milliseconds timeout) {
  throw std::runtime_error("NCCL timed out after " + std::to_string(timeout.count()) + " ms");
}

// Runs what may hang on a separate thread, which is abandoned if it does.
void within(std::chrono::milliseconds timeout, std::function<void()> work) {
  auto result = std::make_shared<std::promise<void>>();
  std::thread([result, work = std::move(work)] {
    try {
      work();
      result->set_value();
    } catch (...) {
      result->set_exception(std::current_exception());
    }
  }).detach();
  auto over = result->get_future();
  if (over.wait_for(timeout) != std::future_status::ready) tooLate(timeout);
  over.get();
}

napi_value ncclAbsence(napi_env env, napi_callback_info) {
  return guarded(env, [&] { return stringToJs(env, whyNoNccl()); });
}

// addGpu(group, device): lets the group use tensors on this GPU too. Waits for all processes.
napi_value addGpu(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<2> arguments(env, info);
    const std::string name = stringArgument(env, arguments[0], "group");
    Group group = groupArgument(env, arguments[0]);
    c10::Device device(stringArgument(env, arguments[1], "device"));
    const c10::impl::VirtualGuardImpl devices(device.type());
    if (!device.has_index()) device = devices.getDevice();
    devices.setDevice(device);
    // NCCL ends by itself what hangs, but later than this error.
    const auto later = group.timeout + std::chrono::seconds(1);
    group.gpu = device;
    group.nccl = makeNccl(group.store, group.processes->getRank(), group.processes->getSize(), later);
    within(group.timeout, [nccl = group.nccl, device] { connectNccl(*nccl, device); });
    group.processes->setBackend(device.type(), ProcessGroup::BackendType::NCCL, group.nccl);
    const std::lock_guard lock(groups().mutex);
    groups().byName[name] = group;
    return nullptr;
  }, "addGpu");
}

napi_value leaveGroup(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    const std::string name = stringArgument(env, arguments[0], "group");
    const std::lock_guard lock(groups().mutex);
    const auto found = groups().byName.find(name);
    if (found == groups().byName.end()) return nullptr;
    if (found->second.nccl) leaveNccl(*found->second.nccl);
    groups().byName.erase(found);
    return nullptr;
  }, "leaveGroup");
}

// Checks that a tensor is on a device of the group.
at::Tensor sharedTensor(napi_env env, const Group& group, napi_value value) {
  const at::Tensor tensor = tensorArgument(Environment::of(env), value, "tensor");
  if (tensor.device().is_cpu() || tensor.device() == group.gpu) return tensor;
  throw ArgumentError("the tensor is on " + tensor.device().str() + ", but the group was joined for " +
                      (group.gpu ? group.gpu->str() + " and " : "") + "the CPU");
}

// On a GPU, collectives have only been queued: waits until they are complete. Gloo's are complete, and have their own
// timeout.
void finish(const Group& group, c10::Device device) {
  if (device.is_cpu()) return;
  const c10::Stream queue = c10::impl::VirtualGuardImpl(device.type()).getStream(device);
  const auto end = std::chrono::steady_clock::now() + group.timeout;
  for (;;) {
    const bool over = queue.query();
    // A failed collective is complete too, but its result is invalid.
    if (ncclFailed(*group.nccl)) throw std::runtime_error("NCCL failed: the connection was lost");
    if (over) return;
    if (std::chrono::steady_clock::now() > end) {
      std::thread([nccl = group.nccl] { abortNccl(*nccl); }).detach();
      tooLate(group.timeout);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

c10d::ReduceOp reductionArgument(napi_env env, napi_value value) {
  const std::string name = stringArgument(env, value, "reduction");
  if (name == "sum") return c10d::ReduceOp::SUM;
  if (name == "product") return c10d::ReduceOp::PRODUCT;
  if (name == "min") return c10d::ReduceOp::MIN;
  if (name == "max") return c10d::ReduceOp::MAX;
  throw ArgumentError("reduction must be sum, product, min or max, not '" + name + "'");
}

// allReduce(group, tensor, reduction): in place
napi_value allReduce(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<3> arguments(env, info);
    const Group group = groupArgument(env, arguments[0]);
    std::vector<at::Tensor> tensors{sharedTensor(env, group, arguments[1])};
    c10d::AllreduceOptions options;
    options.reduceOp = reductionArgument(env, arguments[2]);
    group.processes->allreduce(tensors, options)->wait();
    finish(group, tensors[0].device());
    return nullptr;
  }, "allReduce");
}

// broadcast(group, tensor, source rank): in place
napi_value broadcast(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<3> arguments(env, info);
    const Group group = groupArgument(env, arguments[0]);
    std::vector<at::Tensor> tensors{sharedTensor(env, group, arguments[1])};
    c10d::BroadcastOptions options;
    options.rootRank = intArgument(env, arguments[2], "source");
    group.processes->broadcast(tensors, options)->wait();
    finish(group, tensors[0].device());
    return nullptr;
  }, "broadcast");
}

// allGather(group, tensor) -> tensors of all ranks
napi_value allGather(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<2> arguments(env, info);
    Environment& environment = Environment::of(env);
    const Group group = groupArgument(env, arguments[0]);
    std::vector<at::Tensor> own{sharedTensor(env, group, arguments[1])};
    std::vector<std::vector<at::Tensor>> all(1);
    for (int rank = 0; rank < group.processes->getSize(); rank++) all[0].push_back(at::empty_like(own[0]));
    group.processes->allgather(all, own)->wait();
    finish(group, own[0].device());
    return tensorsToJs(environment, all[0]);
  }, "allGather");
}

// finishCollectives(group, tensor): waits until all collectives queued on the tensor's device are complete, including
// the reducer's.
napi_value finishCollectives(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<2> arguments(env, info);
    const Group group = groupArgument(env, arguments[0]);
    finish(group, sharedTensor(env, group, arguments[1]).device());
    return nullptr;
  }, "finishCollectives");
}

// Ranks without a heartbeat. Processes in a collective that will fail are alive, and not the cause. If all are alive,
// those that have not answered in time.
std::vector<int> missingRanks(const Group& group, std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  const auto pulse = [&](int rank) { return group.store->add(pulseKey(rank), 0); };
  const auto answer = [](int rank) { return "answer/" + std::to_string(rank); };
  group.store->set(answer(group.processes->getRank()), "here");
  std::vector<int64_t> pulses;
  std::vector<int> silent, absent;
  for (int rank = 0; rank < group.processes->getSize(); rank++) {
    pulses.push_back(pulse(rank));
    silent.push_back(rank);
    absent.push_back(rank);
  }
  do {
    std::this_thread::sleep_for(kPulse / 4);
    std::erase_if(silent, [&](int rank) { return pulse(rank) != pulses[rank]; });
    std::erase_if(absent, [&](int rank) { return group.store->check({answer(rank)}); });
  } while (!(silent.empty() && absent.empty()) && std::chrono::steady_clock::now() < end);
  return silent.empty() ? absent : silent;
}

// rollCall(group, timeout in ms) -> ranks that are gone or do not answer in time. Rank 0 keeps the roll.
napi_value rollCall(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<2> arguments(env, info);
    const Group group = groupArgument(env, arguments[0]);
    const std::chrono::milliseconds timeout(intArgument(env, arguments[1], "timeout"));
    // On a separate thread, because a cut link gives no answer and no error until TCP's timeout.
    auto answer = std::make_shared<std::promise<std::vector<int>>>();
    std::thread([=] {
      try {
        answer->set_value(missingRanks(group, timeout));
      } catch (...) {
        answer->set_value({0});
      }
    }).detach();
    auto missing = answer->get_future();
    const bool answered = missing.wait_for(timeout + std::chrono::milliseconds(500)) == std::future_status::ready;
    const std::vector<int> ranks = answered ? missing.get() : std::vector<int>{0};
    napi_value result;
    check(env, napi_create_array_with_length(env, ranks.size(), &result), "ranks");
    for (size_t i = 0; i < ranks.size(); i++) napi_set_element(env, result, i, numberToJs(env, ranks[i]));
    return result;
  }, "rollCall");
}

// finishTurn(group, turn): tells the others that this process has finished its turn.
napi_value finishTurn(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<2> arguments(env, info);
    groupArgument(env, arguments[0]).store->set("turn/" + stringArgument(env, arguments[1], "turn"), "done");
    return nullptr;
  }, "finishTurn");
}

// awaitTurn(group, turn, rank, patience in ms): waits as long as that rank's process lives.
napi_value awaitTurn(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<4> arguments(env, info);
    const Group group = groupArgument(env, arguments[0]);
    const auto store = group.store;
    const std::string turn = "turn/" + stringArgument(env, arguments[1], "turn");
    const int rank = static_cast<int>(intArgument(env, arguments[2], "rank"));
    if (rank == group.processes->getRank()) throw ArgumentError("a process cannot wait for itself");
    const std::chrono::milliseconds patience(intArgument(env, arguments[3], "patience"));
    struct Wait {
      std::atomic<int64_t> pulses{-1};
      std::promise<void> over;
    };
    auto wait = std::make_shared<Wait>();
    auto over = wait->over.get_future();
    // On a separate thread, as in rollCall, because a cut link gives no answer.
    std::thread([=] {
      try {
        while (!store->check({turn})) {
          wait->pulses = store->add(pulseKey(rank), 0);
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        wait->over.set_value();
      } catch (...) {
        wait->over.set_exception(std::current_exception());
      }
    }).detach();
    int64_t pulses = wait->pulses;
    for (auto since = std::chrono::steady_clock::now(); over.wait_for(kPulse) != std::future_status::ready;) {
      const auto now = std::chrono::steady_clock::now();
      if (wait->pulses != pulses) {
        pulses = wait->pulses;
        since = now;
      } else if (now - since > patience) {
        throw std::runtime_error("connection: no sign of life from rank " + std::to_string(rank));
      }
    }
    over.get();
    return nullptr;
  }, "awaitTurn");
}

// libtorch's versions differ in the number of arguments; the added ones are switches that stay off.
template <class... Shared>
Reducer makeReducer(Shared... shared) {
  if constexpr (std::is_constructible_v<c10d::Reducer, Shared...>)
    return std::make_shared<c10d::Reducer>(shared...);
  else if constexpr (std::is_constructible_v<c10d::Reducer, Shared..., bool, bool>)
    return std::make_shared<c10d::Reducer>(shared..., false, false);
  else
    return std::make_shared<c10d::Reducer>(shared..., false, false, std::vector<int64_t>());
}

// createReducer(group, parameters, bytes of a bucket) -> reducer
napi_value createReducer(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Arguments<3> arguments(env, info);
    auto parameters = tensorListArgument(Environment::of(env), arguments[1], "parameters");
    const int64_t bytes = intArgument(env, arguments[2], "bucketBytes");
    if (parameters.empty()) throw ArgumentError("there are no parameters");
    if (bytes <= 0) throw ArgumentError("a bucket has no room");
    for (const at::Tensor& parameter : parameters)
      if (!parameter.is_leaf() || !parameter.requires_grad())
        throw ArgumentError("a parameter is not a leaf that requires a gradient");
    // The last layers' gradients come first, so buckets are made from the end.
    std::vector<at::Tensor> backwards(parameters.rbegin(), parameters.rend());
    const std::vector<bool> sparse(parameters.size(), false);
    auto [buckets, limits] =
        c10d::compute_bucket_assignment_by_size(backwards, {static_cast<size_t>(bytes)}, sparse);
    for (auto& bucket : buckets)
      for (auto& index : bucket) index = parameters.size() - 1 - index;
    auto reducer = std::make_unique<Reducer>(makeReducer(
        parameters, buckets, groupArgument(env, arguments[0]).processes, sparse, bytes,
        false, false, std::unordered_map<size_t, std::string>(), bytes));
    napi_value object;
    check(env, napi_create_object(env, &object), "reducer");
    napi_type_tag_object(env, object, &kReducerTag);
    napi_wrap(env, object, reducer.release(), [](napi_env, void* data, void*) { delete static_cast<Reducer*>(data); },
              nullptr, nullptr);
    return object;
  }, "createReducer");
}

Reducer& reducerArgument(napi_env env, napi_value value) {
  bool tagged = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, value, &kReducerTag, &tagged) != napi_ok || !tagged ||
      napi_unwrap(env, value, &data) != napi_ok)
    throw ArgumentError("argument 'reducer' must be a reducer of gradients");
  return *static_cast<Reducer*>(data);
}

// prepareReducer(reducer): the next backward averages the gradients over the group. After the first backward, buckets
// are rebuilt in the order of the gradients. It is an error if the previous backward left out any gradient.
napi_value prepareReducer(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Arguments<1> arguments(env, info);
    Reducer& reducer = reducerArgument(env, arguments[0]);
    reducer->rebuild_buckets();
    reducer->prepare_for_backward({});
    return nullptr;
  }, "prepareReducer");
}

}  // namespace

void registerCollectives(napi_env env, napi_value exports) {
  define(env, exports, "joinGroup", joinGroup);
  define(env, exports, "ncclAbsence", ncclAbsence);
  define(env, exports, "addGpu", addGpu);
  define(env, exports, "leaveGroup", leaveGroup);
  define(env, exports, "allReduce", allReduce);
  define(env, exports, "broadcast", broadcast);
  define(env, exports, "allGather", allGather);
  define(env, exports, "finishCollectives", finishCollectives);
  define(env, exports, "rollCall", rollCall);
  define(env, exports, "finishTurn", finishTurn);
  define(env, exports, "awaitTurn", awaitTurn);
  define(env, exports, "createReducer", createReducer);
  define(env, exports, "prepareReducer", prepareReducer);
}

}  // namespace disback
