export type { RunControl, RunWork } from "./run-control.js";
export { type Studio, type StudioOptions, startStudio } from "./studio.js";
export type { ExportFormat, WantedRun, WantedSamples } from "./wire.js";
