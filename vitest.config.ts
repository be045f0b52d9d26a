import { defineConfig } from "vitest/config";

// The native addon keeps libtorch's threads and thread-local state: one process per file, two at a time.
export default defineConfig({
  test: {
    globalSetup: "test-support/browser.ts",
    include: ["packages/*/test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    // Starting a browser takes longer than the default where other work is running.
    hookTimeout: 60_000,
    env: { OMP_NUM_THREADS: "1" },
  },
});
