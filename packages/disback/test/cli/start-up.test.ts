import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { ENVIRONMENT, MAIN } from "./command.js";

/** Tells on stderr of each module that is loaded. */
const hooks = `data:text/javascript,${encodeURIComponent(
  `export async function load(url, context, next) { process._rawDebug("loads " + url); return next(url, context); }`,
)}`;
const register = `data:text/javascript,${encodeURIComponent(
  `import { register } from "node:module"; register(${JSON.stringify(hooks)});`,
)}`;

/** The packages, and the number of our own modules, that a command loads. */
function loadedBy(...flags: string[]) {
  const { stderr, status } = spawnSync(process.execPath, ["--import", register, MAIN, ...flags], {
    encoding: "utf8",
    env: ENVIRONMENT,
  });
  expect(status).toBe(0);
  const modules = [...stderr.matchAll(/^loads (file:.*)$/gm)].map(([, url]) => url!);
  const packages = modules.map((url) => /.*\/node_modules\/((@[^/]+\/)?[^/]+)/.exec(url)?.[1]);
  const torch = modules.some((url) => url.includes("/packages/torch/"));
  return {
    packages: [
      ...new Set(packages.filter((name) => name !== undefined)),
      ...(torch ? ["@disback/torch"] : []),
    ],
    own: packages.filter((name) => name === undefined).length,
  };
}

test.each(["--help", "distill --help", "--version"])(
  "disback %s loads no schemas, pictures or libtorch",
  (words) => {
    const { packages, own } = loadedBy(...words.split(" "));
    expect(packages.sort()).toEqual(["@bomb.sh/tab", "commander", "picocolors"]);
    expect(own).toBeLessThan(60);
  },
);
