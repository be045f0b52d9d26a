import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Studio, startStudio } from "@disback/studio";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { requireBrowser } from "../../../test-support/browser.js";
import { makeRun } from "./make-run.js";
import { type ProxyOptions, startTlsProxy } from "./tls-proxy.js";

const NAME = "studio.example";
const PREFIX = "/lab/studio";

let browser: Browser;
let base: string;
let runs: string;
let studio: Studio | undefined;
let proxy: Server | undefined;
let context: BrowserContext;
const done: string[] = [];

beforeAll(async () => {
  const args = ["--no-sandbox", `--host-resolver-rules=MAP ${NAME} 127.0.0.1`];
  browser = await chromium.launch({ executablePath: requireBrowser(), args });
  base = mkdtempSync(join(tmpdir(), "disback-proxy-"));
  runs = join(base, "runs");
  mkdirSync(runs);
  makeRun(join(runs, "first"), { record: { state: "running", result: undefined } });
  writeFileSync(join(runs, "first", "run.lock"), '{"alive":true}');
});
afterAll(async () => {
  await browser.close();
  rmSync(base, { recursive: true, force: true });
});
afterEach(async () => {
  await context?.close();
  proxy?.closeAllConnections();
  proxy?.close();
  await studio?.close();
});

/** A studio that was told its name, and the page's address before the proxy. */
async function behind(
  options: Omit<ProxyOptions, "to" | "folder">,
  basePath?: string,
): Promise<{ page: Page; address: string; token: string }> {
  studio = await startStudio({
    folder: runs,
    allowedHosts: [NAME],
    ...(basePath === undefined ? {} : { basePath }),
    runControl: {
      isHeld: (lock) => JSON.parse(readFileSync(lock, "utf8")).alive === true,
      ask: (_, what) => void done.push(what),
      resume: async () => {},
    },
  });
  const started = await startTlsProxy({ ...options, to: Number(new URL(studio.url).port), folder: base });
  proxy = started.server;
  context = await browser.newContext({ ignoreHTTPSErrors: true });
  done.length = 0;
  return {
    page: await context.newPage(),
    address: `https://${NAME}:${started.port}${options.prefix}/`,
    token: studio.url.split("#token=")[1]!,
  };
}

/** Status of a request to the proxy as it stands: browsers set some headers themselves. */
function statusOf(address: string, headers: Record<string, string> = {}, body?: string): Promise<number> {
  const { host, port, pathname, search } = new URL(address);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: "127.0.0.1", port, path: pathname + search, rejectUnauthorized: false },
        method: body === undefined ? "GET" : "POST",
        headers: { host, ...headers },
      },
      (answer) => {
        resolve(answer.statusCode!);
        answer.destroy();
      },
    );
    sent.once("error", reject);
    sent.end(body);
  });
}

describe("behind a proxy that ends TLS", () => {
  it.each<[string, Omit<ProxyOptions, "to" | "folder">, string | undefined]>([
    ["at the root", { prefix: "", stripsPrefix: false, host: "kept", forwards: true }, undefined],
    ["a prefix taken away", { prefix: PREFIX, stripsPrefix: true, host: "kept", forwards: true }, undefined],
    ["a prefix passed on", { prefix: PREFIX, stripsPrefix: false, host: "kept", forwards: false }, PREFIX],
    [
      "another Host in its place",
      { prefix: PREFIX, stripsPrefix: true, host: "replaced", forwards: false },
      undefined,
    ],
  ])("asks for the token, then shows, follows and acts: %s", async (_, options, basePath) => {
    const { page, address, token } = await behind(options, basePath);
    await page.goto(address);
    const field = page.getByLabel(/^Token/);
    await field.fill("wrong");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByText("wrong token").waitFor();
    expect(await context.cookies()).toEqual([]);
    // Nothing can be read so far.
    for (const path of ["runs", "facts", "run?id=first", "sample?id=first&file=reference.png", "events"])
      expect(await statusOf(`${address}api/${path}`), path).toBe(401);

    // The whole address of the terminal, as people copy it.
    await field.fill(studio!.url);
    await page.getByRole("button", { name: "Use it" }).click();
    await page.locator(".connection.live").waitFor();
    const [cookie, ...others] = await context.cookies();
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: "Strict" });
    expect(cookie!.path).toBe(`${options.prefix}/api`);
    expect(cookie!.value).not.toContain(token);

    await page.getByRole("link", { name: /first/ }).click();
    const picture = page.getByRole("img", { name: /samples, student/ });
    await expect
      .poll(() => picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth))
      .toBeGreaterThan(0);
    await page.getByRole("button", { name: "Stop" }).click();
    await expect.poll(() => done).toEqual(["stop"]);
    expect(page.url()).toMatch(new RegExp(`^${address}#/run/first$`));
  });

  it("signs in by the address with the token, and forgets it in the address", async () => {
    const { page, address, token } = await behind({
      ...{ prefix: PREFIX, stripsPrefix: true, host: "kept", forwards: true },
    });
    await page.goto(`${address}#token=${token}`);
    await page.locator(".connection.live").waitFor();
    expect(page.url()).toBe(address);
  });

  it("refuses other pages of the proxy, and pages elsewhere, with the right token too", async () => {
    const { address, token } = await behind({
      ...{ prefix: PREFIX, stripsPrefix: true, host: "replaced", forwards: true },
    });
    const body = JSON.stringify({ id: "first", action: "stop" });
    const act = (headers: Record<string, string>) =>
      statusOf(
        `${address}api/act`,
        { "content-type": "application/json", "x-studio-token": token, ...headers },
        body,
      );
    const { origin, port } = new URL(address);
    const foreign: Record<string, string>[] = [
      {},
      { origin: "https://evil.example" },
      { origin: `https://evil.example:${port}` },
      { origin: `https://${NAME}` },
      { origin: `http://${NAME}:1` },
      { origin, "sec-fetch-site": "same-site" },
      { origin, "sec-fetch-site": "cross-site" },
      { origin: "null" },
    ];
    for (const headers of foreign) expect(await act(headers), JSON.stringify(headers)).toBe(403);
    expect(done).toEqual([]);
    expect(await act({ origin })).toBe(200);
    expect(await act({ origin, "x-studio-token": "wrong" })).toBe(401);
    expect(done).toEqual(["stop"]);
  });

  it("asks for the new token after the studio was started anew", async () => {
    const { page, address, token } = await behind({
      ...{ prefix: PREFIX, stripsPrefix: true, host: "kept", forwards: true },
    });
    await page.goto(`${address}#token=${token}`);
    await page.locator(".connection.live").waitFor();
    const { port } = new URL(studio!.url);
    await studio!.close();
    await page.getByText("connection lost").waitFor();
    studio = await startStudio({
      ...{ folder: runs, allowedHosts: [NAME], port: Number(port) },
      runControl: { isHeld: () => true, ask() {}, resume: async () => {} },
    });
    await page.getByLabel(/^Token/).fill(studio.url);
    await page.getByRole("button", { name: "Use it" }).click();
    await page.locator(".connection.live").waitFor();
  });
});
