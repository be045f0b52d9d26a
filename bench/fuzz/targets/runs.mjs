// Files of runs, comparisons and trajectories, and settings.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { rand } from "@disback/torch";
import { mutateBytes } from "../mutate-bytes.mjs";
import { mutateDocument, mutateJson } from "../mutate-json.mjs";
import { built, fileTarget } from "./files.mjs";
import { mutateSafetensors } from "./tensors.mjs";

const { resolveSettings } = await built("runs/settings/resolve");
const { distillSchema } = await built("runs/settings/distillation");
const { compareSchema } = await built("runs/settings/compare");
const { inspect } = await built("runs/inspect/inspect");
const { MetricsLog } = await built("runs/metrics-log");
const { RunFolder } = await built("runs/run-folder");
const { latestCheckpoint, loadCheckpoint, saveCheckpoint } = await built("runs/checkpoint");
const { positionOf } = await built("runs/stage-position");
const { FolderLock } = await built("runs/lock");
const { measure, recordOf } = await built("runs/compare/child-run");
const { teacherFigures } = await built("runs/compare/teacher-figures");
const { Trajectory } = await built("distill/trajectory");
const { createDenoiser } = await built("models/create-denoiser");

const sha256 = (content) => createHash("sha256").update(content).digest("hex");
const distill = {
  teacher: "2d-ring",
  student: "untrained",
  recording: { steps: 20, interval: 5, nodes: "even-steps" },
  backtracking: { iterations: 10, stepsPerTarget: 2 },
  evaluation: { samples: 100 },
  seed: 3,
}; // prettier-ignore
const compare = {
  teacher: "2d-ring",
  students: ["same", "untrained"],
  seeds: [1, 2],
  methods: { a: { method: "disback" }, b: { method: "plain" } },
  baseline: "b",
  common: { batchSize: 8 },
}; // prettier-ignore

const yamlTexts = [
  "teacher: 2d-ring\nbacktracking:\n  iterations: 10 # few\n  stepsPerTarget: 2\nrecording: &r\n  steps: 20\nseed: 3\n",
  "teacher: 2d-ring\nrecording: &a {steps: 5, interval: 1}\nbacktracking:\n  <<: *a\n  iterations: !!int 3\n",
  "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c]\nteacher: *d\n",
  "teacher: !!binary aGVsbG8=\nseed: !!set {1, 2}\n? [complex, key]\n: 1\nlong: |\n  text\n  more\n---\nsecond: document\n",
  '%YAML 1.2\n---\nteacher: "a\\u0000b\\x41"\npreset: [demo]\nstudent: !custom thing\nrecording: 2001-12-14t21:59:43.10-05:00\n',
].map((text) => Buffer.from(text)); // prettier-ignore
const yamlTelling = Buffer.from("&*!|>-?:{}[],#%@`'\"\\\n\t 0~<=");

function yamlOf(random) {
  if (random.chance(60))
    return mutateBytes(random, random.pick(yamlTexts), { telling: yamlTelling, others: yamlTexts });
  return mutateJson(random, random.pick([distill, compare]), random.pick([undefined, 2]));
}

const runRecord = {
  format: "disback-run-1",
  command: "distill",
  preset: "2d",
  settings: distill,
  seed: 3,
  versions: { disback: "0.1.0", libtorch: "2.13.0", node: "20.20.2" },
  machine: { platform: "linux", cores: 2, memoryBytes: 1e10 },
  startedAt: "2026-11-24T10:00:00.000Z",
  resumedAt: ["2026-11-24T11:00:00.000Z"],
  state: "stopped",
  result: { fidStart: 3, fidEnd: 1 },
}; // prettier-ignore
const metrics = [
  { stage: "record", iteration: 10, images: 80, seconds: 1.5, loss: 0.3 },
  { stage: "backtrack", iteration: 0, images: 0, seconds: 1.5, fid: 30, mismatch: 1.5, target: 2 },
  {
    stage: "backtrack",
    iteration: 10,
    images: 80,
    seconds: 2.5,
    stepSeconds: 0.5,
    fid: "NaN",
    mismatch: 1.2,
    target: 0,
  },
]; // prettier-ignore
const lines = (entries) => `${entries.map((entry) => JSON.stringify(entry)).join("\n")}\n`;

function mutateMetrics(random) {
  if (random.chance(40))
    return mutateBytes(random, Buffer.from(lines(metrics)), { telling: Buffer.from('{}[]",:\\\n0-') });
  const document = mutateDocument(random, metrics);
  return Array.isArray(document) ? lines(document) : JSON.stringify(document);
}

/** A checkpoint's parts, with checksums that fit what was altered (or not). */
function mutateCheckpoint(random, { manifest, tensors }) {
  const altered = random.chance(40) ? mutateSafetensors(random, tensors) : tensors;
  let values = manifest.values;
  if (random.chance(40)) values = mutateJson(random, JSON.parse(values)).toString();
  const document = { ...manifest, values };
  if (random.chance(80)) {
    document.valuesSha256 = sha256(values);
    document.tensors = { bytes: altered.length, sha256: sha256(altered) };
  }
  const text = random.chance(40) ? mutateJson(random, document) : JSON.stringify(document);
  return { "state.json": text, "state.safetensors": altered };
}

const kinds = {
  settings: () => ({
    // Wrong values of unknown presets are named by their field, because the file is not certain.
    make: (random) => ({ "settings.yaml": yamlOf(random) }),
    run: (place) => {
      const file = `${place}/settings.yaml`;
      const schema = readFileSync(file).length % 2 === 0 ? distillSchema : compareSchema;
      resolveSettings(schema, { presets: { demo: { teacher: "x" } }, file, flags: {} });
    },
  }),
  run: () => ({
    named: "input",
    make: (random) => ({
      "run.json": random.chance(80) ? mutateJson(random, runRecord, 2) : JSON.stringify(runRecord),
      ...(random.chance(60)
        ? { "metrics.jsonl": random.chance(50) ? mutateMetrics(random) : lines(metrics) }
        : {}),
      ...(random.chance(20)
        ? { "run.lock": mutateJson(random, { pid: 1, host: "elsewhere", since: "now" }) }
        : {}),
    }),
    run: async (place) => {
      await inspect(place);
      RunFolder.open(place).close();
    },
  }),
  metrics: () => ({
    named: "metrics.jsonl",
    make: (random) => ({ "metrics.jsonl": mutateMetrics(random) }),
    run: (place) => {
      const log = new MetricsLog(`${place}/metrics.jsonl`);
      const before = log.read().length;
      log.append(metrics[0]);
      if (log.read().length < before) throw new Error("appending lost entries");
    },
  }),
  lock: () => ({
    named: "run.lock",
    make: (random) => ({
      "run.lock": mutateJson(random, {
        pid: random.pick([1, process.pid, 999_999_999, -1]),
        host: "elsewhere",
        processStart: "1",
        since: "now",
      }),
    }), // prettier-ignore
    run: (place) => FolderLock.acquire(`${place}/run.lock`).release(),
  }),
  checkpoint: async (folder) => {
    const made = mkdtempSync(`${folder}/checkpoint-`);
    const state = {
      tensors: new Map([
        ["work.a", rand([3])],
        ["work.b", rand([2, 2])],
      ]),
      values: { "work.step": 3, position: { stage: "record", seconds: 1, means: {} } },
    }; // prettier-ignore
    const path = await saveCheckpoint(made, 5, state);
    const parts = {
      manifest: JSON.parse(readFileSync(`${path}/state.json`)),
      tensors: readFileSync(`${path}/state.safetensors`),
    };
    return {
      named: "input",
      make: (random) => {
        const files = mutateCheckpoint(random, parts);
        return Object.fromEntries(
          Object.entries(files).map(([name, content]) => [`checkpoints/00000005/${name}`, content]),
        );
      },
      run: async (place) => {
        // As in resuming: a damaged one is skipped with a notice.
        await latestCheckpoint(place, () => {});
        const checkpoint = await loadCheckpoint(`${place}/checkpoints/00000005`);
        for (const tensor of checkpoint.state.tensors.values()) tensor.dispose();
        positionOf(checkpoint);
        await inspect(checkpoint.path);
      },
    };
  },
  trajectory: (folder) => {
    const made = mkdtempSync(`${folder}/trajectory-`);
    const teacher = createDenoiser({ network: "mlp", dimension: 2, hiddenChannels: 4, blocks: 1 });
    const trajectory = Trajectory.create(made, teacher, { seed: 1, steps: 10 });
    trajectory.append(teacher, { step: 5, distance: 0.5, loss: 1 });
    const manifest = JSON.parse(readFileSync(`${made}/trajectory.json`));
    const { file } = manifest.nodes[0];
    const weights = readFileSync(`${made}/${file}`);
    return {
      named: "input",
      make: (random) => ({
        "trajectory.json": random.chance(75) ? mutateJson(random, manifest, 2) : JSON.stringify(manifest),
        [file]: random.chance(40) ? mutateSafetensors(random, weights) : weights,
      }),
      run: async (place) => {
        const opened = Trajectory.open(place);
        await inspect(place);
        opened.requireTeacher(teacher);
        opened.loadInto(teacher, 1);
      },
    };
  },
  compare: () => {
    const settings = distillSchema.parse(distill);
    const plan = { folder: "a", seed: 1, settings };
    const record = { ...runRecord, settings, state: "finished" };
    return {
      named: "input",
      make: (random) => ({
        "a/run.json": random.chance(40) ? mutateJson(random, record) : JSON.stringify(record),
        "a/metrics.jsonl": random.chance(60) ? mutateMetrics(random) : lines(metrics),
        "teacher.json": mutateJson(random, { settings: { data: "x", count: 100 }, figures: { fid: 3 } }),
      }),
      run: (place) => {
        teacherFigures(place, settings);
        recordOf(place, plan);
        measure(place, plan);
      },
    };
  },
};

export const open = async (name, folder) => fileTarget(folder, await kinds[name](folder));
