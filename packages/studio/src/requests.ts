import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "./access.js";
import { HttpError } from "./http-error.js";
import type { RunList } from "./run-list.js";
import type { RunSummary } from "./wire.js";

const LARGEST_BODY = 4096;

/** @throws HttpError if the request may not act */
export function requireRight(access: Access, request: IncomingMessage): void {
  const refusal = access.refusalToAct(request);
  if (refusal) throw new HttpError(403, refusal);
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}

/** A run by its id, which is a key of the list and never used as a path. */
export async function find(list: RunList, id: unknown): Promise<RunSummary> {
  if (typeof id !== "string") throw new HttpError(400, '"id" is missing');
  if (!list.get(id)) await list.refresh();
  const run = list.get(id);
  if (!run) throw new HttpError(404, "there is no such run");
  return run;
}

/** The JSON of a request. @throws HttpError */
export async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  if (request.headers["content-type"] !== "application/json") throw new HttpError(415, "JSON is expected");
  let text = "";
  for await (const part of request) {
    text += part;
    if (text.length > LARGEST_BODY) throw new HttpError(413, "too long");
  }
  try {
    const value = JSON.parse(text) as unknown;
    if (value !== null && typeof value === "object") return value as Record<string, unknown>;
  } catch {
    // Falls through to the same response as any other text.
  }
  throw new HttpError(400, "not valid JSON");
}
