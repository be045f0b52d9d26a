#include "nccl_backend.h"

#ifndef USE_C10D_NCCL
#define USE_C10D_NCCL
#endif
#include <torch/csrc/cuda/nccl.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <cstdlib>

namespace disback {
namespace {

using Nccl = c10d::ProcessGroupNCCL;

// libtorch only has environment variables for this; torchrun sets the first one to end the process.
void setSwitches() {
  const auto set = [](const char* name, const char* value) { setenv(name, value, 1); };
  set("TORCH_NCCL_ASYNC_ERROR_HANDLING", std::to_string(c10d::CleanUpOnly).c_str());
  set("TORCH_NCCL_BLOCKING_WAIT", "0");
  // Threads that end the process: the first watches the watchdog, the second is the watchdog where CUDA fails.
  set("TORCH_NCCL_ENABLE_MONITORING", "0");
  set("TORCH_NCCL_RETHROW_CUDA_ERRORS", "0");
  // The watchdog would first wait for reports, which are not needed.
  set("TORCH_NCCL_DUMP_ON_TIMEOUT", "0");
}

}  // namespace

std::string whyNoNccl() {
  // The layout of the options changes between versions, so the headers must match libtorch's NCCL.
  const uint64_t version = torch::cuda::nccl::version();
  const uint64_t major = version >> 32, minor = version >> 16 & 0xffff;
  if (major == NCCL_MAJOR && minor == NCCL_MINOR) return "";
  return c10::str("libtorch has NCCL ", major, ".", minor, ", but the addon was built with the nccl.h of ", NCCL_MAJOR,
                  ".", NCCL_MINOR, ": install the matching one and run npm rebuild @disback/torch");
}

c10::intrusive_ptr<c10d::Backend> makeNccl(
    const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, std::chrono::milliseconds timeout) {
  setSwitches();
  auto options = Nccl::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<Nccl>(c10::make_intrusive<c10d::PrefixStore>("nccl", store), rank, size, options);
}

void connectNccl(c10d::Backend& nccl, c10::Device device) { nccl.eagerConnectSingleDevice(device); }

bool ncclFailed(c10d::Backend& nccl) { return nccl.getError() != c10d::ErrorType::SUCCESS; }

void abortNccl(c10d::Backend& nccl) { nccl.abort(); }

void leaveNccl(c10d::Backend& nccl) { nccl.shutdown(); }

}  // namespace disback
