import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** Names under which the page asks for the runtimes, by a part of ONNX Runtime's own. */
const RUNTIMES: readonly [part: string, name: string][] = [
  ["asyncify", "runtime/webgpu.wasm.gz"],
  ["threaded", "runtime/wasm.wasm.gz"],
];

/** A quarter of the size: most servers of files do not compress what they send, so the page unpacks it. */
function packRuntimes(): Plugin {
  return {
    name: "pack-runtimes",
    generateBundle(_, bundle) {
      for (const [file, output] of Object.entries(bundle)) {
        if (output.type !== "asset" || !file.endsWith(".wasm")) continue;
        const fileName = RUNTIMES.find(([part]) => file.includes(part))?.[1];
        if (fileName === undefined) throw new Error(`${file}: an unknown runtime`);
        this.emitFile({ type: "asset", fileName, source: gzipSync(output.source, { level: 9 }) });
        delete bundle[file];
      }
    },
  };
}

// Relative addresses: the page works in any folder of any server.
export default defineConfig({
  base: "./",
  plugins: [packRuntimes()],
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    modulePreload: false,
    license: { fileName: "licenses.md" },
    target: "es2022",
    chunkSizeWarningLimit: 1000,
    // What only WebGPU needs is known by its name: an export may leave it out.
    rolldownOptions: { output: { chunkFileNames: "assets/[name]-[hash].js" } },
  },
});
