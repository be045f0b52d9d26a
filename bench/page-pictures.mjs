// The documents' pictures of the pages, from a finished run; and every page at two widths, light and dark, to look at.
//
//   node bench/page-pictures.mjs runs/demo [--look FOLDER]
//
// Needs a Chromium (CHROMIUM names it). Writes docs/images/studio.png and web-page.png, or with --look only
// the pictures to look at.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import sharp from "sharp";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { look: { type: "string" } },
});
const [run = "runs/demo"] = positionals;
const MAIN = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const IMAGES = fileURLToPath(new URL("../docs/images", import.meta.url));
const base = mkdtempSync(join(tmpdir(), "disback-pictures-"));
// As from the folder above, so that no picture shows where it lies.
const runs = dirname(resolve(run));
const studio = spawn(process.execPath, [MAIN, "studio", basename(runs), "--port", "0"], {
  cwd: dirname(runs),
});
const site = createServer((request, response) => {
  const path = new URL(request.url, "http://x").pathname;
  const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
  const name = path === "/" ? "/index.html" : path;
  response.setHeader("content-type", types[extname(name)] ?? "application/octet-stream");
  response.end(readFileSync(join(base, "site", name)));
}).listen(0, "127.0.0.1");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  const address = await new Promise((found) => {
    let text = "";
    studio.stderr.on("data", (part) => {
      text += part;
      const url = /studio: (\S+)/.exec(text)?.[1];
      if (url) found(url);
    });
  });
  const exported = spawnSync(process.execPath, [
    ...[MAIN, "export", run, "--format", "web", "--out", join(base, "site"), "--quiet"],
  ]);
  if (exported.status !== 0) throw new Error(String(exported.stderr));
  const name = basename(resolve(run));
  const pages = {
    list: { url: address, ready: (page) => page.locator(".card img").first().waitFor() },
    studio: {
      url: address,
      ready: async (page) => {
        await page.getByRole("link", { name, exact: true }).click();
        await page.locator(".tiles").first().waitFor();
      },
    },
    report: { url: pathToFileURL(resolve(run, "report.html")).href, ready: () => {} },
    "web-page": { url: `http://127.0.0.1:${site.address().port}/`, ready: race },
  };
  const pictures = values.look
    ? Object.keys(pages).flatMap((page) =>
        [1280, 390].flatMap((width) =>
          ["light", "dark"].map((scheme) => ({ page, width, scheme, name: `${page}-${width}-${scheme}` })),
        ),
      )
    : ["studio", "web-page"].map((page) => ({ page, width: 1280, scheme: "light", name: page }));
  const folder = values.look ?? IMAGES;
  mkdirSync(folder, { recursive: true });
  for (const { page: which, width, scheme, name } of pictures) {
    const page = await browser.newPage({
      viewport: { width, height: 900 },
      colorScheme: scheme,
      deviceScaleFactor: 1,
    });
    await page.goto(pages[which].url);
    await pages[which].ready(page);
    // Pictures and charts come a moment later.
    await page.waitForTimeout(2500);
    const picture = await page.screenshot({ fullPage: Boolean(values.look) });
    await sharp(picture)
      .png({ palette: !values.look })
      .toFile(join(folder, `${name}.png`));
    await page.close();
    console.log(join(folder, `${name}.png`));
  }
} finally {
  await browser.close();
  site.close();
  studio.kill("SIGKILL");
  rmSync(base, { recursive: true, force: true });
}

/** Waits for the first samples, and until student and teacher have drawn. */
async function race(page) {
  await page.waitForSelector("canvas");
  await page.waitForTimeout(3000);
  await page.keyboard.press("r");
  await page.waitForTimeout(15_000);
}
