import { memo } from "preact/compat";
import { useMemo, useState } from "preact/hooks";
import type { RunSummary } from "../../../src/wire.ts";
import { figureName, shortDuration, shortNumber, shortTime } from "../format.ts";
import { StageProgress } from "../parts/stage-progress.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { compareLink, runLink } from "../route.ts";
import type { Runs } from "../runs.ts";

const MOST_COMPARED = 12;
const ORDERS = { newest: "newest first", name: "by name", figure: "best figure first" } as const;
type Order = keyof typeof ORDERS;

/** All runs of the folder, grouped by comparison. */
export function ListView({ runs, folder }: { runs: Runs; folder: string }) {
  const [text, setText] = useState("");
  const [state, setState] = useState("");
  const [order, setOrder] = useState<Order>("newest");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const groups = useMemo(() => grouped(runs.all, { text, state, order }), [runs, text, state, order]);
  const shown = groups.reduce((sum, group) => sum + group.runs.length, 0);
  const picked = runs.all.filter((run) => chosen.has(run.id)).map((run) => run.id);
  const [toggle] = useState(
    () => (id: string) =>
      setChosen((before) => {
        const after = new Set(before);
        if (!after.delete(id)) after.add(id);
        return after;
      }),
  );
  if (runs.all.length === 0) return <EmptyFolder folder={folder} />;
  return (
    <>
      <h1 class="unseen">Runs</h1>
      <search class="filters">
        <label>
          <span>Find</span>
          <input
            type="search"
            value={text}
            placeholder="folder, preset, method"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <label>
          <span>State</span>
          <select value={state} onChange={(event) => setState(event.currentTarget.value)}>
            <option value="">any</option>
            {["running", "stopped", "interrupted", "failed", "finished"].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          <span>Order</span>
          <select value={order} onChange={(event) => setOrder(event.currentTarget.value as Order)}>
            {Object.entries(ORDERS).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <output class="quiet">
          {shown} of {runs.all.length} {runs.all.length === 1 ? "run" : "runs"}
        </output>
        <CompareButton ids={picked} />
      </search>
      {shown === 0 && <p class="quiet">No run fits.</p>}
      {groups.map((group) => (
        <section key={group.name} class="group">
          {group.name !== "" && (
            <h2>
              <span>comparison {group.name}</span>
              <a href={compareLink(group.runs.slice(0, MOST_COMPARED).map((run) => run.id))}>
                compare {group.runs.length > MOST_COMPARED ? `the first ${MOST_COMPARED}` : "them"}
              </a>
            </h2>
          )}
          <RunTable runs={group.runs} chosen={chosen} onToggle={toggle} />
        </section>
      ))}
    </>
  );
}

function CompareButton({ ids }: { ids: readonly string[] }) {
  if (ids.length < 2) return <span class="button disabled">Tick two runs to compare</span>;
  if (ids.length > MOST_COMPARED) return <span class="button disabled">At most {MOST_COMPARED} at once</span>;
  return (
    <a class="button" href={compareLink(ids)}>
      Compare {ids.length} runs
    </a>
  );
}

function RunTable({
  runs,
  chosen,
  onToggle,
}: {
  runs: readonly RunSummary[];
  chosen: ReadonlySet<string>;
  onToggle: (id: string) => void;
}) {
  return (
    <table class="runs">
      <thead>
        <tr>
          <th scope="col">
            <span class="unseen">compare</span>
          </th>
          <th scope="col">run</th>
          <th scope="col">state</th>
          <th scope="col">progress</th>
          <th scope="col" class="number">
            figure
          </th>
          <th scope="col" class="number">
            loss
          </th>
          <th scope="col" class="number">
            time
          </th>
          <th scope="col">started</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <RunRow key={run.id} run={run} chosen={chosen.has(run.id)} onToggle={onToggle} />
        ))}
      </tbody>
    </table>
  );
}

/** Drawn again only when its run changed. */
const RunRow = memo(
  ({ run, chosen, onToggle }: { run: RunSummary; chosen: boolean; onToggle: (id: string) => void }) => {
    const { last, headline } = run;
    return (
      <tr>
        <td class="tick">
          <input
            type="checkbox"
            checked={chosen}
            aria-label={`compare ${run.id}`}
            onChange={() => onToggle(run.id)}
          />
        </td>
        <th scope="row">
          <a href={runLink(run.id)}>{run.comparison && run.id !== "." ? shortId(run) : run.id}</a>
          <span class="quiet">{described(run)}</span>
        </th>
        <td>
          <StateBadge state={run.state} />
        </td>
        <td class="wide">
          <StageProgress run={run} />
        </td>
        <td class="number" data-name={headline ? figureName(headline.name) : ""}>
          {headline && (
            <>
              {shortNumber(headline.value)}{" "}
              <span class="quiet">{headline.name === "fid" ? "FID" : "SWD"}</span>
            </>
          )}
        </td>
        <td class="number" data-name="loss">
          {typeof last?.loss === "number" && shortNumber(last.loss)}
        </td>
        <td class="number" data-name="time">
          {typeof last?.seconds === "number" && shortDuration(last.seconds)}
        </td>
        <td data-name="started">{shortTime(run.startedAt)}</td>
      </tr>
    );
  },
);

function EmptyFolder({ folder }: { folder: string }) {
  return (
    <section class="empty">
      <h1>No runs yet</h1>
      <p>
        Nothing below <code>{folder}</code> is a run of disback. One appears here as soon as it starts:
      </p>
      <pre>disback distill --preset 2d --out {folder}/first</pre>
    </section>
  );
}

function shortId(run: RunSummary): string {
  return run.comparison === "." ? run.id : run.id.slice(run.comparison!.length + 1);
}

function described(run: RunSummary): string {
  const parts = [
    run.command,
    run.preset,
    run.method,
    run.student && `student ${run.student}`,
    `seed ${run.seed}`,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** Single runs first, then comparisons, each in the order asked for. */
function grouped(all: readonly RunSummary[], wanted: { text: string; state: string; order: Order }) {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = all.filter((run) => {
    const text = `${run.id} ${described(run)}`.toLowerCase();
    return (wanted.state === "" || run.state === wanted.state) && words.every((word) => text.includes(word));
  });
  const groups = new Map<string, RunSummary[]>([["", []]]);
  for (const run of fits) {
    const name = run.comparison ?? "";
    groups.set(name, [...(groups.get(name) ?? []), run]);
  }
  return [...groups]
    .filter(([, runs]) => runs.length > 0)
    .map(([name, runs]) => ({
      name,
      runs: wanted.order === "newest" ? runs : [...runs].sort(ORDERINGS[wanted.order]),
    }));
}

const ORDERINGS = {
  name: (a: RunSummary, b: RunSummary) => a.id.localeCompare(b.id, "en", { numeric: true }),
  figure: (a: RunSummary, b: RunSummary) =>
    (a.headline?.value ?? Number.POSITIVE_INFINITY) - (b.headline?.value ?? Number.POSITIVE_INFINITY),
};
