import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
export const PACKAGES = ["torch", "generate", "studio", "web-demo", "disback"] as const;

/** The process's environment without what `npm test` says of this repository, and without colours. */
const environment = Object.fromEntries([
  ...Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name),
  ),
  ["NO_COLOR", "1"],
]) as Record<string, string>;

/** Packs all packages as npm would publish them. @returns the tarballs' paths */
export function packAll(destination: string): string[] {
  mkdirSync(destination, { recursive: true });
  const workspaces = PACKAGES.flatMap((name) => ["-w", `packages/${name}`]);
  const flags = ["--json", "--ignore-scripts", "--pack-destination", destination];
  const packed = execFileSync("npm", ["pack", ...workspaces, ...flags], {
    cwd: ROOT,
    encoding: "utf8",
    env: environment,
    maxBuffer: 1 << 26,
  });
  return (JSON.parse(packed) as { filename: string }[]).map(({ filename }) => join(destination, filename));
}

/** The libtorch that the checkout's addon was built against. */
function libtorch(): string {
  const doctor = execFileSync(join(ROOT, "packages/disback/bin/disback.js"), ["doctor", "--json"], {
    encoding: "utf8",
  });
  return / in (.*)\/lib\/libtorch_cpu\.so/.exec(doctor)![1]!;
}

/** Makes a folder of a new project and installs tarballs there, with the checkout's addon at hand instead of a compiler. */
export function install(folder: string, tarballs: readonly string[]): void {
  const build = join(ROOT, "packages/torch/build");
  const cache = join(folder, "..", "addons");
  mkdirSync(folder, { recursive: true });
  mkdirSync(cache, { recursive: true });
  copyFileSync(
    join(build, "Release/disback_torch.node"),
    join(cache, `${readFileSync(join(build, "stamp"), "utf8")}.node`),
  );
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const { status, stderr } = spawnSync(
    "npm",
    ["install", "--prefer-offline", "--no-audit", "--no-fund", ...tarballs, "@types/node@^20.19.0"],
    {
      cwd: folder,
      encoding: "utf8",
      env: { ...environment, LIBTORCH: libtorch(), DISBACK_ADDON_CACHE: cache },
    },
  );
  if (status !== 0) throw new Error(`npm install: ${stderr}`);
}

/** Runs a command of the folder, as `npx` does. @returns what it printed; @throws with its stderr if it fails */
export function runIn(folder: string, command: string, ...flags: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, flags, {
    cwd: folder,
    encoding: "utf8",
    env: { ...environment, PATH: `${join(folder, "node_modules/.bin")}:${process.env.PATH}` },
  });
  if (status !== 0) throw new Error(`${command} ${flags.join(" ")}: ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

/** TypeScript's compiler of this repository: the fresh folder has none. */
export const TSC = join(ROOT, "node_modules/.bin/tsc");
