import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { type Studio, startStudio } from "@disback/studio";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SafeFolder } from "../src/safe-folder.js";
import { makeRun } from "./make-run.js";

let base: string;
let studio: Studio;
let port: number;
let token: string;
const done: string[] = [];
const runControl = {
  isHeld: (lock: string) => lock.includes("running"),
  ask: (folder: string, what: string) => void done.push(`${what} ${folder.slice(base.length)}`),
  resume: async (folder: string) => void done.push(`resume ${folder.slice(base.length)}`),
};

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-studio-"));
  const runs = join(base, "runs");
  makeRun(join(runs, "finished"));
  makeRun(join(runs, "running"), { record: { state: "running" } });
  writeFileSync(join(runs, "running", "run.lock"), "{}");
  makeRun(join(runs, "stopped"), { record: { state: "stopped" } });
  writeFileSync(join(base, "secret.png"), "secret");
  writeFileSync(join(base, "secret.json"), '{"command":"distill","settings":{"secret":1}}');
  makeRun(join(base, "outside"));
  // Everything a link could lead out by.
  symlinkSync(join(base, "outside"), join(runs, "link-to-run"));
  symlinkSync(join(base, "secret.png"), join(runs, "finished", "samples", "backtrack-99999999.png"));
  mkdirSync(join(runs, "borrowed"));
  symlinkSync(join(base, "secret.json"), join(runs, "borrowed", "run.json"));
  makeRun(join(runs, "hollow"));
  rmSync(join(runs, "hollow", "samples"), { recursive: true });
  symlinkSync(join(base, "outside", "samples"), join(runs, "hollow", "samples"));
  execFileSync("mkfifo", [join(runs, "finished", "samples", "backtrack-88888888.png")]);
  studio = await startStudio({ folder: runs, runControl });
  port = Number(new URL(studio.url).port);
  token = studio.url.split("#token=")[1]!;
});
afterAll(async () => {
  await studio.close();
  rmSync(base, { recursive: true, force: true });
});
beforeEach(() => {
  done.length = 0;
});

interface Answer {
  status: number;
  text: string;
  headers: Record<string, string | string[] | undefined>;
}

/** A request exactly as it is given: `fetch` would tidy paths and refuse headers. */
function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; at?: number } = {},
) {
  return new Promise<Answer>((resolve, reject) => {
    const { method = "GET", headers = {}, body, at = port } = options;
    const sent = request({ host: "127.0.0.1", port: at, path, method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode!, text, headers: response.headers }));
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

const query = (values: Record<string, string>) => new URLSearchParams(values).toString();

describe("reading", () => {
  it("sees the runs below its folder, and none behind a link", async () => {
    const runs = JSON.parse((await ask("/api/runs")).text) as { id: string; state: string }[];
    expect(runs.map((run) => `${run.id} ${run.state}`).sort()).toEqual([
      "finished finished",
      "hollow finished",
      "running running",
      "stopped stopped",
    ]);
  });

  it.each([
    "..",
    "../outside",
    "finished/../../outside",
    "%2e%2e/outside",
    "..%2foutside",
    "..\\outside",
    "link-to-run",
    "/etc",
    "finished\0",
    "__proto__",
  ])("finds no run %j", async (id) => {
    for (const path of ["run", "curves"])
      expect((await ask(`/api/${path}?${query({ id })}`)).status).toBe(404);
    expect((await ask(`/api/sample?${query({ id, file: "reference.png" })}`)).status).toBe(404);
  });

  it.each([
    "../run.json",
    "../../../secret.png",
    "..%2F..%2Fsecret.png",
    "%2e%2e%2f%2e%2e%2fsecret.png",
    "....//....//secret.png",
    "reference.png/../../run.json",
    "/etc/passwd",
    "backtrack-1.png\0.png",
    "backtrack-99999999.png",
    "backtrack-88888888.png",
    "reference.svg",
  ])("gives no file %j", async (file) => {
    const answer = await ask(`/api/sample?${query({ id: "finished", file })}`);
    expect(answer.status).toBe(404);
    expect(answer.text).not.toContain("secret");
  });

  it("gives what is really there, but nothing behind a linked folder", async () => {
    expect((await ask(`/api/sample?${query({ id: "finished", file: "reference.png" })}`)).status).toBe(200);
    expect((await ask(`/api/sample?${query({ id: "hollow", file: "reference.png" })}`)).status).toBe(404);
  });

  it.each([
    "/../secret.png",
    "/%2e%2e/secret.png",
    "/..%2fsecret.png",
    "//etc/passwd",
    "/studio.js/../../secret.png",
    "/\\..\\x",
  ])("serves no path %s", async (path) => {
    const { status, text } = await ask(path);
    expect([400, 404]).toContain(status);
    expect(text).not.toContain("secret");
  });

  it("opens nothing outside by any way of writing it", async () => {
    const folder = await SafeFolder.at(join(base, "runs"));
    for (const way of [
      "../secret.png",
      "finished/../../secret.png",
      join(base, "secret.png"),
      "borrowed/run.json",
      "a\0b",
    ])
      await expect(folder.open(way), way).rejects.toThrow();
    await expect(folder.open("finished")).rejects.toThrow();
    await (await folder.open("finished/../finished/run.json")).close();
  });
});

describe("who asks", () => {
  it.each([
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "10.0.0.1",
    "localhost:80@evil.example",
  ])("refuses the name %j (DNS rebinding)", async (host) => {
    for (const path of ["/", "/api/runs"])
      expect((await ask(path, { headers: { host } })).status).not.toBe(200);
  });

  it.each(["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])("answers to %s at its port", async (name) => {
    expect((await ask("/api/runs", { headers: { host: `${name}:${port}` } })).status).toBe(200);
  });

  it.each<[string, Record<string, string>]>([
    ["another port", { host: "localhost:1234" }],
    ["no port", { host: "localhost" }],
    ["this machine's name", { host: hostname() }],
    ["X-Forwarded-For", { "x-forwarded-for": "10.0.0.1" }],
    ["X-Forwarded-Prefix", { "x-forwarded-prefix": "/studio" }],
    ["Forwarded", { forwarded: "for=10.0.0.1" }],
    ["Via", { via: "1.1 proxy" }],
  ])("wants the token of what came through something else: %s", async (_, given) => {
    const headers = { host: `localhost:${port}`, ...given };
    expect((await ask("/api/runs", { headers })).status).toBe(401);
    expect((await ask("/api/runs", { headers: { ...headers, "x-studio-token": token } })).status).toBe(200);
  });

  it("wants the token of everyone once a name is declared", async () => {
    const declared = await startStudio({
      folder: join(base, "runs"),
      allowedHosts: ["Studio.Example"],
      runControl,
    });
    const at = Number(new URL(declared.url).port);
    for (const host of [`127.0.0.1:${at}`, "studio.example"])
      expect((await ask("/api/runs", { at, headers: { host } })).status, host).toBe(401);
    expect((await ask("/api/runs", { at, headers: { host: "other.example" } })).status).toBe(421);
    await declared.close();
  });

  it("is found below its base path, with and without it", async () => {
    const below = await startStudio({ folder: join(base, "runs"), basePath: "/lab/studio/", runControl });
    const { port: at, pathname } = new URL(below.url);
    expect(pathname).toBe("/lab/studio/");
    const status = async (path: string) => (await ask(path, { at: Number(at) })).status;
    for (const path of ["/lab/studio/", "/lab/studio/api/runs", "/lab/studio/studio.js", "/api/runs"])
      expect(await status(path), path).toBe(200);
    for (const path of ["/lab/studio2/api/runs", "/lab/api/runs", "/lab/studio/lab/studio/"])
      expect(await status(path), path).toBe(404);
    const { headers } = await ask("/lab/studio", { at: Number(at) });
    expect(headers.location).toBe("studio/");
    await below.close();
  });

  it("allows no scripts, frames or requests but its own", async () => {
    const { headers, text } = await ask("/");
    const policy = headers["content-security-policy"];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(text).not.toMatch(/(src|href)="https?:/);
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  });
});

describe("acting", () => {
  const send = (body: object, headers: Record<string, string> = {}) =>
    ask("/api/act", {
      method: "POST",
      body: JSON.stringify(body),
      headers: {
        host: `127.0.0.1:${port}`,
        origin: `http://127.0.0.1:${port}`,
        "content-type": "application/json",
        "x-studio-token": token,
        ...headers,
      },
    });

  it("stops, saves and resumes with the token from its own page", async () => {
    expect((await send({ id: "running", action: "checkpoint" })).status).toBe(200);
    expect((await send({ id: "running", action: "stop" })).status).toBe(200);
    expect((await send({ id: "stopped", action: "resume" })).status).toBe(200);
    expect(done).toEqual(["checkpoint /runs/running", "stop /runs/running", "resume /runs/stopped"]);
  });

  it.each<[string, Record<string, string>]>([
    ["no token", { "x-studio-token": "" }],
    ["another token", { "x-studio-token": "x".repeat(32) }],
    ["another origin", { origin: "http://evil.example" }],
    ["another port's origin", { origin: "http://127.0.0.1:1" }],
    ["an opaque origin", { origin: "null" }],
    ["another site", { "sec-fetch-site": "cross-site" }],
    ["a form's content", { "content-type": "text/plain" }],
  ])("refuses %s", async (_, headers) => {
    expect([403, 415]).toContain((await send({ id: "running", action: "stop" }, headers)).status);
    expect(done).toEqual([]);
  });

  it("refuses a request without an origin, what is impossible, and what is no request", async () => {
    const headers = {
      host: `127.0.0.1:${port}`,
      "content-type": "application/json",
      "x-studio-token": token,
    };
    const body = JSON.stringify({ id: "running", action: "stop" });
    expect((await ask("/api/act", { method: "POST", headers, body })).status).toBe(403);
    expect((await send({ id: "finished", action: "resume" })).status).toBe(409);
    expect((await send({ id: "finished", action: "stop" })).status).toBe(409);
    expect((await send({ id: "running", action: "format" })).status).toBe(400);
    expect((await send({ id: "../outside", action: "resume" })).status).toBe(404);
    expect((await send({ id: "link-to-run", action: "resume" })).status).toBe(404);
    expect((await send({ id: "x".repeat(5000), action: "stop" })).status).toBe(413);
    expect((await ask("/api/act?id=running&action=stop")).status).toBe(404);
    expect(done).toEqual([]);
  });
});

describe("beyond this machine", () => {
  let open: Studio;
  let at: number;
  let secret: string;
  beforeAll(async () => {
    open = await startStudio({ folder: join(base, "runs"), host: "0.0.0.0", runControl });
    [, secret] = open.url.split("#token=") as [string, string];
    at = Number(new URL(open.url).port);
  });
  afterAll(() => open.close());

  it("tells nothing without the token", async () => {
    for (const path of [
      "facts",
      "runs",
      "events",
      "run?id=finished",
      "curves?id=finished",
      "sample?id=finished&file=reference.png",
    ])
      expect((await ask(`/api/${path}`, { at })).status, path).toBe(401);
  });

  it("gives a cookie for the token that opens reading, not acting", async () => {
    const headers = { host: `127.0.0.1:${at}`, origin: `http://127.0.0.1:${at}` };
    const refused = await ask("/api/session", {
      at,
      method: "POST",
      headers: { ...headers, "x-studio-token": "wrong" },
    });
    expect(refused.status).toBe(403);
    const signed = await ask("/api/session", {
      at,
      method: "POST",
      headers: { ...headers, "x-studio-token": secret },
    });
    const cookie = signed.headers["set-cookie"]![0]!;
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    expect(cookie).not.toContain(secret);
    const withCookie = { ...headers, cookie: cookie.split(";")[0]! };
    expect((await ask("/api/runs", { at, headers: withCookie })).status).toBe(200);
    const act = { ...withCookie, "content-type": "application/json" };
    const body = JSON.stringify({ id: "running", action: "stop" });
    expect((await ask("/api/act", { at, method: "POST", headers: act, body })).status).toBe(403);
  });

  it("is reached by address, not by a foreign name", async () => {
    const headers = { "x-studio-token": secret };
    expect((await ask("/api/runs", { at, headers: { ...headers, host: `192.168.1.7:${at}` } })).status).toBe(
      200,
    );
    expect((await ask("/api/runs", { at, headers: { ...headers, host: "evil.example" } })).status).toBe(421);
  });
});
