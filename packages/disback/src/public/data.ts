// Data sets.

export { DataLoader, type DataLoaderOptions } from "../data/data-loader.js";
export { type Batch, type Dataset, openDataset, TensorDataset } from "../data/dataset.js";
export { requireFittingData, type SampleFacts } from "../data/fitting.js";
export { describeLeftOut, type LeftOut } from "../data/left-out.js";
export type { ArchiveLimits, OpenOptions } from "../data/options.js";

// Samples written to files.

export { type GridOptions, writeGrid } from "../data/output/grid.js";
export { writeNpz } from "../data/output/npz.js";
export { writePng, writePngFolder } from "../data/output/png.js";
export { type ScatterOptions, writeScatter } from "../data/output/scatter.js";
export { toUint8Images, type Uint8Images } from "../data/output/uint8-images.js";
