import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "./access.js";
import type { Events } from "./events.js";
import { HttpError } from "./http-error.js";
import { find, readBody, requireRight, sendJson } from "./requests.js";
import type { RunControl } from "./run-control.js";
import { runDetail } from "./run-detail.js";
import type { RunList } from "./run-list.js";
import type { RunLogs } from "./run-logs.js";
import type { SafeFolder } from "./safe-folder.js";
import type { Axis, View } from "./thin.js";
import type { Action, RunSummary, StudioFacts } from "./wire.js";
import { draw, exportModel, start } from "./work.js";

/** The context of requests. */
export interface StudioParts {
  folder: SafeFolder;
  /** The folder as the user gave it. */
  shownFolder: string;
  list: RunList;
  logs: RunLogs;
  events: Events;
  access: Access;
  runControl: RunControl;
  /** Path before every address, without a slash at its end; empty for none. */
  basePath: string;
}

type Handler = (parts: StudioParts, call: Call) => Promise<void>;

export interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
}

const SAMPLE = /^(?:(?:teacher|imitate|record|backtrack)-\d+|reference)\.(png|npy|txt)$/;
const SAMPLE_TYPES: Record<string, string> = {
  png: "image/png",
  npy: "application/octet-stream",
  txt: "text/plain; charset=utf-8",
};
const LARGEST_SAMPLE = 64 << 20;

/** The requests of the page, by method and path. All of them need the right to read. */
export const API: Record<string, Handler> = {
  "GET /api/facts": async ({ access, shownFolder, runControl }, { request, response }) => {
    const facts: StudioFacts = {
      folder: shownFolder,
      mayAct: access.hasToken(request),
      ...(runControl.work ? { presets: [...runControl.work.presets] } : {}),
    };
    sendJson(response, facts);
  },
  "GET /api/runs": async ({ list }, { response }) => {
    await list.refresh();
    sendJson(response, list.all);
  },
  "GET /api/run": async ({ list, folder }, { response, query }) => {
    const detail = await runDetail(folder, await find(list, query.get("id")));
    if (!detail) throw new HttpError(404, "this run is gone");
    sendJson(response, detail);
  },
  "GET /api/curves": async ({ list, logs }, { response, query }) => {
    const { id } = await find(list, query.get("id"));
    sendJson(response, await logs.curves(id, viewOf(query)));
  },
  "GET /api/sample": sendSample,
  "GET /api/events": async ({ events }, { response }) => {
    if (!(await events.add(response))) throw new HttpError(503, "too many pages are open");
  },
  "POST /api/act": act,
  "POST /api/start": start,
  "POST /api/draw": draw,
  "POST /api/export": exportModel,
};

function viewOf(query: URLSearchParams): View {
  const axis = query.get("axis") ?? "iterations";
  if (!["iterations", "images", "seconds"].includes(axis)) throw new HttpError(400, '"axis" is unknown');
  const number = (name: string, otherwise: number) => {
    const value = Number(query.get(name) ?? Number.NaN);
    return Number.isFinite(value) ? value : otherwise;
  };
  return {
    axis: axis as Axis,
    from: number("from", Number.NEGATIVE_INFINITY),
    to: number("to", Number.POSITIVE_INFINITY),
    points: Math.min(10_000, Math.max(8, number("points", 800))),
  };
}

async function sendSample({ list, folder }: StudioParts, { request, response, query }: Call): Promise<void> {
  const { id } = await find(list, query.get("id"));
  const name = query.get("file") ?? "";
  const extension = SAMPLE.exec(name)?.[1];
  if (!extension) throw new HttpError(404, "there is no such picture");
  const file = await folder.open(id, "samples", name).catch(() => {
    throw new HttpError(404, "there is no such picture");
  });
  try {
    const { size, mtimeMs } = await file.stat();
    const tag = `"${size}-${Math.round(mtimeMs)}"`;
    const headers = { etag: tag, "cache-control": "no-cache" };
    if (size > LARGEST_SAMPLE) throw new HttpError(404, "this picture is too large");
    if (request.headers["if-none-match"] === tag) {
      response.writeHead(304, headers).end();
      return;
    }
    const content = await file.readFile();
    response.writeHead(200, { ...headers, "content-type": SAMPLE_TYPES[extension] });
    response.end(content);
  } finally {
    await file.close();
  }
}

async function act(parts: StudioParts, { request, response }: Call): Promise<void> {
  const { access, list, folder, runControl, events } = parts;
  requireRight(access, request);
  const { id, action } = await readBody(request);
  const run = await find(list, id);
  requirePossible(run, action);
  // Links to elsewhere are not runs, and a folder may have become a link since it was found.
  const path = await folder.locate(run.id);
  try {
    if (action === "resume") await runControl.resume(path);
    else runControl.ask(path, action);
  } catch (error) {
    throw new HttpError(409, error instanceof Error ? error.message : String(error));
  }
  await events.poll();
  sendJson(response, {});
}

function requirePossible(run: RunSummary, action: unknown): asserts action is Action {
  const runs = run.state === "running";
  if (action === "stop" || action === "checkpoint") {
    if (!runs) throw new HttpError(409, "this run is not running");
    if (action === "stop" && run.comparing)
      throw new HttpError(409, "this run belongs to a running comparison: stop that in its own terminal");
  } else if (action === "resume") {
    if (runs) throw new HttpError(409, "this run is already running");
    if (run.state === "finished") throw new HttpError(409, "this run is finished");
    if (run.comparing)
      throw new HttpError(409, "this run belongs to a running comparison, which continues it");
  } else throw new HttpError(400, '"action" is unknown');
}
