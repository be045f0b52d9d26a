import type { ServerResponse } from "node:http";
import type { RunList } from "./run-list.js";
import type { RunSummary } from "./wire.js";

const POLL_MILLISECONDS = 1000;
const QUIET_POLLS = 15;
const MOST_CLIENTS = 64;

/**
 * Sends changes to pages as server-sent events: first `runs` with the whole list, then `changed` with new summaries and
 * the ids of removed runs. One watcher serves all pages, and stops while there is none.
 */
export class Events {
  private readonly clients = new Set<ServerResponse>();
  private timer: NodeJS.Timeout | undefined;
  private known = new Map<string, RunSummary>();
  private quiet = 0;

  constructor(private readonly list: RunList) {}

  /** @returns false if there are already too many */
  async add(response: ServerResponse): Promise<boolean> {
    if (this.clients.size >= MOST_CLIENTS) return false;
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // nginx would buffer messages.
      "x-accel-buffering": "no",
    });
    // Other pages must not miss earlier changes.
    await this.poll();
    if (response.destroyed) return true;
    response.write(`retry: 1000\n${message("runs", this.list.all)}`);
    this.clients.add(response);
    response.once("close", () => this.remove(response));
    this.timer ??= setInterval(() => void this.poll(), POLL_MILLISECONDS);
    return true;
  }

  /** Looks for changes now. If this fails, pages keep what they have, and the next attempt may succeed. */
  async poll(): Promise<void> {
    try {
      await this.list.refresh();
    } catch {
      return;
    }
    const now = new Map(this.list.all.map((run) => [run.id, run]));
    // Unchanged summaries are the same objects.
    const changed = [...now.values()].filter((run) => this.known.get(run.id) !== run);
    const gone = [...this.known.keys()].filter((id) => !now.has(id));
    this.known = now;
    if (changed.length > 0 || gone.length > 0) this.send(message("changed", { changed, gone }));
    else if (++this.quiet % QUIET_POLLS === 0) this.send(": still here\n\n");
  }

  close(): void {
    clearInterval(this.timer);
    for (const client of this.clients) client.end();
    this.clients.clear();
  }

  private send(text: string): void {
    for (const client of this.clients) client.write(text);
  }

  private remove(client: ServerResponse): void {
    this.clients.delete(client);
    if (this.clients.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

function message(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
