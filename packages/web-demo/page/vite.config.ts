import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** The page's names of the runtimes, by a part of ONNX Runtime's names. */
const RUNTIMES: readonly [part: string, name: string][] = [
  ["asyncify", "runtime/webgpu.wasm.gz"],
  ["threaded", "runtime/wasm.wasm.gz"],
];

/** A quarter of the size. Most file servers do not compress, so the page unpacks it. */
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

// Relative addresses, so that the page works in any folder of any server.
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
    // Files that only WebGPU needs have fixed names, so that an export may omit them.
    rolldownOptions: { output: { chunkFileNames: "assets/[name]-[hash].js" } },
  },
});
