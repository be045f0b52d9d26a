// NCCL, for tensors on GPUs. Its class needs headers of CUDA and NCCL, so it has a separate file. If they are missing,
// nccl_absent.cpp replaces it.
#pragma once
#include <c10/core/Device.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <string>

namespace disback {

// "" where there is NCCL; else what is missing and what to do.
std::string whyNoNccl();

// A backend that fails without ending the process. `timeout` after a collective was queued, or when NCCL finds a fault,
// hanging work is ended and `ncclFailed` returns true. Not connected yet, see `connectNccl`.
c10::intrusive_ptr<c10d::Backend> makeNccl(
    const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, std::chrono::milliseconds timeout);

// Waits for all processes, without a limit.
void connectNccl(c10d::Backend& nccl, c10::Device device);

bool ncclFailed(c10d::Backend& nccl);

// Ends hanging work on the device; may itself hang.
void abortNccl(c10d::Backend& nccl);

// Once all processes have finished.
void leaveNccl(c10d::Backend& nccl);

}  // namespace disback
