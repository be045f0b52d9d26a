import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { requireBrowser } from "../../../test-support/browser.js";
import { serve } from "./static-server.js";

/** A page that tests visit: its files, its address, and a browser. */
export interface OpenedSite {
  /** a folder of the tests' own, with the page's files in `site` */
  readonly folder: string;
  address: string;
  browser: Browser;
}

/** Writes a page before all tests of a file and serves it; afterwards nothing is left. @param write to the given folder */
export function openedSite(write: (folder: string) => Promise<unknown>): OpenedSite {
  const folder = mkdtempSync(join(tmpdir(), "disback-web-"));
  const site = { folder, address: "" } as OpenedSite;
  let server: Server | undefined;
  beforeAll(async () => {
    await write(join(folder, "site"));
    ({ server, address: site.address } = await serve(join(folder, "site")));
    site.browser = await chromium.launch({ executablePath: requireBrowser(), args: ["--no-sandbox"] });
  }, 300_000);
  afterAll(async () => {
    await site.browser?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return site;
}
