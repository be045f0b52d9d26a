import { useEffect, useState } from "preact/hooks";
import type { RunSummary } from "../../src/wire.ts";
import { getFacts, ServerError } from "./server.ts";

export type Connection = "loading" | "live" | "lost";

export interface Runs {
  connection: Connection;
  /** Newest first. */
  all: readonly RunSummary[];
  byId: ReadonlyMap<string, RunSummary>;
}

const NOTHING: Runs = { connection: "loading", all: [], byId: new Map() };
const AGAIN_MILLISECONDS = 2000;

/**
 * All runs, kept up to date by the server's events.
 *
 * @param onSignedOut called if the studio was restarted and needs its new token
 */
export function useRuns(signedIn: boolean, onSignedOut: () => void): Runs {
  const [runs, setRuns] = useState(NOTHING);
  useEffect(() => {
    if (!signedIn) return;
    return listen(setRuns, onSignedOut);
  }, [signedIn]);
  return runs;
}

/** @returns a function that stops it */
function listen(setRuns: (update: (before: Runs) => Runs) => void, onSignedOut: () => void): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    source = new EventSource("api/events");
    source.addEventListener("runs", (event) => {
      const list = JSON.parse(event.data) as RunSummary[];
      setRuns(() => listOf(list));
    });
    source.addEventListener("changed", (event) => {
      const { changed, gone } = JSON.parse(event.data) as { changed: RunSummary[]; gone: string[] };
      setRuns((before) => {
        const byId = new Map(before.byId);
        for (const run of changed) byId.set(run.id, run);
        for (const id of gone) byId.delete(id);
        return listOf([...byId.values()]);
      });
    });
    source.addEventListener("error", () => {
      setRuns((before) => ({ ...before, connection: "lost" }));
      // The browser retries a broken connection, but not after an error response (a proxy's 502).
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(again, AGAIN_MILLISECONDS);
    });
  };
  const again = async () => {
    try {
      await getFacts();
      open();
    } catch (error) {
      if (error instanceof ServerError && error.status === 401) onSignedOut();
      else timer = setTimeout(again, AGAIN_MILLISECONDS);
    }
  };
  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

function listOf(list: RunSummary[]): Runs {
  const all = list.sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  return { connection: "live", all, byId: new Map(all.map((run) => [run.id, run])) };
}
