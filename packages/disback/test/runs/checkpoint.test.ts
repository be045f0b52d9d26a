import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arange, type State } from "@disback/torch";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  latestCheckpoint,
  listCheckpoints,
  loadCheckpoint,
  pruneCheckpoints,
  saveCheckpoint,
} from "../../src/runs/checkpoint.js";

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), "disback-checkpoint-"));
});
afterEach(() => rmSync(run, { recursive: true, force: true }));

const stateOf = (value: number): State => ({
  tensors: new Map([["work.weight", arange(0, 6).reshape([2, 3]).float().mul(value)]]),
  values: { work: { iteration: value, text: "ö" } },
});

it("gives back tensors and values", async () => {
  const path = await saveCheckpoint(run, 10, stateOf(10));
  expect(readdirSync(path).sort()).toEqual(["state.json", "state.safetensors"]);
  const checkpoint = await loadCheckpoint(path);
  expect(checkpoint.iteration).toBe(10);
  expect(checkpoint.state.values).toEqual({ work: { iteration: 10, text: "ö" } });
  expect(checkpoint.state.tensors.get("work.weight")!.toArray()).toEqual([
    [0, 10, 20],
    [30, 40, 50],
  ]);
});

it("writes the same iteration again without leftovers", async () => {
  await saveCheckpoint(run, 10, stateOf(1));
  await saveCheckpoint(run, 10, stateOf(2));
  expect(readdirSync(join(run, "checkpoints"))).toEqual(["00000010"]);
  expect((await latestCheckpoint(run, () => {}))!.state.values.work).toMatchObject({ iteration: 2 });
});

it("takes the newest, and none where there is none", async () => {
  expect(await latestCheckpoint(run, () => {})).toBeUndefined();
  for (const iteration of [5, 100, 20]) await saveCheckpoint(run, iteration, stateOf(iteration));
  expect((await latestCheckpoint(run, () => {}))!.iteration).toBe(100);
});

const damages: [string, (path: string) => void, RegExp][] = [
  ["truncated tensors", (path) => truncateSync(join(path, "state.safetensors"), 50), /50 bytes instead of/],
  ["altered tensors", (path) => flipLastByte(join(path, "state.safetensors")), /content was altered/],
  ["missing tensors", (path) => rmSync(join(path, "state.safetensors")), /missing/],
  ["missing manifest", (path) => rmSync(join(path, "state.json")), /no such file/],
  ["truncated manifest", (path) => truncateSync(join(path, "state.json"), 40), /not valid JSON/],
  ["foreign manifest", (path) => writeFileSync(join(path, "state.json"), "{}"), /not a checkpoint/],
  [
    "altered values",
    (path) => {
      const file = join(path, "state.json");
      writeFileSync(file, readFileSync(file, "utf8").replace('\\"iteration\\":20', '\\"iteration\\":21'));
    },
    /content was altered/,
  ],
];

it.each(damages)("passes over a newest one with %s, and says so", async (_, damage, message) => {
  await saveCheckpoint(run, 10, stateOf(10));
  damage(await saveCheckpoint(run, 20, stateOf(20)));
  const notices: string[] = [];
  const found = await latestCheckpoint(run, (line) => notices.push(line));
  expect(found!.iteration).toBe(10);
  expect(notices).toHaveLength(1);
  expect(notices[0]).toMatch(/^damaged checkpoint skipped: /);
  expect(notices[0]).toMatch(message);
});

it("keeps the newest, and the one a training that goes wrong is taken back to", async () => {
  for (const iteration of [1, 2, 3, 4, 5]) await saveCheckpoint(run, iteration, stateOf(iteration));
  pruneCheckpoints(run, { keepLast: 2, soundUntil: 2 });
  expect(listCheckpoints(run)).toEqual([2, 4, 5]);
  pruneCheckpoints(run, { keepLast: 1, soundUntil: 6 });
  expect(listCheckpoints(run)).toEqual([5]);
});

it("ignores folders under temporary names", async () => {
  const path = await saveCheckpoint(run, 10, stateOf(10));
  cpSync(path, `${path.replace("00000010", "00000020")}.partial-1`, { recursive: true });
  expect(listCheckpoints(run)).toEqual([10]);
});

it("leaves nothing behind when it cannot be written", async () => {
  writeFileSync(join(run, "checkpoints"), "in the way");
  await expect(saveCheckpoint(run, 10, stateOf(10))).rejects.toThrow(/cannot write checkpoint .*00000010/);
  expect(existsSync(join(run, "checkpoints", "00000010"))).toBe(false);
});

function flipLastByte(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(path, bytes);
}
