import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { OperatorError, TorchError } from "./errors.js";
import { withShortSpinning } from "./spin-count.js";

/** A handle of a native tensor; 0 is none. */
export type Handle = number;
export type NativeFunction = (...values: unknown[]) => never;
export type NativeGenerator = object & { readonly __generator: never };
export type NativeReducer = object & { readonly __reducer: never };
/** A step that was captured. */
/** What a capture of a step depends on: its calls, what a capture refuses or "", and whether it draws by itself. */
export interface NativeWatch {
  signature: string;
  obstacle: string;
  draws: boolean;
}

export type NativeGraph = object & { readonly __graph: never };
export type NativeScript = object & { readonly __script: never };

/** The addon's exports: the boxed door, and functions that are not operators. */
export interface Native {
  operator(name: string, overload: string, inPlace: boolean): NativeFunction;
  schemas(): string[];
  observe(observer: ((name: string, values: readonly unknown[], result: unknown) => void) | null): void;
  startProfile(shapes: boolean): void;
  stopProfile(): [operator: string, shapes: string, calls: number, seconds: number][];
  createFromBytes(array: ArrayBufferView, dtype: number, shape: readonly number[]): Handle;
  readBytes(self: Handle): ArrayBuffer;
  readBytesAsync(self: Handle): Promise<ArrayBuffer>;
  shareSizes(sizes: Float64Array): void;
  /** Writes the sizes into the shared array and returns their number. */
  shape(self: Handle): number;
  strides(self: Handle): number[];
  scalarType(self: Handle): number;
  device(self: Handle): string;
  numel(self: Handle): number;
  isContiguous(self: Handle, memoryFormat: number): boolean;
  dataAddress(self: Handle): bigint;
  release(self: Handle): void;
  releaseMany(handles: Uint32Array, count: number): void;
  /** Releases the tensor after its object was collected and swept. Returns whether it is time to collect. */
  watch(self: Handle, object: object): boolean;
  /** Releases the tensors of collected objects. Returns whether enough memory was freed. */
  sweep(): boolean;
  /** The same after a full collection. */
  collectTensors(): void;
  liveTensors(): number;
  backward(
    tensors: Handle[],
    gradients: (Handle | null)[] | null,
    retainGraph: boolean,
    createGraph: boolean,
  ): void;
  gradient(
    outputs: Handle[],
    inputs: Handle[],
    gradOutputs: (Handle | null)[] | null,
    retainGraph: boolean,
    createGraph: boolean,
    allowUnused: boolean,
  ): (Handle | null)[];
  getGrad(self: Handle): Handle | null;
  setGrad(self: Handle, grad: Handle | null): void;
  grads(tensors: Uint32Array | readonly Handle[], result: Uint32Array): void;
  zeroGrads(tensors: Uint32Array | Handle[]): void;
  requiresGrad(self: Handle): boolean;
  setRequiresGrad(self: Handle, requiresGrad: boolean): void;
  isLeaf(self: Handle): boolean;
  gradMode(): boolean;
  setGradMode(enabled: boolean): boolean;
  enterInference(): void;
  leaveInference(): void;
  enterDual(): number;
  leaveDual(level: number): void;
  checkpointed(
    outputs: Handle[],
    inputs: Handle[],
    callback: (gradients: (Handle | null)[]) => (Handle | null)[],
  ): Handle[];
  createGenerator(device: string, seed: bigint): NativeGenerator;
  defaultGenerator(device: string): NativeGenerator;
  generatorSetSeed(generator: NativeGenerator, seed: bigint): void;
  generatorGetState(generator: NativeGenerator): Handle;
  generatorSetState(generator: NativeGenerator, state: Handle): void;
  version(): string;
  configuration(): string;
  setThreads(threads: number): void;
  getThreads(): number;
  builtWithCuda(): boolean;
  cudaDeviceCount(): number;
  memory(device: string): { live: number; peak: number; cached: number };
  resetPeakMemory(device: string): void;
  synchronize(device: string): void;
  emptyMemoryCache(device: string): void;
  setMemoryLimit(bytes: number): void;
  enterAutocast(device: string, dtype: number): [boolean, number];
  leaveAutocast(device: string, enabled: boolean, dtype: number): void;
  clearAutocastCache(): void;
  setTf32(allowed: boolean): void;
  setErrorConstructor(kind: typeof OperatorError): void;
  joinGroup(name: string, rank: number, size: number, address: string, port: number, timeout: number): void;
  ncclAbsence(): string;
  addGpu(group: string, device: string): void;
  leaveGroup(name: string): void;
  allReduce(group: string, tensor: Handle, reduction: string): void;
  broadcast(group: string, tensor: Handle, source: number): void;
  allGather(group: string, tensor: Handle): Handle[];
  finishCollectives(group: string, tensor: Handle): void;
  rollCall(group: string, timeout: number): number[];
  finishTurn(group: string, turn: string): void;
  awaitTurn(group: string, turn: string, rank: number, patience: number): void;
  createReducer(group: string, parameters: Handle[], bucketBytes: number): NativeReducer;
  prepareReducer(reducer: NativeReducer): void;
  createGraph(device: string): NativeGraph;
  warmUpGraph(graph: NativeGraph, body: () => void): NativeWatch;
  captureGraph(graph: NativeGraph, body: () => void, strict: boolean): NativeWatch;
  replayGraph(graph: NativeGraph): void;
  releaseGraph(graph: NativeGraph): void;
  refuseCapture(what: string): void;
  loadScript(path: string, device: string): NativeScript;
  runScript(
    script: NativeScript,
    method: string,
    values: unknown[],
    names: string[],
    named: unknown[],
  ): unknown;
}

function loadNative(): Native {
  const path = fileURLToPath(new URL("../build/Release/disback_torch.node", import.meta.url));
  // Works even if npm is set not to run install scripts.
  const remedy = `run: node ${fileURLToPath(new URL("../scripts/install.mjs", import.meta.url))}`;
  if (!existsSync(path)) throw new TorchError(`the native addon of @disback/torch is not built; ${remedy}`);
  // Users cannot act on libtorch's warnings on stderr (layouts of gradients, closed connections).
  process.env.TORCH_CPP_LOG_LEVEL ??= "ERROR";
  try {
    return withShortSpinning(() => createRequire(import.meta.url)(path) as Native);
  } catch (error) {
    throw new TorchError(
      `the native addon of @disback/torch does not load (${(error as Error).message}); ${remedy}`,
    );
  }
}

export const native = loadNative();
native.setErrorConstructor(OperatorError);
