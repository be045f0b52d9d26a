import type { RunState } from "../../../src/wire.ts";

const MEANINGS: Record<RunState, string> = {
  running: "a process works on it",
  stopped: "stopped after saving; it can be resumed",
  failed: "ended with an error",
  finished: "done",
  interrupted: "its process ended without a message; it can be resumed",
};

/** A run's state, as word, shape and colour. */
export function StateBadge({ state }: { state: RunState }) {
  return (
    <span class={`state ${state}`} title={MEANINGS[state]}>
      {state}
    </span>
  );
}
