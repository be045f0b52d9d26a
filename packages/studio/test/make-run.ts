import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";

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
  /** Samples in a picture; it is a single pixel where no number is given. */
  grid?: number;
}

/** A grey pixel. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGM4AQAAigCJ3uqCKwAAAABJRU5ErkJggg==",
  "base64",
);

/** Writes a run folder as `disback distill` leaves it: ten steps of recording, then the student's stage. */
export function makeRun(folder: string, made: MadeRun = {}): void {
  const { evaluations = 5, fid = 100, points = false, grid } = made;
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
      ...(grid === undefined ? {} : { evaluation: { grid } }),
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
    writeSamples(folder, `backtrack-${String(iteration).padStart(8, "0")}`, points, i, grid);
  }
  writeSamples(folder, "reference", points, 0, grid);
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

function writeSamples(folder: string, name: string, points: boolean, moment: number, grid?: number): void {
  writeFileSync(join(folder, "samples", `${name}.png`), grid === undefined ? PNG : gridPng(grid));
  if (points) writeFileSync(join(folder, "samples", `${name}.npy`), npy(ring(200, 1 + moment / 10)));
}

/** Samples of 8 by 8 pixels, as `disback` arranges them: sample `i` is grey with the value `i`. */
function gridPng(count: number): Buffer {
  const columns = Math.ceil(Math.sqrt(count));
  const side = 4 + 12 * columns;
  const height = 4 + 12 * Math.ceil(count / columns);
  const rows = Buffer.alloc(height * (side + 1), 255);
  for (let y = 0; y < height; y++) {
    // The filter of the row: none.
    rows[y * (side + 1)] = 0;
    for (let x = 0; x < side; x++) {
      const sample = Math.floor(y / 12) * columns + Math.floor(x / 12);
      if (x % 12 >= 4 && y % 12 >= 4 && sample < count) rows[y * (side + 1) + 1 + x] = sample;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits, grey.
  header.set([8, 0, 0, 0, 0], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(rows)),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, "latin1");
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
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
