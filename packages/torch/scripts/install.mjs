// Builds the native addon against the libtorch that libtorch.mjs finds or fetches. Builds only if sources, libtorch or
// Node's ABI changed. The folder in DISBACK_ADDON_CACHE keeps builds, so that other installations with the same
// libtorch need not build.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findLibtorch, InstallError, requirePlatform, versionOf } from "./libtorch.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const own = join(root, ".libtorch");
const output = join(root, "build", "Release", "disback_torch.node");
const stamp = join(root, "build", "stamp");

function run(command, args, options = {}) {
  return spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28, ...options });
}

function requireTool(command, remedy) {
  if (run(command, ["--version"]).error) throw new InstallError(`${command} was not found: ${remedy}`);
}

/** Folders that may have NCCL's and CUDA's headers: pip's packages beside PyTorch, and a toolkit. None for libtorch without CUDA. */
function nvidiaIncludes(libtorch) {
  if (!existsSync(join(libtorch, "lib", "libtorch_cuda.so"))) return [];
  const packages = join(dirname(libtorch), "nvidia");
  const beside = existsSync(packages) ? readdirSync(packages).sort() : [];
  const toolkits = [process.env.CUDA_HOME ?? "/usr/local/cuda"];
  const folders = [...beside.map((name) => join(packages, name)), ...toolkits];
  const includes = folders.flatMap((folder) => [join(folder, "include"), join(folder, "include", "cccl")]);
  return includes.filter((folder) => existsSync(folder));
}

function fingerprint(libtorch) {
  const hash = createHash("sha256").update(`${libtorch}\n${process.platform} ${process.arch}\n`);
  hash.update(readFileSync(join(libtorch, "share", "cmake", "Torch", "TorchConfigVersion.cmake")));
  for (const folder of nvidiaIncludes(libtorch)) hash.update(`${folder} ${readdirSync(folder).sort()}\n`);
  const native = join(root, "native");
  for (const file of readdirSync(native, { recursive: true }).sort())
    if (statSync(join(native, file)).isFile()) hash.update(file).update(readFileSync(join(native, file)));
  return hash.digest("hex");
}

function build(libtorch) {
  requireTool("cmake", "install it, for example with: apt-get install cmake");
  requireTool(process.env.CXX ?? "c++", "install a C++ compiler, for example with: apt-get install g++");
  const headers = createRequire(import.meta.url)("node-api-headers").include_dir;
  const folder = join(root, "build", "cmake");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(output), { recursive: true });
  console.log(`@disback/torch: building the addon against ${libtorch} (once, some minutes)`);
  const steps = [
    [
      "-S",
      join(root, "native"),
      "-B",
      folder,
      "-DCMAKE_BUILD_TYPE=Release",
      `-DLIBTORCH_DIR=${libtorch}`,
      `-DNODE_API_INCLUDE_DIR=${headers}`,
      `-DNVIDIA_INCLUDE_DIRS=${nvidiaIncludes(libtorch).join(";")}`,
    ],
    ["--build", folder, "--parallel", String(availableParallelism())],
  ];
  for (const step of steps) {
    const done = run("cmake", step);
    if (done.status === 0) continue;
    const log = join(root, "build", "build.log");
    writeFileSync(log, `${done.stdout}\n${done.stderr}`);
    const cause = /([^\n]*error:[^\n]*|CMake Error[^\n]*(\n[^\n]+)?)/.exec(
      `${done.stderr}\n${done.stdout}`,
    )?.[1];
    throw new InstallError(
      `the addon could not be built: ${(cause ?? "see the log").trim()}\nThe whole log: ${log}`,
    );
  }
  cpSync(join(folder, "disback_torch.node"), output);
}

/** Takes the addon from the folder of built ones if it is there; else builds it, and keeps it there. */
function buildOrTake(libtorch, wanted) {
  const cache = process.env.DISBACK_ADDON_CACHE;
  const kept = cache && join(cache, `${wanted}.node`);
  if (kept && existsSync(kept)) {
    console.log(`@disback/torch: taking the addon from ${kept}`);
    mkdirSync(dirname(output), { recursive: true });
    cpSync(kept, output);
    return;
  }
  build(libtorch);
  if (!kept) return;
  mkdirSync(cache, { recursive: true });
  cpSync(output, `${kept}.${process.pid}`);
  renameSync(`${kept}.${process.pid}`, kept);
}

try {
  requirePlatform();
  const libtorch = realpathSync(await findLibtorch(own));
  const version = versionOf(libtorch);
  if (version[0] !== 2 || version[1] < 6 || version[1] > 13)
    throw new InstallError(
      `libtorch ${version.join(".")} in ${libtorch} is not supported; 2.6 to 2.13 are. Set LIBTORCH to another one`,
    );
  const wanted = fingerprint(libtorch);
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    console.log("@disback/torch: the addon is up to date");
  } else {
    buildOrTake(libtorch, wanted);
    writeFileSync(stamp, wanted);
  }
} catch (error) {
  if (!(error instanceof InstallError)) throw error;
  console.error(`@disback/torch: ${error.message}`);
  process.exitCode = 1;
}
