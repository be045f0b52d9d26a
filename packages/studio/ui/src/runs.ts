import { useEffect, useState } from "preact/hooks";
import type { RunSummary } from "../../src/wire.ts";

export type Connection = "loading" | "live" | "lost";

export interface Runs {
  connection: Connection;
  /** Newest first. */
  all: readonly RunSummary[];
  byId: ReadonlyMap<string, RunSummary>;
}

const NOTHING: Runs = { connection: "loading", all: [], byId: new Map() };

/** All runs, kept up to date by the server's events. */
export function useRuns(signedIn: boolean): Runs {
  const [runs, setRuns] = useState(NOTHING);
  useEffect(() => {
    if (!signedIn) return;
    const source = new EventSource("/api/events");
    source.addEventListener("runs", (event) => setRuns(listOf(JSON.parse(event.data) as RunSummary[])));
    source.addEventListener("changed", (event) => {
      const { changed, gone } = JSON.parse(event.data) as { changed: RunSummary[]; gone: string[] };
      setRuns((before) => {
        const byId = new Map(before.byId);
        for (const run of changed) byId.set(run.id, run);
        for (const id of gone) byId.delete(id);
        return listOf([...byId.values()]);
      });
    });
    // It tries again by itself, and then sends the whole list.
    source.addEventListener("error", () => setRuns((before) => ({ ...before, connection: "lost" })));
    return () => source.close();
  }, [signedIn]);
  return runs;
}

function listOf(list: RunSummary[]): Runs {
  const all = list.sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  return { connection: "live", all, byId: new Map(all.map((run) => [run.id, run])) };
}
