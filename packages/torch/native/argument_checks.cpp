// Operators that libtorch normally calls itself. With other arguments than its own, they read or write outside their
// tensors, or divide by zero, and end the process. Found by bench/fuzz.mjs; docs/reliability.md lists them. Backward
// passes of graphs do not use the door and are not checked.
#include "argument_checks.h"

#include "operators.h"

#include <ATen/core/Tensor.h>

#include <cstdlib>
#include <unordered_map>

namespace disback {
namespace {

using Stack = std::vector<c10::IValue>;

[[noreturn]] void refuse(const std::string& name, const char* expected) {
  throw ArgumentError("argument '" + name + "' must be " + expected);
}

// An argument by name; None if absent.
c10::IValue argument(const Operator& op, const Stack& stack, const char* name) {
  for (size_t i = 0; i < op.arguments.size() && i < stack.size(); i++)
    if (op.arguments[i].name == name) return stack[i];
  return {};
}

at::Tensor tensor(const Operator& op, const Stack& stack, const char* name) {
  const c10::IValue value = argument(op, stack, name);
  if (!value.isTensor()) refuse(name, "a tensor");
  return value.toTensor();
}

// Integers from `least` to below `limit`.
void requireRange(const at::Tensor& values, const char* name, int64_t least, int64_t limit) {
  if (values.layout() != at::kStrided || !at::isIntegralType(values.scalar_type(), false))
    refuse(name, "a plain tensor of integers");
  if (values.is_meta() || values.numel() == 0) return;
  if (values.min().item<int64_t>() < least || values.max().item<int64_t>() >= limit)
    refuse(name, "made of indices that lie within the tensor they point into");
}

// Gradients of poolings add at the positions in `indices`, in the last `Axes` axes of `self`.
template <int64_t Axes>
void checkPooling(const Operator& op, const Stack& stack) {
  const at::Tensor self = tensor(op, stack, "self");
  const at::Tensor gradient = tensor(op, stack, "grad_output");
  const at::Tensor indices = tensor(op, stack, "indices");
  if (self.dim() != Axes + 1 && self.dim() != Axes + 2) refuse("self", "images, with or without an axis for the batch");
  if (gradient.dim() != self.dim() || gradient.sizes() != indices.sizes()) refuse("indices", "of the gradient's shape");
  int64_t places = 1;
  for (int64_t axis = 1; axis <= Axes; axis++) places *= self.size(-axis);
  for (int64_t axis = 0; axis < self.dim() - Axes; axis++)
    if (gradient.size(axis) != self.size(axis)) refuse("grad_output", "of as many channels and images as 'self'");
  requireRange(indices, "indices", -1, places);
}

void checkEmbedding(const Operator& op, const Stack& stack) {
  requireRange(tensor(op, stack, "indices"), "indices", 0, argument(op, stack, "num_weights").toInt());
}

void checkCtc(const Operator& op, const Stack& stack) {
  const at::Tensor logProbabilities = tensor(op, stack, "log_probs");
  if (logProbabilities.dim() == 0) refuse("log_probs", "of two or three axes");
  requireRange(tensor(op, stack, "targets"), "targets", 0, logProbabilities.size(-1));
}

void checkSegments(const Operator& op, const Stack& stack) {
  const c10::IValue unsafe = argument(op, stack, "unsafe");
  if (unsafe.isBool() && unsafe.toBool()) refuse("unsafe", "false");
}

void checkFloating(const Operator& op, const Stack& stack) {
  if (!at::isFloatingType(tensor(op, stack, "self").scalar_type())) refuse("self", "a tensor of floating point numbers");
}

// `norm` holds one number for each index of axis `dim` of `weight`.
void requireNorm(const at::Tensor& weight, const at::Tensor& norm, int64_t dim, const char* name) {
  if (dim < 0) dim += weight.dim();
  if (dim < 0 || dim >= weight.dim() || norm.dim() != weight.dim()) refuse(name, "of as many axes as the weight");
  for (int64_t axis = 0; axis < weight.dim(); axis++)
    if (norm.size(axis) != (axis == dim ? weight.size(axis) : 1)) refuse(name, "of the weight's size along 'dim' and 1 elsewhere");
}

void checkWeightNorm(const Operator& op, const Stack& stack) {
  requireNorm(tensor(op, stack, "v"), tensor(op, stack, "g"), argument(op, stack, "dim").toInt(), "g");
}

void checkWeightNormBackward(const Operator& op, const Stack& stack) {
  const at::Tensor weight = tensor(op, stack, "saved_v");
  const int64_t dim = argument(op, stack, "dim").toInt();
  if (tensor(op, stack, "grad_w").sizes() != weight.sizes()) refuse("grad_w", "of the weight's shape");
  requireNorm(weight, tensor(op, stack, "saved_g"), dim, "saved_g");
  requireNorm(weight, tensor(op, stack, "saved_norms"), dim, "saved_norms");
}

// Statistics of each channel: of the batch in training, running ones in evaluation.
void checkBatchNorm(const Operator& op, const Stack& stack) {
  const at::Tensor input = tensor(op, stack, "input");
  if (input.dim() < 2) refuse("input", "of at least two axes");
  for (const char* name : {"weight", "bias", "running_mean", "running_var", "save_mean", "save_invstd", "save_var"}) {
    const c10::IValue value = argument(op, stack, name);
    if (!value.isTensor() || !value.toTensor().defined()) continue;
    if (value.toTensor().numel() != input.size(1)) refuse(name, "of one number for each channel");
  }
  const auto require = [&](const char* name) {
    const c10::IValue value = argument(op, stack, name);
    if (!value.isTensor() || !value.toTensor().defined()) refuse(name, "given");
  };
  const auto isSet = [&](const char* name) {
    const c10::IValue value = argument(op, stack, name);
    return value.isBool() && value.toBool();
  };
  if (isSet("train") || isSet("update")) {  // a backward pass
    require("save_mean");
    require(isSet("train") ? "save_invstd" : "save_var");
  } else if (!isSet("training")) {
    require("running_mean");
    require("running_var");
  }
}

// The fused optimizers go through the lists in parallel, up to the number of parameters.
void checkFused(const Operator& op, const Stack& stack) {
  if (stack.empty() || !stack[0].isTensorList()) return;
  const auto parameters = stack[0].toTensorList();
  for (size_t i = 1; i < stack.size(); i++) {
    if (!stack[i].isTensorList()) continue;
    const auto list = stack[i].toTensorList();
    if (list.empty()) continue;
    const std::string& name = op.arguments[i].name;
    if (list.size() != parameters.size()) refuse(name, "as long as the list of parameters");
    for (size_t k = 0; k < list.size(); k++) {
      const at::Tensor parameter = parameters.get(k), other = list.get(k);
      const bool fits = name == "state_steps" ? other.numel() == 1 : other.sizes() == parameter.sizes();
      if (!fits) refuse(name, "of the parameters' shapes");
      if (!other.is_non_overlapping_and_dense() || !parameter.is_non_overlapping_and_dense())
        refuse(name, "made of tensors that do not overlap themselves");
    }
  }
}

}  // namespace

const char* refusalOf(const std::string& name) {
  static const std::unordered_map<std::string, const char*> reasons = {
    {"aten::quantized_lstm_cell", "it takes the shapes of its packed weights as they are"},
    {"aten::quantized_gru_cell", "it takes the shapes of its packed weights as they are"},
    {"aten::quantized_rnn_relu_cell", "it takes the shapes of its packed weights as they are"},
    {"aten::quantized_rnn_tanh_cell", "it takes the shapes of its packed weights as they are"},
    {"aten::choose_qparams_optimized", "it never ends if a range is infinite or has no bins"},
    {"aten::_reshape_alias", "it takes sizes and strides as they are"},
    {"aten::_sparse_coo_tensor_unsafe", "it takes indices as they are"},
    {"aten::_sparse_compressed_tensor_unsafe", "it takes indices as they are"},
    {"aten::_sparse_csr_tensor_unsafe", "it takes indices as they are"},
    {"aten::_sparse_csc_tensor_unsafe", "it takes indices as they are"},
    {"aten::_sparse_bsr_tensor_unsafe", "it takes indices as they are"},
    {"aten::_sparse_bsc_tensor_unsafe", "it takes indices as they are"},
  };
  static const bool allowed = std::getenv("DISBACK_UNCHECKED_OPERATORS") != nullptr;
  if (allowed) return nullptr;
  const auto found = reasons.find(name);
  return found == reasons.end() ? nullptr : found->second;
}

ArgumentCheck argumentCheckOf(const std::string& name) {
  static const std::unordered_map<std::string, ArgumentCheck> checks = {
    {"aten::max_pool2d_with_indices_backward", checkPooling<2>},
    {"aten::max_pool3d_with_indices_backward", checkPooling<3>},
    {"aten::adaptive_max_pool2d_backward", checkPooling<2>},
    {"aten::adaptive_max_pool3d_backward", checkPooling<3>},
    {"aten::fractional_max_pool2d_backward", checkPooling<2>},
    {"aten::fractional_max_pool3d_backward", checkPooling<3>},
    {"aten::embedding_dense_backward", checkEmbedding},
    {"aten::embedding_backward", checkEmbedding},
    {"aten::ctc_loss", checkCtc},
    {"aten::_ctc_loss", checkCtc},
    {"aten::segment_reduce", checkSegments},
    {"aten::smooth_l1_loss_backward", checkFloating},
    {"aten::native_batch_norm", checkBatchNorm},
    {"aten::native_batch_norm_backward", checkBatchNorm},
    {"aten::batch_norm_backward", checkBatchNorm},
    {"aten::_batch_norm_no_update", checkBatchNorm},
    {"aten::_batch_norm_with_update", checkBatchNorm},
    {"aten::_native_batch_norm_legit", checkBatchNorm},
    {"aten::_native_batch_norm_legit_no_training", checkBatchNorm},
    {"aten::_weight_norm", checkWeightNorm},
    {"aten::_weight_norm_interface", checkWeightNorm},
    {"aten::_weight_norm_interface_backward", checkWeightNormBackward},
    {"aten::_fused_adam_", checkFused},
    {"aten::_fused_adamw_", checkFused},
    {"aten::_fused_sgd_", checkFused},
    {"aten::_fused_adagrad_", checkFused},
  };
  const auto found = checks.find(name);
  return found == checks.end() ? nullptr : found->second;
}

}  // namespace disback
