// disback::group_norm: group normalization, with SiLU if asked to, for images of both layouts. libtorch's own operators keep
// the normalized tensor for the backward pass, and are several times slower when channels are last. Whatever the kernels are
// not for (other devices and precisions, derivatives of higher order, forward derivatives) is left to those operators.
#include "group_norm_kernels.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>

namespace disback {
namespace {

using at::Tensor;
using Three = std::tuple<Tensor, Tensor, Tensor>;

const NormKernels& kernels() {
  static const NormKernels chosen = normKernels(at::get_cpu_capability().c_str());
  return chosen;
}

bool isPlain(const Tensor& tensor) {
  return tensor.defined() && tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat &&
         tensor.layout() == at::kStrided;
}

// @throws unless the kernels can work on these
void require(const Tensor& input, int64_t groups, const Tensor& weight, const Tensor& bias) {
  TORCH_CHECK(isPlain(input) && isPlain(weight) && isPlain(bias), "expected float32 tensors on the CPU");
  TORCH_CHECK(input.dim() >= 2, "input must be [N, C, ...]");
  TORCH_CHECK(groups > 0 && input.size(1) > 0 && input.size(1) % groups == 0, "num_groups (", groups,
              ") must divide the input's ", input.size(1), " channels");
  for (const Tensor* const values : {&weight, &bias})
    TORCH_CHECK(values->dim() == 1 && values->size(0) == input.size(1), "weight and bias must be [", input.size(1), "]");
}

NormShape shapeOf(const Tensor& input, int64_t groups, bool silu, double eps) {
  const int64_t samples = input.size(0), channels = input.size(1);
  const int64_t pixels = samples == 0 ? 0 : input.numel() / (samples * channels);
  return {channels, groups, pixels, !input.is_contiguous(), silu, eps};
}

at::MemoryFormat layoutOf(const Tensor& input) {
  return input.is_contiguous() ? at::MemoryFormat::Contiguous : input.suggest_memory_format();
}

// Shares samples and groups among the threads. Neighbouring groups stay together, for the memory's sake.
template <typename Body>
void eachPart(const Tensor& input, const NormShape& shape, const Body& body) {
  const int64_t samples = input.size(0), threads = at::get_num_threads();
  const int64_t most = shape.channelsLast ? std::max<int64_t>(1, shape.channels / 16) : shape.groups;
  const int64_t parts = samples >= threads ? 1 : std::min({shape.groups, most, (threads + samples - 1) / samples});
  const int64_t perPart = shape.channels * shape.pixels / parts;
  at::parallel_for(0, samples * parts, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, perPart)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; i++) {
                       const int64_t part = i % parts;
                       body(i / parts, shape.groups * part / parts, shape.groups * (part + 1) / parts);
                     }
                   });
}

// -> result, and mean and 1 / deviation of each group [N, G]
Three forwardOnCpu(const Tensor& given, int64_t groups, const Tensor& weight, const Tensor& bias, double eps, bool silu) {
  require(given, groups, weight, bias);
  const Tensor input = given.contiguous(layoutOf(given)), scale = weight.contiguous(), shift = bias.contiguous();
  const NormShape shape = shapeOf(input, groups, silu, eps);
  Tensor result = at::empty_like(input);
  Tensor mean = at::empty({input.size(0), groups}, input.options()), rstd = at::empty_like(mean);
  if (input.numel() == 0) return {result, mean.zero_(), rstd.zero_()};
  const int64_t sample = shape.channels * shape.pixels;
  const NormForward first{input.const_data_ptr<float>(), scale.const_data_ptr<float>(), shift.const_data_ptr<float>(),
                          result.data_ptr<float>(), mean.data_ptr<float>(), rstd.data_ptr<float>()};
  eachPart(input, shape, [&](int64_t n, int64_t begin, int64_t end) {
    kernels().forward(shape, {first.x + n * sample, first.weight, first.bias, first.y + n * sample, first.mean + n * groups,
                              first.rstd + n * groups}, begin, end);
  });
  return {result, mean, rstd};
}

// -> gradients of input, weight and bias
Three backwardOnCpu(const Tensor& givenGradient, const Tensor& given, int64_t groups, const Tensor& weight,
                    const Tensor& bias, const Tensor& givenMean, const Tensor& givenRstd, bool silu) {
  require(given, groups, weight, bias);
  TORCH_CHECK(isPlain(givenGradient) && givenGradient.sizes() == given.sizes(), "grad must be like the input");
  for (const Tensor* const values : {&givenMean, &givenRstd})
    TORCH_CHECK(isPlain(*values) && values->sizes() == at::IntArrayRef({given.size(0), groups}),
                "mean and rstd must be [N, num_groups]");
  const auto layout = layoutOf(given);
  const Tensor input = given.contiguous(layout), gradient = givenGradient.contiguous(layout);
  const Tensor scale = weight.contiguous(), shift = bias.contiguous();
  const Tensor mean = givenMean.contiguous(), rstd = givenRstd.contiguous();
  const NormShape shape = shapeOf(input, groups, silu, 0);
  Tensor result = at::empty_like(input);
  Tensor sums = at::empty({2, input.size(0), shape.channels}, input.options());
  if (input.numel() == 0) return {result, at::zeros_like(weight), at::zeros_like(bias)};
  const int64_t sample = shape.channels * shape.pixels;
  float* const scaled = sums.data_ptr<float>();
  float* const gradients = scaled + input.size(0) * shape.channels;
  const NormBackward first{gradient.const_data_ptr<float>(), input.const_data_ptr<float>(), scale.const_data_ptr<float>(),
                           shift.const_data_ptr<float>(), mean.const_data_ptr<float>(), rstd.const_data_ptr<float>(),
                           result.data_ptr<float>(), gradients, scaled};
  eachPart(input, shape, [&](int64_t n, int64_t begin, int64_t end) {
    kernels().backward(shape, {first.gradient + n * sample, first.x + n * sample, first.weight, first.bias,
                               first.mean + n * groups, first.rstd + n * groups, first.input + n * sample,
                               gradients + n * shape.channels, scaled + n * shape.channels}, begin, end);
  });
  const Tensor perChannel = sums.sum(1);
  return {result, perChannel[0], perChannel[1]};
}

Tensor byLibtorch(const Tensor& input, int64_t groups, const Tensor& weight, const Tensor& bias, double eps, bool silu) {
  Tensor result = at::group_norm(input, groups, weight, bias, eps);
  return silu ? at::silu(result) : result;
}

struct GroupNorm : torch::autograd::Function<GroupNorm> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& input, int64_t groups,
                        const Tensor& weight, const Tensor& bias, double eps, bool silu) {
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("disback::_group_norm", "")
                               .typed<Three(const Tensor&, int64_t, const Tensor&, const Tensor&, double, bool)>();
    const auto [result, mean, rstd] = op.call(input, groups, weight, bias, eps, silu);
    context->save_for_backward({input, weight, bias, mean, rstd});
    context->saved_data["groups"] = groups;
    context->saved_data["eps"] = eps;
    context->saved_data["silu"] = silu;
    return result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("disback::_group_norm_backward", "")
                               .typed<Three(const Tensor&, const Tensor&, int64_t, const Tensor&, const Tensor&,
                                            const Tensor&, const Tensor&, bool)>();
    const auto saved = context->get_saved_variables();
    const int64_t groups = context->saved_data["groups"].toInt();
    const bool silu = context->saved_data["silu"].toBool();
    const Tensor &input = saved[0], &weight = saved[1], &bias = saved[2];
    // A graph of the gradient is wanted: libtorch's operators have one.
    if (at::GradMode::is_enabled()) {
      std::vector<Tensor> sources;
      for (const Tensor* const source : {&input, &weight, &bias})
        if (source->requires_grad()) sources.push_back(*source);
      const Tensor again = byLibtorch(input, groups, weight, bias, context->saved_data["eps"].toDouble(), silu);
      const auto found = torch::autograd::grad({again}, sources, {gradients[0]}, true, true);
      size_t at = 0;
      const auto next = [&](const Tensor& source) { return source.requires_grad() ? found[at++] : Tensor(); };
      const Tensor forInput = next(input), forWeight = next(weight), forBias = next(bias);
      return {forInput, Tensor(), forWeight, forBias, Tensor(), Tensor()};
    }
    const auto [forInput, forWeight, forBias] = op.call(gradients[0], input, groups, weight, bias, saved[3], saved[4], silu);
    return {forInput, Tensor(), forWeight, forBias, Tensor(), Tensor()};
  }
};

// Dual numbers carry a tangent.
bool isDual(const Tensor& tensor) { return tensor._fw_grad(0).defined(); }

Tensor groupNorm(const Tensor& input, int64_t groups, const Tensor& weight, const Tensor& bias, double eps, bool silu) {
  const bool ours = isPlain(input) && isPlain(weight) && isPlain(bias) && !isDual(input) && !isDual(weight) && !isDual(bias);
  if (!ours) return byLibtorch(input, groups, weight, bias, eps, silu);
  require(input, groups, weight, bias);
  return GroupNorm::apply(input, groups, weight, bias, eps, silu);
}

TORCH_LIBRARY_FRAGMENT(disback, library) {
  library.def("group_norm(Tensor input, int num_groups, Tensor weight, Tensor bias, float eps, bool silu) -> Tensor",
              TORCH_FN(groupNorm));
  library.def("_group_norm(Tensor input, int num_groups, Tensor weight, Tensor bias, float eps, bool silu) -> "
              "(Tensor, Tensor, Tensor)");
  library.def("_group_norm_backward(Tensor grad, Tensor input, int num_groups, Tensor weight, Tensor bias, Tensor mean, "
              "Tensor rstd, bool silu) -> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(disback, CPU, library) {
  library.impl("_group_norm", TORCH_FN(forwardOnCpu));
  library.impl("_group_norm_backward", TORCH_FN(backwardOnCpu));
}

}  // namespace
}  // namespace disback
