import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Call, StudioParts } from "./api.js";
import { HttpError } from "./http-error.js";
import { find, readBody, requireRight, sendJson } from "./requests.js";
import type { RunWork } from "./run-control.js";
import { readRunFile } from "./run-files.js";
import { modelOf } from "./sample-files.js";
import { wantedFormat, wantedRun, wantedSamples } from "./wanted.js";

/** `POST /api/start`: starts a distillation in a new folder below the studio's. */
export async function start(parts: StudioParts, call: Call): Promise<void> {
  const work = requireWork(parts, call);
  const { folder, list, events } = parts;
  if (list.get(".")) throw new HttpError(409, "this studio shows a single run: start new ones beside it");
  const wanted = wantedRun(await readBody(call.request), work.presets);
  const path = join(folder.root, wanted.name);
  if (await exists(path)) throw new HttpError(409, `${wanted.name}: already there; choose another name`);
  const teacher = wanted.teacher === undefined ? undefined : await teacherOf(parts, wanted.teacher);
  await told(() => work.start(path, wanted, teacher));
  list.add(wanted.name);
  await events.poll();
  sendJson(call.response, { id: wanted.name });
}

/** `POST /api/draw`: samples of a run's model as a PNG, or as texts. */
export async function draw(parts: StudioParts, call: Call): Promise<void> {
  const work = requireWork(parts, call);
  const body = await readBody(call.request);
  const wanted = wantedSamples(body);
  const { model } = await modelOfRun(parts, body.id);
  const drawn = await oneAtATime(parts, () => told(() => work.draw(model, wanted)));
  const type = wanted.texts ? "text/plain; charset=utf-8" : "image/png";
  call.response.writeHead(200, { "content-type": type, "cache-control": "no-store" });
  call.response.end(drawn);
}

/** `POST /api/export`: writes a run's model in another format, into the run's folder. */
export async function exportModel(parts: StudioParts, call: Call): Promise<void> {
  const work = requireWork(parts, call);
  const body = await readBody(call.request);
  const format = wantedFormat(body);
  const { run, model, path } = await modelOfRun(parts, body.id);
  const name = format === "web" ? "export-web" : `export.${format}`;
  // An earlier export may have been replaced by a link to elsewhere.
  if (await isLink(join(path, name))) throw new HttpError(409, `${name}: is a link`);
  await oneAtATime(parts, () => told(() => work.export(model, format, join(path, name))));
  sendJson(call.response, { file: run.id === "." ? name : `${run.id}/${name}` });
}

/** @throws HttpError if the page may not act, or this studio only watches */
function requireWork({ access, runControl }: StudioParts, { request }: Call): RunWork {
  requireRight(access, request);
  if (!runControl.work) throw new HttpError(409, "this studio only watches");
  return runControl.work;
}

async function modelOfRun(parts: StudioParts, id: unknown) {
  const { list, folder } = parts;
  const run = await find(list, id);
  const path = await folder.locate(run.id);
  const name = await modelOf(folder, run.id);
  if (name === undefined) throw new HttpError(409, "this run has no model yet");
  return { run, path, model: await folder.locate(run.id, name) };
}

async function teacherOf(parts: StudioParts, id: string): Promise<{ folder: string; data?: string }> {
  const { list, folder } = parts;
  const run = await find(list, id);
  if (run.command !== "teacher train" || (await modelOf(folder, run.id)) === undefined)
    throw new HttpError(409, "this run has no teacher");
  const data = (await readRunFile(folder, run.id))?.settings.data;
  return { folder: await folder.locate(run.id), ...(typeof data === "string" ? { data } : {}) };
}

const busy = new WeakSet<StudioParts>();

/** Drawing and exporting need the whole machine. */
async function oneAtATime<Result>(parts: StudioParts, work: () => Promise<Result>): Promise<Result> {
  if (busy.has(parts)) throw new HttpError(409, "something else is being drawn or exported; try again");
  busy.add(parts);
  try {
    return await work();
  } finally {
    busy.delete(parts);
  }
}

async function told<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new HttpError(409, error instanceof Error ? error.message : String(error));
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}
