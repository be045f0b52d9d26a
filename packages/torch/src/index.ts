export { type AutocastOptions, autocast } from "./autocast.js";
export * from "./autograd.js";
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
export { call, type Scalar, type TensorList } from "./door.js";
export type { Device, DType, MemoryFormat, TypedArray } from "./dtype.js";
export { CheckpointError, OperatorError, TorchError } from "./errors.js";
export * from "./nn/activation.js";
export * from "./nn/attention.js";
export * from "./nn/container.js";
export * from "./nn/conv.js";
export * from "./nn/embedding.js";
export * from "./nn/initialization.js";
export * from "./nn/linear.js";
export * from "./nn/module.js";
export * from "./nn/normalization.js";
export { buffer, parameter } from "./nn/parameter.js";
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
export * from "./optim/schedules.js";
export { ShardedAdam } from "./optim/sharded-adam.js";
export { type OperatorTime, type ProfileOptions, profile } from "./profile.js";
export { defaultGenerator, Generator, type GeneratorOptions, manualSeed, type Share } from "./random.js";
export * from "./runtime.js";
export { readSafetensors, readSafetensorsHeader, type SafetensorsFile } from "./safetensors/read.js";
export { writeSafetensors } from "./safetensors/write.js";
export { keep, Scope, scope } from "./scope.js";
export { loadTorchScript, type ScriptValue, TorchScriptModule } from "./script.js";
export * from "./state.js";
export { type Index, type NestedArray, Tensor } from "./tensor.js";
export { type Trace, type TracedCall, TracedValue, trace } from "./trace.js";
