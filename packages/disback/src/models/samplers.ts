/** Samplers: from standard normal latents to samples, by a denoiser. */
export { ddim } from "./samplers/ddim.js";
export { euler } from "./samplers/euler.js";
export { CountingDenoiser } from "./samplers/evaluations.js";
export { type ChurnOptions, type HeunOptions, heun } from "./samplers/heun.js";
export type { SamplerOptions, SamplingProgress } from "./samplers/sampling.js";
export { type ScheduleOptions, sigmaSchedule } from "./samplers/sigma-schedule.js";
