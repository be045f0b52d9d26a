import { type ModelDescription, OnnxGenerator, readDescription, type Shown } from "@disback/generate/core";
import type { InferenceSession, TensorConstructor } from "onnxruntime-common";

/** The part of onnxruntime-web that the page uses, equal in both builds. */
interface Runtime {
  env: { wasm: { numThreads?: number; wasmBinary?: ArrayBufferLike | Uint8Array } };
  InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  Tensor: TensorConstructor;
}

type Backend = "WebGPU" | "WebAssembly";

/** An open model and its backend. */
export interface OpenedModel {
  generator: OnnxGenerator;
  backend: Backend;
}

const loaded = new Map<Backend, Promise<Runtime>>();

/**
 * Opens an exported model beside the page: with WebAssembly, or on the GPU if the export has WebGPU's runtime and the
 * browser has a GPU.
 */
export async function openModel(address: string, webgpu: boolean): Promise<OpenedModel> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} could not be loaded (${response.status})`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { precision } = readDescription(bytes, address);
  if (webgpu && (await gpuUsable(precision === "f16"))) {
    try {
      return await open("WebGPU", address, bytes);
    } catch (error) {
      console.warn("WebGPU could not be used", error);
    }
  }
  return open("WebAssembly", address, bytes);
}

async function open(backend: Backend, address: string, bytes: Uint8Array): Promise<OpenedModel> {
  const loading = loaded.get(backend) ?? loadRuntime(backend);
  loaded.set(backend, loading);
  const runtime = await loading;
  const session = await runtime.InferenceSession.create(bytes, {
    executionProviders: [backend === "WebGPU" ? "webgpu" : "wasm"],
    logSeverityLevel: 3,
  });
  const description = readDescription(bytes, address);
  const generator = new OnnxGenerator(session, runtime.Tensor, description);
  // The first run compiles shaders, and shows whether the backend works at all.
  if (description.kind === "student") await generator.sample({ count: 1 });
  else await generator.denoise(new Float32Array(generator.sampleSize), 1, anything(description));
  return { generator, backend };
}

/** Any class or prompt for one sample. */
function anything({ labelDim, text }: ModelDescription): Shown | undefined {
  if (text) return [Array<number>(text.textLength).fill(0)];
  return labelDim > 0 ? [0] : undefined;
}

async function loadRuntime(backend: Backend): Promise<Runtime> {
  const file = `./runtime/${backend === "WebGPU" ? "webgpu" : "wasm"}.wasm.gz`;
  const [runtime, binary] = await Promise.all([
    backend === "WebGPU" ? import("onnxruntime-web/webgpu") : import("onnxruntime-web/wasm"),
    unpacked(file),
  ]);
  // Threads need cross-origin isolation, whose headers most servers do not send.
  if (!crossOriginIsolated) runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = binary;
  return runtime;
}

/** A gzip file's content. If the server declares it as an encoding, the browser has already unpacked it. */
async function unpacked(file: string): Promise<ArrayBuffer> {
  const response = await fetch(file);
  if (!response.ok) throw new Error(`${file} could not be loaded (${response.status})`);
  const packed = await response.arrayBuffer();
  const [first, second] = new Uint8Array(packed);
  if (first !== 0x1f || second !== 0x8b) return packed;
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** `?backend=wasm` in the page's address disables the GPU. */
async function gpuUsable(half: boolean): Promise<boolean> {
  if (new URLSearchParams(location.search).get("backend") === "wasm") return false;
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<{ features: Set<string> } | null> } }).gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return adapter != null && (!half || adapter.features.has("shader-f16"));
}
