import { Worker } from "node:worker_threads";
import type { Progress } from "../../runs/progress.js";
import { openInBrowser } from "./browser.js";

/** `--studio` of the commands that train. */
export interface StudioFlag {
  studio?: boolean;
}

/** The page beside a run. */
export interface Watched {
  /** Call when the run folder exists. */
  begin: () => void;
  /** Call when the run is over. In a terminal the page stays until Ctrl-C; elsewhere it ends with the run. */
  end: () => Promise<void>;
}

/** Serves a run's page while it trains, from a separate thread, because steps keep the main one busy for seconds. */
export async function openWatched(
  { studio = false }: StudioFlag,
  folder: string,
  progress: Progress,
): Promise<Watched> {
  if (!studio) return { begin() {}, end: async () => {} };
  const worker: { thread?: Worker; url?: string } = {};
  return {
    begin() {
      const thread = new Worker(new URL("./worker.js", import.meta.url), { workerData: { folder } });
      worker.thread = thread;
      // The page must not keep a finished process alive.
      thread.unref();
      thread.once("message", (url: string) => {
        worker.url = url;
        progress.notice(`studio: ${url}`);
        void openInBrowser(url);
      });
      thread.once("error", (error) => progress.notice(`no studio: ${error.message}`));
    },
    async end() {
      if (!worker.thread || !worker.url) return;
      if (process.stderr.isTTY) {
        progress.notice(`the studio stays at ${worker.url} until Ctrl-C`);
        await interruption();
      }
      await worker.thread.terminate();
    },
  };
}

/** Until SIGINT or SIGTERM. */
export function interruption(): Promise<void> {
  return new Promise((resolve) => {
    // Waiting for a signal does not keep a process alive by itself.
    const alive = setInterval(() => {}, 1 << 30);
    const over = () => {
      clearInterval(alive);
      resolve();
    };
    process.once("SIGINT", over);
    process.once("SIGTERM", over);
  });
}
