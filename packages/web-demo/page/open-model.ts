import { OnnxGenerator, readDescription } from "@disback/generate/core";
import type { InferenceSession, TensorConstructor } from "onnxruntime-common";

/** What the page uses of onnxruntime-web, the same for both builds of it. */
interface Runtime {
  env: { wasm: { numThreads?: number } };
  InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  Tensor: TensorConstructor;
}

/** An open model and where it runs. */
export interface OpenedModel {
  generator: OnnxGenerator;
  backend: "WebGPU" | "WebAssembly";
}

/** Opens the exported model beside the page: on the GPU where the browser has one, by WebAssembly otherwise. */
export async function openModel(address: string): Promise<OpenedModel> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} could not be loaded (${response.status})`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { precision } = readDescription(bytes, address);
  if (await gpuUsable(precision === "f16")) {
    try {
      return await open(await import("onnxruntime-web/webgpu"), "WebGPU", bytes);
    } catch (error) {
      console.warn("WebGPU could not be used", error);
    }
  }
  return open(await import("onnxruntime-web/wasm"), "WebAssembly", bytes);
}

async function open(
  runtime: Runtime,
  backend: OpenedModel["backend"],
  bytes: Uint8Array,
): Promise<OpenedModel> {
  // Threads need a page that is isolated from others, which takes headers that most servers do not send.
  if (!crossOriginIsolated) runtime.env.wasm.numThreads = 1;
  const session = await runtime.InferenceSession.create(bytes, {
    executionProviders: [backend === "WebGPU" ? "webgpu" : "wasm"],
    logSeverityLevel: 3,
  });
  const generator = new OnnxGenerator(session, runtime.Tensor, readDescription(bytes, "model.onnx"));
  // The first run prepares: shaders are compiled. It also shows whether the backend can do it at all.
  await generator.sample({ count: 1 });
  return { generator, backend };
}

/** `?backend=wasm` in the page's address leaves the GPU out. */
async function gpuUsable(half: boolean): Promise<boolean> {
  if (new URLSearchParams(location.search).get("backend") === "wasm") return false;
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<{ features: Set<string> } | null> } }).gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return adapter != null && (!half || adapter.features.has("shader-f16"));
}
