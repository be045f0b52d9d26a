// The commands that are killed: every long one, with settings so small that a run takes a second.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { MetricsLog } from "disback/runs";

// A checkpoint at every iteration: most of the time goes into writing, when a kill does most harm.
const checkpoints = ["checkpoints.every=1", "checkpoints.keepLast=2"];
const evaluation = ["evaluation.every=4", "evaluation.samples=100", "evaluation.grid=16"];
const recording = ["recording.nodes=even-distance", "recording.steps=12", "recording.batchSize=16"];
const student = ["--student", "untrained", "--data", "toy:ring"];

/**
 * @param teacher folder of a tiny 2-D teacher
 * @param trajectory folder of a run of `record`
 * @returns by name: the command without --out, and whether it continues by `resume` or by the same command
 */
export function killCases(teacher, trajectory) {
  return {
    "teacher train": {
      flags: [
        ...["teacher", "train", "--preset", "2d", "--iterations", "24", "--batch-size", "32"],
        ...["--set", "model.hiddenChannels=16", "model.blocks=1", "evaluation.teacherSteps=2"],
        ...[...checkpoints, ...evaluation],
      ],
    },
    record: {
      flags: [
        "record",
        "--teacher",
        teacher,
        "--student",
        "untrained",
        "--set",
        ...recording,
        ...checkpoints,
      ],
    },
    backtrack: {
      flags: [
        ...["backtrack", "--teacher", teacher, "--trajectory", trajectory, ...student],
        ...["--iterations", "24", "--batch-size", "32", "--steps-per-target", "4", "--set"],
        ...[...checkpoints, ...evaluation, "evaluation.teacherSteps=2"],
      ],
    },
    distill: {
      flags: [
        ...["distill", "--teacher", teacher, ...student, "--objective", "dmd2"],
        ...["--method", "disback"],
        ...["--iterations", "16", "--batch-size", "32", "--steps-per-target", "4", "--set"],
        ...[...recording, ...checkpoints, ...evaluation],
        ...["evaluation.teacherSteps=2", "backtracking.dmd2.realSamples=100"],
      ],
    },
    compare: {
      repeats: true,
      flags: [
        ...["compare", "--teacher", teacher, "--data", "toy:ring", "--students", "untrained", "--seeds", "1"],
        ...["--iterations", "12", "--jobs", "2", "--set", "methods.diff-instruct.method=plain"],
        "methods.disback.method=disback",
        ...[...recording, ...checkpoints, ...evaluation, "evaluation.teacherSteps=2"].map(
          (setting) => `common.${setting}`,
        ),
        "common.backtracking.batchSize=16",
      ],
    },
  };
}

/** Times and paths, which differ between runs. */
const OF_THE_RUN = /"(seconds|stepSeconds|processorSeconds|recordedAt)":\s*("[^"]*"|[\d.e+-]+),?/g;

/** A run's results as checksums by path: weights, trajectories, pictures, metrics, the last state. */
export function fingerprint(folder, inside = "") {
  const found = {};
  for (const name of readdirSync(join(folder, inside)).sort()) {
    const path = join(inside, name);
    const whole = join(folder, path);
    if (statSync(whole).isDirectory()) Object.assign(found, fingerprint(folder, path));
    else if (/\.(safetensors|png)$/.test(name)) found[path] = checksum(readFileSync(whole));
    else if (name === "trajectory.json" || name === "best.json")
      found[path] = checksum(readFileSync(whole, "utf8").replace(OF_THE_RUN, ""));
    else if (name === "metrics.jsonl")
      found[path] = checksum(JSON.stringify(new MetricsLog(whole).read()).replace(OF_THE_RUN, ""));
  }
  // Plots show seconds.
  return Object.fromEntries(Object.entries(found).filter(([path]) => !path.startsWith("plots")));
}

/** Files and folders under temporary names, left by a process that was killed while it wrote. */
export function leftovers(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true }).filter((path) =>
    /\.(partial|removed|dead)-\d+$|\.\d+\.(tmp|part)$|\.tmp$/.test(path),
  );
}

function checksum(content) {
  return createHash("sha256").update(content).digest("hex");
}
