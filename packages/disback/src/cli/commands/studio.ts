import { existsSync } from "node:fs";
import type { Command } from "commander";
import { DisbackError, UsageError } from "../../errors.js";
import { Terminal } from "../terminal.js";

interface StudioOptions {
  host: string;
  port: string;
  allowHost?: string[];
  basePath?: string;
  browser: boolean;
}

/** `disback studio`: the page for all runs below a folder. */
export function addStudio(program: Command): void {
  const command = program
    .command("studio")
    .argument("[folder]", "folder with runs, or one run", "runs")
    .description(
      "Serve a page to watch, compare, start, stop and resume runs below a folder, and to draw from them.",
    )
    .option(
      "--host <address>",
      "address to listen on; from other machines, looking needs the token",
      "127.0.0.1",
    )
    .option("--port <n>", "port, 0 for any free one", "8390")
    .option(
      "--allow-host <name...>",
      "additional host names of the page, for example behind a proxy; looking then needs the token",
    )
    .option("--base-path <path>", "path prefix that a proxy does not remove, such as /studio")
    .option("--no-browser", "do not open the page in a browser")
    .addHelpText(
      "after",
      `
Examples:
  disback studio
  disback studio runs/compare --port 0
  disback studio --host 0.0.0.0      # for others in the network; give them the address with the token
  disback studio --allow-host runs.example.org   # behind a proxy that ends TLS for this name
`,
    )
    .action(async (folder: string) => {
      await serve(folder, command.opts<StudioOptions>());
    });
}

async function serve(folder: string, options: StudioOptions): Promise<void> {
  if (!existsSync(folder)) throw new DisbackError(`${folder}: no such folder`);
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageError(`--port must be a whole number from 0 to 65535, got ${options.port}`);
  for (const name of options.allowHost ?? []) {
    if (!/^[\w.-]+$/.test(name))
      throw new UsageError(`--allow-host ${name}: give only the host name, such as runs.example.org`);
  }
  if (options.basePath !== undefined && !/^(\/[\w.~-]+)+\/?$/.test(options.basePath))
    throw new UsageError(`--base-path ${options.basePath}: give a path such as /studio`);
  const [{ startStudio }, { runControl }, { interruption }, { openInBrowser }] = await Promise.all([
    import("@disback/studio"),
    import("../studio/run-control.js"),
    import("../studio/watched.js"),
    import("../studio/browser.js"),
  ]);
  const studio = await startStudio({
    folder,
    host: options.host,
    port,
    ...(options.allowHost ? { allowedHosts: options.allowHost } : {}),
    ...(options.basePath ? { basePath: options.basePath } : {}),
    runControl,
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE")
      throw new DisbackError(
        `--port ${port}: in use, perhaps by another studio; --port 0 takes any free port`,
      );
    if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND")
      throw new DisbackError(`--host ${options.host}: not an address of this machine`);
    throw error;
  });
  new Terminal({}).note(`studio: ${studio.url}\n(Ctrl-C ends it; runs go on)`);
  if (options.browser) await openInBrowser(studio.url);
  await interruption();
  await studio.close();
}
