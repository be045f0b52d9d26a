import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const folder = new URL("../../", import.meta.url);
const { exports } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
const subpaths = Object.keys(exports) as `.${string}`[];

it("has a subpath for each part of the library, with code and types", () => {
  expect(subpaths).toEqual([".", "./data", "./metrics", "./models", "./runs"]);
  for (const { types, default: code } of Object.values<{ types: string; default: string }>(exports)) {
    expect(existsSync(new URL(types, folder)), types).toBe(true);
    expect(existsSync(new URL(code, folder)), code).toBe(true);
  }
});

it("exports every name from one subpath only", async () => {
  const places = new Map<string, string>();
  for (const subpath of subpaths) {
    const file = fileURLToPath(new URL(exports[subpath].default, folder));
    for (const name of Object.keys(await import(file))) {
      expect(places.get(name), `${name} in ${subpath}`).toBeUndefined();
      places.set(name, subpath);
    }
  }
  expect(places.get("record")).toBe(".");
  expect(places.get("loadModel")).toBe("./models");
  expect(places.get("evaluate")).toBe("./metrics");
  expect(places.get("openDataset")).toBe("./data");
  expect(places.get("RunFolder")).toBe("./runs");
});
