// Replaces nccl_backend.cpp if its headers are missing.
#include "nccl_backend.h"

namespace disback {

std::string whyNoNccl() {
  return "the addon was built without NCCL, since nccl.h or CUDA's headers were missing, or libtorch is too old (2.11 is "
         "not). Beside pip's PyTorch for CUDA 13 only some headers are: pip install \"cuda-toolkit[crt,cccl]\" brings the "
         "rest, in the version that pip lists for cuda-toolkit. Else set CUDA_HOME to a toolkit with nccl.h. Then run "
         "npm rebuild @disback/torch";
}

c10::intrusive_ptr<c10d::Backend> makeNccl(
    const c10::intrusive_ptr<c10d::Store>&, int, int, std::chrono::milliseconds) {
  TORCH_CHECK(false, whyNoNccl());
}

void connectNccl(c10d::Backend&, c10::Device) {}
bool ncclFailed(c10d::Backend&) { return false; }
void abortNccl(c10d::Backend&) {}
void leaveNccl(c10d::Backend&) {}

}  // namespace disback
