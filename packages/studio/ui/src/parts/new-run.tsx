import { useState } from "preact/hooks";
import type { RunSummary, WantedRun } from "../../../src/wire.ts";
import { runLink } from "../route.ts";
import { startRun } from "../server.ts";
import { NEEDS_TOKEN, useTask } from "./use-task.ts";

const STUDENTS = {
  preset: "as the preset has it",
  same: "the teacher's copy",
  small: "half the channels",
  untrained: "the teacher's network, untrained",
  dcgan: "a generator from a vector: DCGAN",
  fastgan: "a generator from a vector: FastGAN",
} as const;

/** Starts a distillation: from a preset, or from a teacher that was trained in this folder. */
export function NewRun({
  presets,
  runs,
  mayAct,
}: {
  presets: readonly string[];
  runs: readonly RunSummary[];
  mayAct: boolean;
}) {
  const teachers = runs.filter((run) => run.command === "teacher train" && run.state === "finished");
  const [source, setSource] = useState(`preset ${presets[0]}`);
  const [student, setStudent] = useState<WantedRun["student"]>("preset");
  const [iterations, setIterations] = useState("");
  const [seed, setSeed] = useState("0");
  const [given, setName] = useState<string>();
  const { message, isBusy, perform } = useTask();
  const [kind, from] = [source.slice(0, source.indexOf(" ")), source.slice(source.indexOf(" ") + 1)];
  const name = given ?? freeName(from.split("/").at(-1)!, runs);
  const starting = "Starting: opening models and data.";
  const begin = () =>
    perform(starting, async () => {
      const { id } = await startRun({
        ...{ name, student, seed: Number(seed) },
        ...(kind === "preset" ? { preset: from } : { teacher: from }),
        ...(iterations === "" ? {} : { iterations: Number(iterations) }),
      });
      location.hash = runLink(id);
      return starting;
    });
  return (
    <details class="panel">
      <summary>New run</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void begin();
        }}
      >
        <label>
          <span>Teacher and data</span>
          <select value={source} onChange={(event) => setSource(event.currentTarget.value)}>
            <optgroup label="Shipped">
              {presets.map((preset) => (
                <option key={preset} value={`preset ${preset}`}>
                  {preset}
                </option>
              ))}
            </optgroup>
            {teachers.length > 0 && (
              <optgroup label="Trained here">
                {teachers.map(({ id, title }) => (
                  <option key={id} value={`teacher ${id}`}>
                    {id}: {title}
                  </option>
                ))}
              </optgroup>
            )}
          </select>
        </label>
        <label>
          <span>Student</span>
          <select
            value={student}
            onChange={(event) => setStudent(event.currentTarget.value as WantedRun["student"])}
          >
            {Object.entries(STUDENTS).map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Iterations</span>
          <input
            type="number"
            min="1"
            placeholder={kind === "preset" ? "the preset's" : "the usual"}
            value={iterations}
            onInput={(event) => setIterations(event.currentTarget.value)}
          />
        </label>
        <label>
          <span>Seed</span>
          <input
            type="number"
            min="0"
            required
            value={seed}
            onInput={(event) => setSeed(event.currentTarget.value)}
          />
        </label>
        <label>
          <span>Folder</span>
          <input
            required
            pattern="[A-Za-z0-9][A-Za-z0-9_.\-]*"
            title="letters, digits, dots, dashes and underscores"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <button type="submit" disabled={!mayAct || isBusy} title={mayAct ? undefined : NEEDS_TOKEN}>
          Start
        </button>
        <p role="status">{message}</p>
      </form>
    </details>
  );
}

/** `demo`, `demo-2`, … */
function freeName(wanted: string, runs: readonly RunSummary[]): string {
  const taken = new Set(runs.map((run) => run.id.split("/")[0]));
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}-${number}`)) number++;
  return `${wanted}-${number}`;
}
