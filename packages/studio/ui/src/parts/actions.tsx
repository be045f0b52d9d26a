import type { Action, RunDetail, RunSummary } from "../../../src/wire.ts";
import { act } from "../server.ts";
import { NEEDS_TOKEN, useTask } from "./use-task.ts";

interface ActionsProps {
  run: RunSummary;
  asked: RunDetail["asked"];
  mayAct: boolean;
  onDone: () => void;
}

/** Stop, save, resume. Shows only possible actions. */
export function Actions({ run, asked, mayAct, onDone }: ActionsProps) {
  const { message, perform: work } = useTask();
  const perform = (action: Action) =>
    work("", async () => {
      await act(run.id, action);
      onDone();
      return action === "resume" ? "Starting again from the newest checkpoint." : "";
    });
  const isRunning = run.state === "running";
  const canResume = !isRunning && run.state !== "finished";
  const title = mayAct ? undefined : NEEDS_TOKEN;
  return (
    <div class="actions">
      {isRunning && (
        <>
          <button
            type="button"
            disabled={!mayAct || asked.includes("checkpoint")}
            title={title}
            onClick={() => void perform("checkpoint")}
          >
            Checkpoint now
          </button>
          <button
            type="button"
            disabled={!mayAct || asked.includes("stop") || run.comparing}
            title={title}
            onClick={() => void perform("stop")}
          >
            Stop
          </button>
        </>
      )}
      {canResume && (
        <button
          type="button"
          disabled={!mayAct || run.comparing}
          title={title}
          onClick={() => void perform("resume")}
        >
          Resume
        </button>
      )}
      <p role="status">
        {isRunning && asked.includes("stop")
          ? "Saving and stopping at the end of this step."
          : isRunning && asked.includes("checkpoint")
            ? "Saving at the end of this step."
            : message}
      </p>
    </div>
  );
}
