// Builds the native addon. Finds libtorch, in this order: LIBTORCH; a PyTorch that python3 can import; one that it
// installs with pip into a folder of this package. Builds only when sources, libtorch or Node's ABI changed; a folder
// named by DISBACK_ADDON_CACHE keeps what was built, so that other installations against the same libtorch need not build.
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
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PIP_REQUIREMENT = "torch==2.13.0";
const root = fileURLToPath(new URL("..", import.meta.url));
const own = join(root, ".libtorch");
const output = join(root, "build", "Release", "disback_torch.node");
const stamp = join(root, "build", "stamp");

class InstallError extends Error {}

function run(command, args, options = {}) {
  return spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28, ...options });
}

function torchOfPython(python, extra = {}) {
  const found = run(python, ["-c", "import torch, os; print(os.path.dirname(torch.__file__))"], extra);
  return found.status === 0 ? found.stdout.trim().split("\n").pop() : undefined;
}

function isLibtorch(folder) {
  return existsSync(join(folder, "share", "cmake", "Torch", "TorchConfig.cmake"));
}

function findLibtorch() {
  const given = process.env.LIBTORCH;
  if (given) {
    if (isLibtorch(given)) return resolve(given);
    throw new InstallError(
      `LIBTORCH is set to ${given}, but there is no share/cmake/Torch/TorchConfig.cmake in it: point it at an unpacked libtorch, or unset it`,
    );
  }
  const imported = torchOfPython("python3");
  if (imported && isLibtorch(imported)) return imported;
  const installed = join(own, "torch");
  if (isLibtorch(installed)) return installed;
  return installWithPip(installed);
}

function installWithPip(installed) {
  if (run("python3", ["-m", "pip", "--version"]).status !== 0)
    throw new InstallError(
      "no libtorch found, and no python3 with pip to install it: install python3-pip, or unpack libtorch and set LIBTORCH=/path/to/libtorch",
    );
  console.log(`@disback/torch: installing ${PIP_REQUIREMENT} into ${own} (once)`);
  const unfinished = `${own}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const pip = run(
    "python3",
    [
      "-m",
      "pip",
      "install",
      "--no-warn-script-location",
      "--disable-pip-version-check",
      "--target",
      unfinished,
      PIP_REQUIREMENT,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  if (pip.status !== 0)
    throw new InstallError(
      `pip could not install ${PIP_REQUIREMENT}; its last words:\n${pip.stderr.trim().split("\n").slice(-5).join("\n")}\nUnpack libtorch yourself and set LIBTORCH=/path/to/libtorch`,
    );
  rmSync(own, { recursive: true, force: true });
  renameSync(unfinished, own);
  return installed;
}

/** [major, minor] from libtorch's own header; its place changed over the versions. */
function versionOf(libtorch) {
  for (const place of ["headeronly/version.h", "csrc/api/include/torch/version.h"]) {
    const file = join(libtorch, "include", "torch", place);
    if (!existsSync(file)) continue;
    const text = readFileSync(file, "utf8");
    const major = /#define TORCH_VERSION_MAJOR\s+(\d+)/.exec(text);
    const minor = /#define TORCH_VERSION_MINOR\s+(\d+)/.exec(text);
    if (major && minor) return [Number(major[1]), Number(minor[1])];
  }
  throw new InstallError(`no version header in ${libtorch}: the installation of libtorch is incomplete`);
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
  const libtorch = realpathSync(findLibtorch());
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
