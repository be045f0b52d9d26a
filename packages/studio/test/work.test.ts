import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunWork, type Studio, startStudio } from "@disback/studio";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { makeRun } from "./make-run.js";

let base: string;
let runs: string;
let studio: Studio;
let origin: string;
let token: string;
const done: unknown[] = [];
/** What keeps drawing, to ask for something else meanwhile. */
let hold: Promise<void> | undefined;
const work: RunWork = {
  presets: ["demo", "2d"],
  start: async (folder, wanted, teacher) => void done.push(["start", folder, wanted, teacher]),
  draw: async (model, wanted) => {
    done.push(["draw", model, wanted]);
    await hold;
    return Buffer.from("a picture");
  },
  export: async (model, format, out) => void done.push(["export", model, format, out]),
};
const runControl = { isHeld: () => false, ask() {}, resume: async () => {}, work };

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-studio-"));
  runs = join(base, "runs");
  makeRun(join(runs, "finished"));
  addModel(join(runs, "finished", "student"));
  makeRun(join(runs, "stopped"), { record: { state: "stopped" } });
  addModel(join(runs, "stopped", "student-best"));
  makeRun(join(runs, "photos"), {
    record: { command: "teacher train" },
    settings: { data: "/data/photos" },
  });
  addModel(join(runs, "photos", "teacher"));
  makeRun(join(runs, "young"));
  makeRun(join(runs, "borrowed"));
  addModel(join(base, "outside"));
  symlinkSync(join(base, "outside"), join(runs, "borrowed", "student"));
  symlinkSync(join(base, "outside"), join(runs, "finished", "export-web"));
  studio = await startStudio({ folder: runs, runControl });
  ({ origin } = new URL(studio.url));
  token = studio.url.split("#token=")[1]!;
});
afterAll(async () => {
  await studio.close();
  rmSync(base, { recursive: true, force: true });
});
beforeEach(() => {
  done.length = 0;
  hold = undefined;
});

function addModel(folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, "config.json"), "{}");
}

const send = (path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${origin}/api/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { origin, "content-type": "application/json", "x-studio-token": token, ...headers },
  });

it("starts a run from a preset, or from a teacher that is there with its data", async () => {
  expect(await (await send("start", { name: "new", preset: "2d", seed: 3 })).json()).toEqual({ id: "new" });
  const own = { name: "own", teacher: "photos", student: "small", iterations: 50 };
  expect((await send("start", own)).status).toBe(200);
  expect(done).toEqual([
    ["start", join(runs, "new"), { name: "new", preset: "2d", student: "preset", seed: 3 }, undefined],
    ["start", join(runs, "own"), { ...own, seed: 0 }, { folder: join(runs, "photos"), data: "/data/photos" }],
  ]);
});

it("draws from the finished model, else from the best so far", async () => {
  const answer = await send("draw", { id: "finished", count: 4, seed: 7, label: "sneaker" });
  expect(answer.headers.get("content-type")).toBe("image/png");
  expect(await answer.text()).toBe("a picture");
  await send("draw", { id: "stopped" });
  expect(done).toEqual([
    ["draw", join(runs, "finished", "student"), { count: 4, seed: 7, label: "sneaker" }],
    ["draw", join(runs, "stopped", "student-best"), { count: 16, seed: 0 }],
  ]);
});

it("draws texts as texts", async () => {
  const answer = await send("draw", { id: "finished", prompt: "Once", texts: true });
  expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(done).toEqual([
    ["draw", join(runs, "finished", "student"), { count: 16, seed: 0, prompt: "Once", texts: true }],
  ]);
});

it("exports into the run's folder", async () => {
  const answer = await send("export", { id: "finished", format: "onnx" });
  expect(await answer.json()).toEqual({ file: "finished/export.onnx" });
  expect(done).toEqual([
    ["export", join(runs, "finished", "student"), "onnx", join(runs, "finished", "export.onnx")],
  ]);
});

it.each<[string, string, object, number]>([
  ["a path as a name", "start", { name: "../evil", preset: "2d" }, 400],
  ["a hidden name", "start", { name: ".ssh", preset: "2d" }, 400],
  ["a flag as a name", "start", { name: "--force", preset: "2d" }, 400],
  ["a name that is taken", "start", { name: "finished", preset: "2d" }, 409],
  ["an unknown preset", "start", { name: "x", preset: "--teacher" }, 400],
  ["a module as a student", "start", { name: "x", preset: "2d", student: "./evil.mjs" }, 400],
  ["a path as a teacher", "start", { name: "x", teacher: "../outside" }, 404],
  ["a run without a teacher", "start", { name: "x", teacher: "finished" }, 409],
  ["a number that is text", "start", { name: "x", preset: "2d", iterations: "9" }, 400],
  ["no iterations", "start", { name: "x", preset: "2d", iterations: 0 }, 400],
  ["too many samples", "draw", { id: "finished", count: 65 }, 400],
  ["a label that is no name", "draw", { id: "finished", label: { a: 1 } }, 400],
  ["a prompt that is no text", "draw", { id: "finished", prompt: 7 }, 400],
  ["texts that are no choice", "draw", { id: "finished", texts: "yes" }, 400],
  ["a run without a model", "draw", { id: "young" }, 409],
  ["a model behind a link", "draw", { id: "borrowed" }, 409],
  ["a run that is not there", "draw", { id: "../outside" }, 404],
  ["an unknown format", "export", { id: "finished", format: "exe" }, 400],
  ["an export over a link", "export", { id: "finished", format: "web" }, 409],
])("refuses %s", async (_, path, body, status) => {
  expect((await send(path, body)).status).toBe(status);
  expect(done).toEqual([]);
});

it.each<[string, Record<string, string>]>([
  ["no token", { "x-studio-token": "" }],
  ["another origin", { origin: "http://evil.example" }],
  ["another site", { "sec-fetch-site": "cross-site" }],
  ["a form's content", { "content-type": "text/plain" }],
])("none of it with %s", async (_, headers) => {
  for (const [path, body] of [
    ["start", { name: "x", preset: "2d" }],
    ["draw", { id: "finished" }],
    ["export", { id: "finished", format: "onnx" }],
  ] as const)
    expect([403, 415]).toContain((await send(path, body, headers)).status);
  expect(done).toEqual([]);
});

it("draws and exports one at a time", async () => {
  let release = () => {};
  hold = new Promise((resolve) => {
    release = resolve;
  });
  const first = send("draw", { id: "finished" });
  await expect.poll(() => done.length).toBe(1);
  const second = await send("export", { id: "finished", format: "onnx" });
  expect([second.status, await second.json()]).toEqual([
    409,
    { error: "something else is being drawn or exported; try again" },
  ]);
  release();
  expect((await first).status).toBe(200);
  expect((await send("draw", { id: "finished" })).status).toBe(200);
});

it("is not offered where a studio only watches", async () => {
  const { work: _, ...watching } = runControl;
  const other = await startStudio({ folder: runs, runControl: watching });
  const at = new URL(other.url).origin;
  const headers = {
    origin: at,
    "content-type": "application/json",
    "x-studio-token": other.url.split("=")[1]!,
  };
  const asked = await fetch(`${at}/api/draw`, { method: "POST", headers, body: '{"id":"finished"}' });
  expect(asked.status).toBe(409);
  expect(await (await fetch(`${at}/api/facts`)).json()).not.toHaveProperty("presets");
  await other.close();
});
