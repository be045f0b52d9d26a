import { defineConfig } from "vite";

// Relative addresses: the page works in any folder of any server. The runtime's .wasm files are copied beside it.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    modulePreload: false,
    license: { fileName: "licenses.md" },
    target: "es2022",
    chunkSizeWarningLimit: 1000,
  },
});
