// Where libtorch is: LIBTORCH; a PyTorch that python3 can import; one that pip installs into a folder of this package.
// DISBACK_TORCH=cpu or cuda selects the kind; by default whatever is found, or what pip prefers.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const VERSION = "2.13.0";
/** What a package index of the usual kind has, where it does not tell sizes. */
const usualSize = { cpu: "about 0.2 GB", cuda: "about 3 GB" };

export class InstallError extends Error {}

/** A command of this machine: tests put others in its place. */
function runCommand(command, args, options = {}) {
  return spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28, ...options });
}

/** @returns "cpu", "cuda" or undefined @throws InstallError for anything else */
export function wantedKind(environment = process.env) {
  const kind = environment.DISBACK_TORCH;
  if (!kind) return undefined;
  if (kind === "cpu" || kind === "cuda") return kind;
  throw new InstallError(`DISBACK_TORCH is "${kind}": it has to be cpu or cuda, or unset`);
}

/** @throws InstallError where libtorch cannot be had */
export function requirePlatform(platform = process.platform) {
  if (platform !== "linux" && platform !== "darwin")
    throw new InstallError(
      `there is no build for ${platform === "win32" ? "Windows" : platform}: use Linux or macOS, on Windows the Windows Subsystem for Linux (WSL)`,
    );
}

const isLibtorch = (folder) => existsSync(join(folder, "share", "cmake", "Torch", "TorchConfig.cmake"));
const hasCuda = (folder) => existsSync(join(folder, "lib", "libtorch_cuda.so"));

/**
 * @param own the folder of this package where pip installs
 * @returns the folder with include, lib and share
 * @throws InstallError if there is none and none can be installed
 */
export async function findLibtorch(
  own,
  { environment = process.env, run = runCommand, say = console.log } = {},
) {
  const kind = wantedKind(environment);
  const given = environment.LIBTORCH;
  if (given) {
    if (isLibtorch(given)) return resolve(given);
    throw new InstallError(
      `LIBTORCH is set to ${given}, but there is no share/cmake/Torch/TorchConfig.cmake in it: point it at an unpacked libtorch, or unset it`,
    );
  }
  // CUDA's libtorch computes on the CPU too: where it is there already, nothing has to be fetched.
  const fits = (folder) => isLibtorch(folder) && (kind !== "cuda" || hasCuda(folder));
  const imported = torchOfPython(run);
  if (imported && fits(imported)) return imported;
  if (imported && isLibtorch(imported))
    say(`@disback/torch: ${imported} is the CPU's, DISBACK_TORCH=cuda is set`);
  const installed = join(own, "torch");
  if (fits(installed)) return installed;
  await installWithPip(own, kind, { run, say });
  if (!fits(installed))
    throw new InstallError(`pip installed a torch without CUDA: its index has no other; unset DISBACK_TORCH`);
  return installed;
}

function torchOfPython(run) {
  const found = run("python3", ["-c", "import torch, os; print(os.path.dirname(torch.__file__))"]);
  return found.status === 0 ? found.stdout.trim().split("\n").pop() : undefined;
}

async function installWithPip(own, kind, { run, say }) {
  const pip = (...args) => run("python3", ["-m", "pip", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  if (pip("--version").status !== 0)
    throw new InstallError(
      "no libtorch found, and no python3 with pip to install it: install python3-pip, or unpack libtorch and set LIBTORCH=/path/to/libtorch",
    );
  const requirement = requirementFor(kind);
  const unfinished = `${own}.unfinished`;
  const planned = plan(pip, requirement);
  if (kind === "cuda" && !planned.cuda) throw new InstallError(noKind("CUDA's", requirement));
  const names = `${planned.torch}${planned.others > 0 ? ` and ${planned.others} other packages` : ""}`;
  say(
    `@disback/torch: fetching ${names} for ${planned.cuda ? "CUDA" : "the CPU"} with pip, ${await sizeOf(planned)}, into ${own} (once; DISBACK_TORCH=cpu or cuda chooses)`,
  );
  rmSync(unfinished, { recursive: true, force: true });
  const done = pip(
    "install",
    "--no-warn-script-location",
    "--disable-pip-version-check",
    "--target",
    unfinished,
    requirement,
  );
  if (done.status !== 0)
    throw new InstallError(
      `pip could not install ${requirement}; its last words:\n${lastWords(done)}\nUnpack libtorch yourself and set LIBTORCH=/path/to/libtorch`,
    );
  rmSync(own, { recursive: true, force: true });
  renameSync(unfinished, own);
}

/** The CPU's packages carry a mark of their own, but on macOS, where there are no others. */
export function requirementFor(kind, platform = process.platform) {
  return kind === "cpu" && platform === "linux" ? `torch==${VERSION}+cpu` : `torch==${VERSION}`;
}

const noKind = (whose, requirement) =>
  `pip's index has no ${whose} ${requirement}: add PyTorch's own index for it (pytorch.org, "Get Started") with PIP_EXTRA_INDEX_URL, or unset DISBACK_TORCH`;

/** What pip would fetch. @throws InstallError if it finds no such package */
function plan(pip, requirement) {
  const report = pip(
    "install",
    "--dry-run",
    "--ignore-installed",
    "--quiet",
    "--disable-pip-version-check",
    "--report",
    "-",
    requirement,
  );
  if (report.status !== 0) {
    // pip before 22.2 cannot say what it would fetch.
    if (/no such option/i.test(report.stderr))
      return { torch: requirement, cuda: !requirement.endsWith("+cpu"), others: 0, urls: [] };
    if (/No matching distribution/.test(report.stderr) && requirement.endsWith("+cpu"))
      throw new InstallError(noKind("CPU's", requirement));
    throw new InstallError(`pip finds no ${requirement}; its last words:\n${lastWords(report)}`);
  }
  const packages = JSON.parse(report.stdout).install;
  const torch = packages.find(({ metadata }) => metadata.name === "torch");
  return {
    torch: `torch ${torch.metadata.version}`,
    cuda: packages.some(({ metadata }) => /^nvidia-|^cuda-/.test(metadata.name)),
    others: packages.length - 1,
    urls: packages.map(({ download_info: info }) => info.url),
  };
}

/** In words. What a server does not tell within five seconds is told from experience. */
async function sizeOf({ urls, cuda }) {
  try {
    if (urls.length === 0) throw new Error("pip does not tell");
    const sizes = await Promise.all(urls.map(bytesAt));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    return `${(bytes / 1e9).toFixed(1)} GB`;
  } catch {
    return usualSize[cuda ? "cuda" : "cpu"];
  }
}

async function bytesAt(url) {
  if (url.startsWith("file:")) return statSync(fileURLToPath(url)).size;
  const answer = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(5000) });
  const length = Number(answer.headers.get("content-length"));
  if (!answer.ok || !(length > 0)) throw new Error("the server does not tell");
  return length;
}

const lastWords = ({ stderr }) => stderr.trim().split("\n").slice(-5).join("\n");

/** [major, minor] from libtorch's own header; its place changed over the versions. */
export function versionOf(libtorch) {
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
