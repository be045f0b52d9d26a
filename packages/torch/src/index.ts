export { type AutocastOptions, autocast } from "./autocast.js";
export * from "./autograd.js";
export { call } from "./call.js";
export { CapturedStep } from "./captured-step.js";
export * from "./creation.js";
export {
  GradientReducer,
  type GradientReducerOptions,
  LostProcesses,
  ProcessGroup,
  type ProcessGroupOptions,
  type Reduction,
  whyNoNccl,
} from "./distributed.js";
export type { Scalar, TensorList } from "./door.js";
export type { Device, DType, MemoryFormat, TypedArray } from "./dtype.js";
export { CheckpointError, OperatorError, TorchError } from "./errors.js";
export * from "./nn/activation.js";
export * from "./nn/adapters.js";
export * from "./nn/adaptive-pooling.js";
export * from "./nn/attention.js";
export * from "./nn/batch-norm.js";
export * from "./nn/container.js";
export {
  Conv1d,
  Conv2d,
  Conv3d,
  type ConvOptions,
  type PerAxis,
} from "./nn/conv.js";
export * from "./nn/conv-transpose.js";
export * from "./nn/dropout.js";
export * from "./nn/embedding.js";
export * from "./nn/initialization.js";
export { type ConvolutionSettings, layerConvolution, layerProduct } from "./nn/layer-operations.js";
export * from "./nn/linear.js";
export * from "./nn/loss-modules.js";
export * from "./nn/losses.js";
export * from "./nn/module.js";
export { GroupNorm, LayerNorm, type NormOptions, RMSNorm } from "./nn/normalization.js";
export { buffer, parameter } from "./nn/parameter.js";
export * from "./nn/pooling.js";
export * from "./nn/shape.js";
export { recomputed } from "./nn/sparing.js";
export { computingDevice, isStreamed, streamWeight, type WeightStore } from "./nn/streamed.js";
export * from "./nn/upsample.js";
export { ops } from "./ops.js";
export * from "./optim/adam.js";
export * from "./optim/ema.js";
export * from "./optim/ema-decay.js";
export {
  clipGradNorm,
  gradNorm,
  type ReplaceNonFiniteOptions,
  replaceNonFiniteGradients,
} from "./optim/gradients.js";
export * from "./optim/lion.js";
export type { Optimizer } from "./optim/optimizer.js";
export * from "./optim/rmsprop.js";
export * from "./optim/schedules.js";
export * from "./optim/sgd.js";
export { ShardedAdam } from "./optim/sharded-adam.js";
export { type OperatorTime, type ProfileOptions, profile } from "./profile.js";
export { defaultGenerator, Generator, type GeneratorOptions, manualSeed, type Share } from "./random.js";
export * from "./runtime.js";
export {
  readSafetensors,
  readSafetensorsHeader,
  type SafetensorsFile,
  safetensorsOnDemand,
} from "./safetensors/read.js";
export { writeSafetensors } from "./safetensors/write.js";
export { keep, Scope, scope } from "./scope.js";
export { loadTorchScript, type ScriptValue, TorchScriptModule } from "./script.js";
export * from "./state.js";
export { type Index, type NestedArray, Tensor } from "./tensor.js";
export { type Trace, type TracedCall, TracedValue, trace } from "./trace.js";
