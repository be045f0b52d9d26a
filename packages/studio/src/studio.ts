import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { Access } from "./access.js";
import { API, type StudioParts } from "./api.js";
import { type Asset, loadAssets } from "./assets.js";
import { Events } from "./events.js";
import { HttpError } from "./http-error.js";
import { sendJson } from "./requests.js";
import type { RunControl } from "./run-control.js";
import { RunList } from "./run-list.js";
import { RunLogs } from "./run-logs.js";
import { OutsideFolder, SafeFolder } from "./safe-folder.js";

export interface StudioOptions {
  /** All runs below it are shown; it may be a run itself. */
  folder: string;
  /** Address to listen on. Default 127.0.0.1; without loopback, reading needs the token. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** Additional host names of the studio, for example behind a proxy. With any, reading needs the token. */
  allowedHosts?: readonly string[];
  /** Path prefix of a proxy, such as `/studio`. Not needed if the proxy removes it. */
  basePath?: string;
  runControl: RunControl;
}

/** A studio that is being served. */
export interface Studio {
  /** With the token behind `#`, which browsers keep to themselves. */
  url: string;
  /** Ends the studio and its open connections. */
  close(): Promise<void>;
}

/** Only our own scripts, styles and requests; the page may not be framed. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
};

/**
 * Serves the page for all runs below a folder.
 *
 * @throws the system's error if the folder does not exist or the port is taken
 */
export async function startStudio(options: StudioOptions): Promise<Studio> {
  const { host = "127.0.0.1", port = 0, runControl } = options;
  const basePath = (options.basePath ?? "").replace(/\/+$/, "");
  const folder = await SafeFolder.at(options.folder);
  const list = new RunList(folder, runControl);
  const events = new Events(list);
  const access = new Access(host, options.allowedHosts);
  const logs = new RunLogs(folder);
  const parts: StudioParts = {
    folder,
    shownFolder: options.folder,
    list,
    logs,
    events,
    access,
    runControl,
    basePath,
  };
  const assets = loadAssets();
  const server = createServer((request, response) => void answer(parts, assets, request, response));
  await listen(server, host, port);
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${shownHost(host)}:${taken}${basePath}/#token=${access.token}`,
    close: async () => {
      events.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  parts: StudioParts,
  assets: ReadonlyMap<string, Asset>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  try {
    await route(parts, assets, request, response);
  } catch (error) {
    if (response.headersSent) return void response.end();
    const known = error instanceof HttpError;
    const status = known ? error.status : error instanceof OutsideFolder || isMissing(error) ? 404 : 500;
    sendJson(
      response,
      { error: known ? error.message : status === 404 ? "not found" : "an error in the studio" },
      status,
    );
  }
}

async function route(
  parts: StudioParts,
  assets: ReadonlyMap<string, Asset>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { access } = parts;
  if (!access.isOurs(request))
    throw new HttpError(421, "this name is not the studio's; start it with --allow-host NAME");
  const { pathname: whole, searchParams: query } = parseUrl(request.url);
  if (parts.basePath !== "" && whole === parts.basePath) {
    // Relative addresses are relative to the last slash.
    response.writeHead(308, { location: `${whole.slice(whole.lastIndexOf("/") + 1)}/` }).end();
    return;
  }
  const pathname = whole.startsWith(`${parts.basePath}/`) ? whole.slice(parts.basePath.length) : whole;
  const asset = assets.get(pathname);
  if (asset && request.method === "GET") {
    response.writeHead(200, { "content-type": asset.type, "cache-control": "no-cache" });
    response.end(asset.content);
    return;
  }
  if (request.method === "POST" && pathname === "/api/session") {
    if (!access.isSameOrigin(request)) throw new HttpError(403, originProblem(request));
    if (!access.hasToken(request)) throw new HttpError(403, "wrong token");
    response.setHeader("set-cookie", access.readCookie(request));
    return sendJson(response, {});
  }
  const handler = API[`${request.method} ${pathname}`];
  if (!handler) throw new HttpError(404, "not found");
  if (!access.mayRead(request)) throw new HttpError(401, "the token of the studio's address is needed");
  await handler(parts, { request, response, query });
}

/** The remedy if the page's address differs from the request's. */
function originProblem({ headers }: IncomingMessage): string {
  return `this page is at ${headers.origin ?? "no address"}, but the request came for ${headers.host}: start the studio with --allow-host NAME, and let the proxy pass on Host or X-Forwarded-Host`;
}

function parseUrl(url: string | undefined): URL {
  try {
    return new URL(url ?? "/", "http://studio");
  } catch {
    throw new HttpError(400, "malformed address");
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      // Errors such as too many open files may pass; the next connection may succeed.
      server.on("error", () => {});
      resolve();
    });
  });
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** Our host name for others when we listen on every address; IPv6 addresses are in brackets. */
function shownHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return hostname();
  return host.includes(":") ? `[${host}]` : host;
}
