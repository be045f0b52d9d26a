// Networks: configuration, creation, saving and loading.

export { LowRankDenoiser, type LowRankOptions } from "../models/adapters/low-rank-denoiser.js";
export * from "../models/config.js";
export { GuidedDenoiser } from "../models/guided-denoiser.js";
export { PreconditionedDenoiser } from "../models/preconditioning/preconditioned.js";
export { withInterval } from "../models/with-interval.js";

// Generators from a vector.

export { createGenerator } from "../models/generators/create-generator.js";
export {
  type GeneratorConfig,
  type GeneratorConfigInput,
  parseGeneratorConfig,
} from "../models/generators/generator-config.js";
export { LatentGenerator } from "../models/generators/latent-generator.js";
export { loadGenerator, saveGenerator } from "../models/generators/storage.js";

// Teachers of several tasks.

export {
  isTaskAdaptersFolder,
  loadTaskAdapters,
  saveTaskAdapters,
} from "../models/tasks/adapters-storage.js";
export { jointConfig, jointStart } from "../models/tasks/joint-network.js";
export { loadTasks, saveTasks, type TaskConfig } from "../models/tasks/storage.js";
export { TaskAdapters } from "../models/tasks/task-adapters.js";
export { type Task, TaskDenoiser } from "../models/tasks/task-denoiser.js";

// Samplers.

export * from "../models/samplers.js";

// Autoencoders of latent models.

export { type Autoencoder, buildAutoencoder } from "../models/autoencoder/autoencoder.js";
export {
  type AutoencoderConfig,
  type AutoencoderConfigInput,
  parseAutoencoderConfig,
} from "../models/autoencoder/autoencoder-config.js";
export { AutoencoderKl } from "../models/autoencoder/autoencoder-kl.js";
export { AutoencoderVq } from "../models/autoencoder/autoencoder-vq.js";
export { openCodec } from "../models/autoencoder/open-codec.js";
export { loadAutoencoder, saveAutoencoder } from "../models/autoencoder/storage.js";
export { TinyAutoencoder } from "../models/autoencoder-tiny/autoencoder-tiny.js";
export type { SampleCodec } from "../models/sample-codec.js";
export {
  type AutoencoderTrainingOptions,
  trainAutoencoder,
  type UntrainedAutoencoder,
} from "../teacher/train-autoencoder.js";

// Teachers: import and training.

export {
  type EmaSnapshot,
  type PostHocEmaOptions,
  readPostHocEma,
  snapshotsByName,
} from "../import/edm2/post-hoc-ema.js";
export { readAutoencoder } from "../import/read-autoencoder.js";
export { type ReadTeacher, readTeacher } from "../import/read-teacher.js";
export type { ReadTeacherOptions } from "../import/teacher-source.js";
export { type EmaProfile, emaExponent, postHocCoefficients } from "../models/edm2/power-function-ema.js";
export {
  type ImportedTeacher,
  importTeacher,
  type TeacherImportOptions,
} from "../runs/jobs/teacher-import.js";
export { TeacherTraining, type TeacherTrainingOptions } from "../teacher/training.js";

// Pictures from text.

export { encoderKey } from "../import/pipeline/encoder-key.js";
export { type PipelineDenoiserOptions, pipelineDenoiser } from "../import/pipeline/pipeline-denoiser.js";
export {
  type OpenPipelineOptions,
  openTextToImagePipeline,
  type TextToImagePipeline,
} from "../import/pipeline/text-to-image-pipeline.js";
export { type OpenSingleFileOptions, openSingleFile } from "../import/single-file/open-single-file.js";
export { openTokenizer } from "../import/tokenizers/open-tokenizer.js";
export { learnVocabulary } from "../text/learn-vocabulary.js";
export { PromptTokens } from "../text/prompt-tokens.js";
export { PromptCache, type PromptCacheOptions } from "../text/prompts/prompt-cache.js";
export type { PromptCondition, PromptEncoder } from "../text/prompts/prompt-encoder.js";
export { sdxlSizes } from "../text/prompts/stable-diffusion-xl.js";
export { TextTokenizer, type Tokens } from "../text/tokenizers/text-tokenizer.js";

// Export.

export { type ExportableModel, exportableModel } from "../export/exportable.js";
export { checkOnnx, type OnnxCheck } from "../export/onnx/check.js";
export { exportOnnx, type Precision } from "../export/onnx/export-onnx.js";
export { writeOnnx } from "../export/onnx.js";
export {
  type LanguageModelOpening,
  type OpenedLanguageModel,
  openLanguageModel,
} from "../import/language/open-language-model.js";
export { crossEntropyOf, LanguageModel } from "../models/language/language-model.js";
export type { LanguageOptions } from "../models/language/options.js";
export { type ExportedModel, type ExportOptions, exportModel } from "../runs/jobs/exporting.js";
export type { Language } from "../text/language/language.js";
