// NCCL, for tensors on GPUs. libtorch has it, but naming its class takes headers of CUDA and NCCL: it stands in a file of
// its own, and where they are missing nccl_absent.h takes its place.
#pragma once
#include <c10/core/Device.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <string>

namespace disback {

// "" where there is NCCL; else what is missing and what to do.
std::string whyNoNccl();

// A backend that fails without ending the process: `timeout` after a collective was queued, or when NCCL finds a fault,
// what hangs on the device is ended and `ncclFailed` says so. Not connected yet, see `connectNccl`.
c10::intrusive_ptr<c10d::Backend> makeNccl(
    const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, std::chrono::milliseconds timeout);

// Waits for all processes, for as long as it takes.
void connectNccl(c10d::Backend& nccl, c10::Device device);

bool ncclFailed(c10d::Backend& nccl);

// Ends what hangs on the device; may itself hang.
void abortNccl(c10d::Backend& nccl);

// Once all processes have finished.
void leaveNccl(c10d::Backend& nccl);

}  // namespace disback

#ifndef DISBACK_NCCL
#include "nccl_absent.h"
#endif
