import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface Entry {
  hasInstallScript?: boolean;
  dev?: boolean;
}

// A script that fails, because it cannot reach what it downloads for example, takes the whole installation back.
it("runs one install script where the packages are installed: the addon's own", () => {
  const lock = JSON.parse(readFileSync(new URL("../../../../package-lock.json", import.meta.url), "utf8"));
  const withScript = Object.entries<Entry>(lock.packages).filter(
    ([, { hasInstallScript, dev }]) => hasInstallScript && !dev,
  );
  // The root's own `prepare` is no dependency's.
  expect(withScript.map(([path]) => path).filter(Boolean)).toEqual(["packages/torch"]);
});
