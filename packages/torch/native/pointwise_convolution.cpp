// disback::pointwise_convolution: a 1x1 convolution, as a product of matrices where that is faster: for small channels-last images,
// whose convolution is mostly oneDNN's preparation (bench/pointwise-convolution.mjs). It is made of libtorch's operators, so
// that gradients and forward derivatives are theirs.
#include <ATen/core/Tensor.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/mm.h>
#include <torch/library.h>

namespace disback {
namespace {

using at::Tensor;

// Multiplications and additions from which on the convolution is as fast.
constexpr int64_t kMost = int64_t{1} << 24;

bool isProduct(const Tensor& input, const Tensor& weight) {
  if (!input.device().is_cpu() || input.scalar_type() != at::kFloat || weight.scalar_type() != at::kFloat) return false;
  if (input.dim() != 4 || weight.dim() != 4 || weight.size(2) != 1 || weight.size(3) != 1) return false;
  if (input.size(1) != weight.size(1) || !input.is_contiguous(at::MemoryFormat::ChannelsLast)) return false;
  return weight.is_contiguous() && 2 * input.numel() * weight.size(0) <= kMost;
}

Tensor pointwiseConvolution(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias) {
  if (!isProduct(input, weight)) return at::conv2d(input, weight, bias);
  const int64_t samples = input.size(0), height = input.size(2), width = input.size(3), channels = weight.size(0);
  const Tensor rows = input.permute({0, 2, 3, 1}).reshape({-1, input.size(1)});
  const Tensor matrix = weight.view({channels, weight.size(1)}).t();
  const Tensor product = bias && bias->defined() ? at::addmm(*bias, rows, matrix) : at::mm(rows, matrix);
  return product.view({samples, height, width, channels}).permute({0, 3, 1, 2});
}

TORCH_LIBRARY_FRAGMENT(disback, library) {
  library.def("pointwise_convolution(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor",
              TORCH_FN(pointwiseConvolution));
}

}  // namespace
}  // namespace disback
