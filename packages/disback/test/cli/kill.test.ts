import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../../../bench/kill-test.mjs", import.meta.url));

/** `node bench/kill-test.mjs` does this a hundred times and more, over all commands. */
it("runs killed at random moments end bit for bit as they would have", { timeout: 600_000 }, () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [SCRIPT, "--kills", "6", "--only", "teacher train,distill", "--no-save"],
    { encoding: "utf8", env: { ...process.env, OMP_NUM_THREADS: "1" } },
  );
  expect(stderr).not.toMatch(/differs|left /);
  expect(stdout).toMatch(/^all +6 /m);
  expect(status).toBe(0);
});
