/** Images from exported models in Node. */
export * from "./core.js";
export { type LoadOptions, loadGenerator } from "./load-generator.js";
export { toPng, writePng } from "./png.js";
