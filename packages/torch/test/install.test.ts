import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";

const { findLibtorch, requirePlatform, requirementFor, wantedKind } = await import(
  new URL("../scripts/libtorch.mjs", import.meta.url).href
);
const folder = mkdtempSync(join(tmpdir(), "disback-install-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Machine {
  /** what `import torch` finds */
  imported?: string;
  /** packages of pip's index: [name, version, bytes] */
  index?: [string, string, number][];
  /** makes the folder that pip installs torch into */
  installs?: "cpu" | "cuda";
  pip?: "missing" | "old";
}

let count = 0;
/** A folder that looks like libtorch. */
function libtorch(kind: "cpu" | "cuda", path = join(folder, `libtorch-${count++}`)): string {
  mkdirSync(join(path, "share", "cmake", "Torch"), { recursive: true });
  writeFileSync(join(path, "share", "cmake", "Torch", "TorchConfig.cmake"), "");
  mkdirSync(join(path, "lib"), { recursive: true });
  if (kind === "cuda") writeFileSync(join(path, "lib", "libtorch_cuda.so"), "");
  return path;
}

/** Runs `findLibtorch` on a machine that is described; gives what it says and what it asked pip for. */
async function find(environment: Record<string, string>, machine: Machine) {
  const own = join(folder, `own-${count++}`);
  const said: string[] = [];
  const installed: string[] = [];
  const answer = (status: number, stdout = "", stderr = "") => ({ status, stdout, stderr });
  const run = (_: string, args: string[]) => {
    if (args[0] === "-c") return machine.imported ? answer(0, `${machine.imported}\n`) : answer(1);
    if (machine.pip === "missing") return answer(1);
    if (args.includes("--version")) return answer(0);
    const requirement = args.at(-1)!;
    if (args.includes("--report")) {
      if (machine.pip === "old") return answer(2, "", "no such option: --report");
      const found = machine.index!.filter(
        ([name, version]) => name !== "torch" || requirement.endsWith(`=${version}`),
      );
      if (!found.some(([name]) => name === "torch"))
        return answer(1, "", "ERROR: No matching distribution found");
      const install = found.map(([name, version, bytes]) => {
        const file = join(folder, `${name}-${count++}.whl`);
        writeFileSync(file, Buffer.alloc(bytes));
        return { metadata: { name, version }, download_info: { url: pathToFileURL(file).href } };
      });
      return answer(0, JSON.stringify({ install }));
    }
    installed.push(requirement);
    libtorch(machine.installs ?? "cpu", join(args[args.indexOf("--target") + 1]!, "torch"));
    return answer(0);
  };
  const found = await findLibtorch(own, { environment, run, say: (line: string) => said.push(line) });
  return { found, own, said: said.join("\n"), installed };
}

const cuda: Machine["index"] = [
  ["torch", "2.13.0", 5e7],
  ["nvidia-cublas", "13", 1e8],
  ["sympy", "1.14", 1e6],
];

test("LIBTORCH comes first, and has to be one", async () => {
  const given = libtorch("cpu");
  expect((await find({ LIBTORCH: given }, { imported: libtorch("cuda") })).found).toBe(given);
  await expect(find({ LIBTORCH: folder }, {})).rejects.toThrow(/LIBTORCH is set to .* but there is no share/);
});

test("a PyTorch that is there is used; the CPU's is not where CUDA's is wanted", async () => {
  const imported = libtorch("cuda");
  expect((await find({ DISBACK_TORCH: "cpu" }, { imported })).found).toBe(imported);
  const other = await find(
    { DISBACK_TORCH: "cuda" },
    { imported: libtorch("cpu"), index: cuda, installs: "cuda" },
  );
  expect(other.found).toBe(join(other.own, "torch"));
  expect(other.said).toMatch(/is the CPU's, DISBACK_TORCH=cuda is set/);
});

test("what is fetched, how much and what for is said first", async () => {
  const { found, own, said, installed } = await find({}, { index: cuda, installs: "cuda" });
  expect(found).toBe(join(own, "torch"));
  expect(existsSync(`${own}.unfinished`)).toBe(false);
  expect(said).toMatch(/fetching torch 2\.13\.0 and 2 other packages for CUDA with pip, 0\.2 GB, into/);
  expect(installed).toEqual(["torch==2.13.0"]);
  const old = await find({ DISBACK_TORCH: "cpu" }, { pip: "old" });
  expect(old.said).toMatch(/for the CPU with pip, about 0\.2 GB/);
});

test("where pip's index has no such kind, the remedy is named", async () => {
  const cpu: Machine["index"] = [["torch", "2.13.0", 1000]];
  await expect(find({ DISBACK_TORCH: "cuda" }, { index: cpu })).rejects.toThrow(
    /pip's index has no CUDA's torch==2\.13\.0: .*PIP_EXTRA_INDEX_URL/,
  );
  if (process.platform === "linux")
    await expect(find({ DISBACK_TORCH: "cpu" }, { index: cuda })).rejects.toThrow(
      /pip's index has no CPU's torch==2\.13\.0\+cpu/,
    );
  await expect(find({}, { pip: "missing" })).rejects.toThrow(/no python3 with pip/);
});

test("wrong choices and platforms are told in one line", () => {
  expect(() => wantedKind({ DISBACK_TORCH: "gpu" })).toThrow(
    /^DISBACK_TORCH is "gpu": it has to be cpu or cuda/,
  );
  expect(wantedKind({})).toBeUndefined();
  expect(() => requirePlatform("win32")).toThrow(/^there is no build for Windows: use Linux or macOS.*WSL/);
  expect(() => requirePlatform("linux")).not.toThrow();
  expect(requirementFor("cpu", "linux")).toBe("torch==2.13.0+cpu");
  expect(requirementFor("cpu", "darwin")).toBe("torch==2.13.0");
});
