export type { RunControl } from "./run-control.js";
export { type Studio, type StudioOptions, startStudio } from "./studio.js";
