#include "convolution.h"

#include "convolution_kernels.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution_backward_native.h>
#include <ATen/ops/convolution_native.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include <algorithm>

namespace disback {
namespace {

using at::Tensor;
namespace kernels = convolution;
using OptionalTensor = std::optional<Tensor>;

// Fewer tiles than this do not pay for the transformation of the weights.
constexpr int64_t kFewestTiles = 16;
// Multiplications that are worth a thread.
constexpr int64_t kThreadWork = int64_t{1} << 18;
// Pixels of a 1x1 convolution that are worked on together.
constexpr int64_t kRows = 192;

bool all(at::IntArrayRef values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](int64_t value) { return value == wanted; });
}

bool isPlainFloat(const Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat && tensor.layout() == at::kStrided && tensor.is_cpu();
}

// 3x3 or 1x1, keeping the resolution: what U-Nets are made of.
bool isOurs(const Tensor& input, const Tensor& weight, at::IntArrayRef stride, at::IntArrayRef padding,
            at::IntArrayRef dilation, bool transposed, int64_t groups) {
  if (transposed || groups != 1 || input.dim() != 4 || weight.dim() != 4 || !isPlainFloat(input) ||
      !isPlainFloat(weight) || input.numel() == 0 || weight.numel() == 0 || input.size(1) != weight.size(1) ||
      !all(stride, 1) || !all(dilation, 1))
    return false;
  const int64_t kernel = weight.size(2);
  if (weight.size(3) != kernel || (kernel != 1 && kernel != 3) || !all(padding, kernel / 2)) return false;
  return input.size(0) * input.size(2) * input.size(3) >= 4 * kFewestTiles;
}

int64_t wholeVectors(int64_t channels) { return (channels + kernels::kLanes - 1) / kernels::kLanes * kernels::kLanes; }

// [N, C, H, W] with channels side by side and zeros behind them up to whole vectors.
Tensor channelsLast(const Tensor& images) {
  const int64_t channels = images.size(1), padded = wholeVectors(channels);
  if (padded == channels) return images.contiguous(at::MemoryFormat::ChannelsLast);
  Tensor result = at::zeros({images.size(0), images.size(2), images.size(3), padded}, images.options());
  result.narrow(3, 0, channels).copy_(images.permute({0, 2, 3, 1}));
  return result.permute({0, 3, 1, 2});
}

Tensor emptyImages(const Tensor& like, int64_t channels) {
  return at::empty({like.size(0), channels, like.size(2), like.size(3)}, like.options(), at::MemoryFormat::ChannelsLast);
}

Tensor firstChannels(const Tensor& images, int64_t channels) {
  if (images.size(1) == channels) return images;
  return images.narrow(1, 0, channels).contiguous(at::MemoryFormat::ChannelsLast);
}

// [out, in, k, k] with both numbers of channels filled up to whole vectors.
Tensor paddedWeight(const Tensor& weight) {
  const int64_t out = wholeVectors(weight.size(0)) - weight.size(0), in = wholeVectors(weight.size(1)) - weight.size(1);
  if (out == 0 && in == 0) return weight.contiguous();
  return at::constant_pad_nd(weight, {0, 0, 0, 0, 0, in, 0, out});
}

// Calls work(index, thread) for every index below count, on as many threads as their work is worth.
template <typename Work>
void inParallel(int64_t count, int64_t workEach, Work work) {
  const int64_t grain = std::max<int64_t>(1, kThreadWork / std::max<int64_t>(1, workEach));
  at::parallel_for(0, count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; index++) work(index, at::get_thread_num());
  });
}

// y = conv(x, weight) or, with `backward`, the gradient at the input of that from the gradient at its output.
// input: channels-last in whole vectors. weight: padded.
Tensor apply(const Tensor& input, const Tensor& weight, const Tensor& bias, bool backward) {
  const int64_t from = input.size(1), to = weight.size(backward ? 1 : 0);
  Tensor output = emptyImages(input, to);
  const float* x = input.const_data_ptr<float>();
  const float* w = weight.const_data_ptr<float>();
  const float* b = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  float* y = output.mutable_data_ptr<float>();
  if (weight.size(2) == 1) {
    Tensor packed = at::empty({from * to}, input.options());
    kernels::packMatrix(w, from, to, backward, packed.mutable_data_ptr<float>());
    const int64_t rows = input.numel() / from;
    inParallel((rows + kRows - 1) / kRows, kRows * from * to, [&](int64_t index, int) {
      const int64_t first = index * kRows;
      kernels::multiply(std::min(kRows, rows - first), from, to, x + first * from, packed.const_data_ptr<float>(), b,
                        y + first * to);
    });
    return output;
  }
  const kernels::Shape shape{input.size(0), input.size(2), input.size(3), from, to};
  Tensor transformed = at::empty({kernels::transformedWeights(from, to)}, input.options());
  if (backward)
    kernels::transformWeightsForGradient(w, to, from, transformed.mutable_data_ptr<float>());
  else
    kernels::transformWeights(w, from, to, transformed.mutable_data_ptr<float>());
  Tensor workspaces = at::empty({at::get_num_threads(), kernels::workspace(shape)}, input.options());
  inParallel(shape.chunks(), 16 * shape.chunk() * from * to, [&](int64_t index, int thread) {
    kernels::forward(shape, index, x, transformed.const_data_ptr<float>(), b, y,
                     workspaces.mutable_data_ptr<float>() + thread * workspaces.size(1));
  });
  return output;
}

// input and gradient: channels-last in whole vectors. Gives [out, in, kernel, kernel].
Tensor weightGradient(const Tensor& input, const Tensor& gradient, int64_t kernel) {
  const kernels::Shape shape{input.size(0), input.size(2), input.size(3), input.size(1), gradient.size(1)};
  const float* x = input.const_data_ptr<float>();
  const float* g = gradient.const_data_ptr<float>();
  const int64_t threads = at::get_num_threads(), planes = kernel == 1 ? 1 : 16;
  // Every thread has a sum of its own; they are added up at the end.
  Tensor sums = at::zeros({threads, planes, shape.in, shape.out}, input.options());
  const int64_t size = sums.numel() / threads;
  if (kernel == 1) {
    const int64_t rows = shape.batch * shape.height * shape.width;
    inParallel((rows + kRows - 1) / kRows, kRows * shape.in * shape.out, [&](int64_t index, int thread) {
      const int64_t first = index * kRows;
      kernels::addProduct(std::min(kRows, rows - first), shape.in, shape.out, x + first * shape.in,
                          g + first * shape.out, sums.mutable_data_ptr<float>() + thread * size);
    });
    return (threads == 1 ? sums[0] : sums.sum(0)).view({shape.in, shape.out, 1, 1}).transpose(0, 1).contiguous();
  }
  Tensor workspaces = at::empty({threads, kernels::workspace(shape)}, input.options());
  inParallel(shape.chunks(), 16 * shape.chunk() * shape.in * shape.out, [&](int64_t index, int thread) {
    kernels::addWeightGradient(shape, index, x, g, sums.mutable_data_ptr<float>() + thread * size,
                               workspaces.mutable_data_ptr<float>() + thread * workspaces.size(1));
  });
  const Tensor sum = threads == 1 ? sums : sums.sum(0);
  Tensor result = at::empty({shape.out, shape.in, 3, 3}, input.options());
  kernels::finishWeightGradient(sum.const_data_ptr<float>(), shape.in, shape.out, result.mutable_data_ptr<float>());
  return result;
}

Tensor forward(const Tensor& input, const Tensor& weight, const OptionalTensor& bias, at::IntArrayRef stride,
               at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed, at::IntArrayRef outputPadding,
               int64_t groups) {
  const bool hasBias = bias && bias->defined();
  if (!isOurs(input, weight, stride, padding, dilation, transposed, groups) ||
      (hasBias && (!isPlainFloat(*bias) || bias->dim() != 1 || bias->size(0) != weight.size(0))))
    return at::native::convolution(input, weight, bias, stride, padding, dilation, transposed, outputPadding, groups);
  const int64_t out = weight.size(0);
  Tensor start;
  if (hasBias) start = at::constant_pad_nd(*bias, {0, wholeVectors(out) - out}).contiguous();
  return firstChannels(apply(channelsLast(input), paddedWeight(weight), start, false), out);
}

std::tuple<Tensor, Tensor, Tensor> backward(const Tensor& gradient, const Tensor& input, const Tensor& weight,
                                            at::OptionalIntArrayRef biasSizes, at::IntArrayRef stride,
                                            at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                                            at::IntArrayRef outputPadding, int64_t groups,
                                            std::array<bool, 3> wanted) {
  const bool fits = gradient.dim() == 4 && isPlainFloat(gradient) && input.dim() == 4 && weight.dim() == 4 &&
                    gradient.size(0) == input.size(0) && gradient.size(1) == weight.size(0) &&
                    gradient.size(2) == input.size(2) && gradient.size(3) == input.size(3);
  if (!fits || !isOurs(input, weight, stride, padding, dilation, transposed, groups))
    return at::native::convolution_backward(gradient, input, weight, biasSizes, stride, padding, dilation, transposed,
                                            outputPadding, groups, wanted);
  const Tensor arriving = channelsLast(gradient);
  Tensor atInput, atWeight, atBias;
  if (wanted[0]) atInput = firstChannels(apply(arriving, paddedWeight(weight), {}, true), weight.size(1));
  if (wanted[1]) {
    const Tensor whole = weightGradient(channelsLast(input), arriving, weight.size(2));
    atWeight = whole.narrow(0, 0, weight.size(0)).narrow(1, 0, weight.size(1)).contiguous();
  }
  if (wanted[2]) atBias = gradient.sum(at::IntArrayRef{0, 2, 3});
  return {atInput, atWeight, atBias};
}

}  // namespace

void installConvolutions() {
  if (!kernels::supported()) return;
  static torch::Library library(torch::Library::IMPL, "aten", c10::DispatchKey::CPU, __FILE__, __LINE__);
  library.impl("convolution", &forward);
  library.impl("convolution_backward", &backward);
}

}  // namespace disback
