import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const library = new URL("../dist/index.js", import.meta.url).href;
const code = `await import(${JSON.stringify(library)}); console.log(process.env.GOMP_SPINCOUNT);`;

/** What libgomp says it was told when the library was loaded, and what is left in the environment. */
function loaded(set: Record<string, string>) {
  const { GOMP_SPINCOUNT: _, OMP_WAIT_POLICY: __, ...rest } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], {
    encoding: "utf8",
    env: { ...rest, OMP_DISPLAY_ENV: "verbose", ...set },
  });
  return { told: /GOMP_SPINCOUNT = '(\d+)'/.exec(stderr)?.[1], left: stdout.trim() };
}

test("libtorch's threads spin briefly, and processes that are started inherit nothing of it", () => {
  expect(loaded({})).toEqual({ told: "30000", left: "undefined" });
});

test("what the user has set stays", () => {
  expect(loaded({ GOMP_SPINCOUNT: "123" })).toEqual({ told: "123", left: "123" });
  expect(loaded({ OMP_WAIT_POLICY: "passive" })).toEqual({ told: "0", left: "undefined" });
});
