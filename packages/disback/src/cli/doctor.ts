import { existsSync, readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { shippedStudents, shippedTeachers } from "../runs/locate-model.js";
import { shortBytes } from "../runs/wording.js";
import { packageVersion } from "./package-version.js";

/** One thing that was checked. */
export interface Finding {
  name: string;
  ok: boolean;
  /** The finding, or how to fix it. */
  detail: string;
}

const OLDEST_NODE = [20, 19] as const;

/** Checks what disback needs. Never throws if something is missing. */
export async function examine(): Promise<Finding[]> {
  return [node(), ...(await libtorch()), memory(), ...(await shippedFiles())];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const detail = `disback ${packageVersion()} on Node ${process.versions.node}`;
  return { name: "node", ok, detail: ok ? detail : `${detail}; at least ${OLDEST_NODE.join(".")} is needed` };
}

async function libtorch(): Promise<Finding[]> {
  try {
    const torch = await import("@disback/torch");
    // One multiplication, because the library may load and still not run.
    const four =
      torch
        .full([2, 2], 1)
        .matmul(torch.full([2, 2], 1))
        .sum()
        .item() / 2;
    const devices = torch.cudaDeviceCount();
    return [
      {
        name: "libtorch",
        ok: four === 4,
        detail: `${torch.libtorchVersion()} in ${libtorchFile() ?? "an unknown place"}`,
      },
      {
        name: "devices",
        ok: true,
        detail: devices > 0 ? `cpu, ${devices} CUDA device(s)` : "cpu (no CUDA device)",
      },
      {
        name: "threads",
        ok: true,
        detail: `${torch.getNumThreads()} of ${cpus().length} cores (${cpus()[0]?.model.trim()})`,
      },
    ];
  } catch (error) {
    const message = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    return [
      { name: "libtorch", ok: false, detail: `${message}; run \`npm install\` in the project to build it` },
    ];
  }
}

/** The libtorch that this process has loaded (Linux lists loaded libraries). */
function libtorchFile(): string | undefined {
  const maps = "/proc/self/maps";
  if (!existsSync(maps)) return undefined;
  return /\S*\/libtorch_cpu\.so\S*/.exec(readFileSync(maps, "utf8"))?.[0];
}

function memory(): Finding {
  return { name: "memory", ok: true, detail: shortBytes(totalmem()) };
}

async function shippedFiles(): Promise<Finding[]> {
  const teachers = shippedTeachers();
  const list = (names: string[]) => names.join(", ") || "none came with the package";
  const students = shippedStudents();
  const found: Finding[] = [
    { name: "teachers", ok: teachers.length > 0, detail: list(teachers) },
    { name: "students", ok: students.length > 0, detail: list(students) },
  ];
  try {
    const { shippedExtractors } = await import("../metrics/shipped.js");
    const extractors = shippedExtractors();
    found.push({ name: "extractors", ok: extractors.length > 0, detail: list(extractors) });
  } catch {
    // This needs libtorch. If libtorch is missing, that is reported above.
  }
  return found;
}
