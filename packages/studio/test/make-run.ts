import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface MadeRun {
  /** Fields of run.json that differ from a plain finished one. */
  record?: Record<string, unknown>;
  settings?: Record<string, unknown>;
  /** Evaluations of the student's stage. */
  evaluations?: number;
  /** FID at the start; it falls by a tenth at each evaluation. */
  fid?: number;
  /** Draws points of the plane instead of pictures. */
  points?: boolean;
}

/** A grey pixel. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGM4AQAAigCJ3uqCKwAAAABJRU5ErkJggg==",
  "base64",
);

/** Writes a run folder as `disback distill` leaves it: ten steps of recording, then the student's stage. */
export function makeRun(folder: string, made: MadeRun = {}): void {
  const { evaluations = 5, fid = 100, points = false } = made;
  mkdirSync(join(folder, "samples"), { recursive: true });
  mkdirSync(join(folder, "checkpoints", "00000210"), { recursive: true });
  const record = {
    format: "disback-run-1",
    command: "distill",
    preset: "demo",
    settings: {
      method: "disback",
      student: "untrained",
      recording: { steps: 10 },
      backtracking: { iterations: 200, studentLearningRate: 1e-4 },
      ...made.settings,
    },
    seed: 0,
    versions: { disback: "0.1.0" },
    machine: { cores: 2 },
    startedAt: "2026-01-01T00:00:00Z",
    state: "finished",
    result: { teacherFid: 5 },
    path: [
      { step: 3, distance: 1, loss: 0.4 },
      { step: 6, distance: 2, loss: 0.3 },
      { step: 10, distance: 1.5, loss: 0.2 },
    ],
    ...made.record,
  };
  writeFileSync(join(folder, "run.json"), JSON.stringify(record));
  log(folder, "metrics.jsonl", line("record", 10, { loss: 0.5 }));
  log(folder, "live.jsonl", line("record", 10, { iterations: 10, loss: 0.5, learningRate: 1e-3, rate: 4 }));
  for (let i = 0; i < evaluations; i++) {
    const iteration = 40 * i;
    const target = Math.max(0, 2 - i);
    log(folder, "metrics.jsonl", line("backtrack", iteration, { fid: fid * 0.9 ** i, mismatch: 2, target }));
    log(folder, "live.jsonl", {
      ...line("backtrack", iteration + 1, {
        loss: 1 / (i + 1),
        mismatch: 3 - i / 4,
        target,
        learningRate: 1e-4,
      }),
      ...{ iterations: 200, rate: 8, secondsLeft: 60, memoryBytes: 3e8 },
    });
    writeSamples(folder, `backtrack-${String(iteration).padStart(8, "0")}`, points, i);
  }
  writeSamples(folder, "reference", points, 0);
}

/** A line of a log, as the training loop writes it. */
export function line(
  stage: string,
  iteration: number,
  figures: Record<string, number>,
): Record<string, unknown> {
  return { stage, iteration, images: iteration * 64, seconds: iteration / 10, ...figures };
}

export function log(folder: string, name: string, entry: Record<string, unknown>): void {
  appendFileSync(join(folder, name), `${JSON.stringify(entry)}\n`);
}

function writeSamples(folder: string, name: string, points: boolean, moment: number): void {
  writeFileSync(join(folder, "samples", `${name}.png`), PNG);
  if (points) writeFileSync(join(folder, "samples", `${name}.npy`), npy(ring(200, 1 + moment / 10)));
}

function ring(count: number, radius: number): Float32Array {
  return Float32Array.from({ length: 2 * count }, (_, i) => {
    const angle = (2 * Math.PI * Math.floor(i / 2)) / count;
    return radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
  });
}

/** NumPy's format, version 1, float32 `[N, 2]`. */
function npy(values: Float32Array): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${values.length / 2}, 2), }`.padEnd(117);
  const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text}\n`, "latin1");
  head.writeUInt16LE(118, 8);
  return Buffer.concat([head, Buffer.from(values.buffer)]);
}
