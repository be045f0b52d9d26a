import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];
const ELSEWHERE = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** A Chromium on this machine, or `undefined`; `CHROMIUM` names another. */
export function findBrowser(): string | undefined {
  const named = process.env.CHROMIUM;
  if (named) return named;
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const places = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...places, ...ELSEWHERE].find(isProgram);
}

/** The browser of the tests. @throws Error saying how to get one */
export function requireBrowser(): string {
  const browser = findBrowser();
  if (browser) return browser;
  throw new Error("the tests need a browser: install Chromium, or set CHROMIUM to its program");
}

/**
 * Before all tests: nothing is skipped because a browser is missing. Debian's is installed where we may do that.
 *
 * @throws Error saying how to get one, where there is none and we may not
 */
export default function installBrowser(): void {
  if (findBrowser()) return;
  const mayInstall = process.getuid?.() === 0 && spawnSync("apt-get", ["--version"]).status === 0;
  if (mayInstall) {
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const flags of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]])
      spawnSync("apt-get", flags, { stdio: ["ignore", "ignore", "inherit"], env: environment });
  }
  requireBrowser();
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
