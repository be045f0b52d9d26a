// The end of a network's update: operators over lists of weights that libtorch has only one tensor at a time on the CPU.
#include "update_kernels.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace disback {
namespace {

using at::Tensor;
using at::TensorList;

// Values that one task works on.
constexpr int64_t kBlock = 4096;

const UpdateKernels& kernels() {
  static const UpdateKernels chosen = updateKernels(at::get_cpu_capability().c_str());
  return chosen;
}

// Whether the memory is the tensor's values without gaps, in any order.
bool isDense(const Tensor& tensor) {
  return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat && tensor.layout() == at::kStrided &&
         tensor.is_non_overlapping_and_dense();
}

struct Block {
  size_t tensor;
  int64_t begin, count;
};

std::vector<Block> blocksOf(TensorList tensors) {
  std::vector<Block> blocks;
  for (size_t i = 0; i < tensors.size(); i++)
    for (int64_t begin = 0; begin < tensors[i].numel(); begin += kBlock)
      blocks.push_back({i, begin, std::min(kBlock, tensors[i].numel() - begin)});
  return blocks;
}

Tensor cleanByLibtorch(TensorList tensors, double nan, double positive, double negative) {
  TORCH_CHECK(!tensors.empty(), "expected tensors");
  for (const Tensor& tensor : tensors) const_cast<Tensor&>(tensor).nan_to_num_(nan, positive, negative);
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(tensors, 2)));
}

// Replaces what is not finite. -> the joint 2-norm afterwards, []
Tensor clean(TensorList tensors, double nan, double positive, double negative) {
  if (tensors.empty() || !std::all_of(tensors.begin(), tensors.end(), isDense))
    return cleanByLibtorch(tensors, nan, positive, negative);
  const Replacements replacements{static_cast<float>(nan), static_cast<float>(positive), static_cast<float>(negative)};
  const auto blocks = blocksOf(tensors);
  std::vector<double> sums(blocks.size());
  at::parallel_for(0, static_cast<int64_t>(blocks.size()), 8, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++)
      sums[i] = kernels().clean(tensors[blocks[i].tensor].mutable_data_ptr<float>() + blocks[i].begin, blocks[i].count,
                                replacements);
  });
  double sum = 0;
  for (const double one : sums) sum += one;
  return at::scalar_tensor(std::sqrt(sum), tensors[0].options());
}

void lerpByLibtorch(TensorList averages, TensorList values, double weight) {
  at::_foreach_lerp_(averages, values, weight);
}

void lerp(TensorList averages, TensorList values, double weight) {
  TORCH_CHECK(averages.size() == values.size(), "expected as many values as averages");
  bool alike = true;
  for (size_t i = 0; i < averages.size() && alike; i++)
    alike = isDense(averages[i]) && isDense(values[i]) && averages[i].sizes() == values[i].sizes() &&
            averages[i].strides() == values[i].strides() && !averages[i].is_alias_of(values[i]);
  if (!alike) return lerpByLibtorch(averages, values, weight);
  const auto blocks = blocksOf(averages);
  at::parallel_for(0, static_cast<int64_t>(blocks.size()), 8, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
      const auto& [tensor, begin, count] = blocks[i];
      kernels().lerp(averages[tensor].mutable_data_ptr<float>() + begin, values[tensor].const_data_ptr<float>() + begin,
                     count, static_cast<float>(weight));
    }
  });
}

void incrementByLibtorch(TensorList counts) { at::_foreach_add_(counts, 1); }

void increment(TensorList counts) {
  for (const Tensor& count : counts)
    if (!isDense(count) || count.numel() != 1) return incrementByLibtorch(counts);
  for (const Tensor& count : counts) *count.mutable_data_ptr<float>() += 1;
}

TORCH_LIBRARY_FRAGMENT(disback, library) {
  library.def("clean_(Tensor(a!)[] self, float nan, float positive, float negative) -> Tensor",
              torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd, TORCH_FN(cleanByLibtorch)));
  library.def("lerp_(Tensor(a!)[] self, Tensor[] end, float weight) -> ()",
              torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd, TORCH_FN(lerpByLibtorch)));
  library.def("increment_(Tensor(a!)[] self) -> ()",
              torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd, TORCH_FN(incrementByLibtorch)));
}

TORCH_LIBRARY_IMPL(disback, CPU, library) {
  library.impl("clean_", TORCH_FN(clean));
  library.impl("lerp_", TORCH_FN(lerp));
  library.impl("increment_", TORCH_FN(increment));
}

}  // namespace
}  // namespace disback
