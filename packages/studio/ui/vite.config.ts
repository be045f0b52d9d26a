import { defineConfig } from "vite";

// One script and one style sheet with fixed names. The server holds them in memory and serves nothing else.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/ui",
    emptyOutDir: true,
    modulePreload: false,
    license: { fileName: "licenses.md" },
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: { entryFileNames: "studio.js", assetFileNames: "[name][extname]", codeSplitting: false },
    },
  },
});
