import { useMemo, useState } from "preact/hooks";
import type { RunSummary, StudioFacts } from "../../../src/wire.ts";
import { CompareButton, useChoice } from "../parts/choice.tsx";
import { ComparisonCard } from "../parts/comparison-card.tsx";
import { NewRun } from "../parts/new-run.tsx";
import { RunCard } from "../parts/run-card.tsx";
import { shortNames } from "../run-words.ts";
import type { Runs } from "../runs.ts";

const ORDERS = { newest: "newest first", name: "by name", figure: "best figure first" } as const;
type Order = keyof typeof ORDERS;

/** All runs of the folder as cards, each comparison as one. */
export function ListView({ runs, facts }: { runs: Runs; facts: StudioFacts }) {
  const [text, setText] = useState("");
  const [state, setState] = useState("");
  const [order, setOrder] = useState<Order>("newest");
  const [chosen, toggle] = useChoice();
  const entries = useMemo(() => entriesOf(runs.all, { text, state, order }), [runs, text, state, order]);
  const names = useMemo(() => shortNames(entriesOf(runs.all, ALL).map((entry) => entry.id)), [runs]);
  const shown = entries.reduce((sum, entry) => sum + entry.runs.length, 0);
  const picked = runs.all.filter((run) => chosen.has(run.id)).map((run) => run.id);
  const start = facts.presets && <NewRun presets={facts.presets} runs={runs.all} mayAct={facts.mayAct} />;
  if (runs.all.length === 0)
    return (
      <>
        <EmptyFolder folder={facts.folder} />
        {start}
      </>
    );
  return (
    <>
      <h1 class="unseen">Runs</h1>
      <search class="filters">
        <label>
          <span>Find</span>
          <input
            type="search"
            value={text}
            placeholder="folder, data, method"
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
      {start}
      {shown === 0 && <p class="quiet">No run fits.</p>}
      <ul class="cards">
        {entries.map(({ id, runs: [run, ...others], isComparison }) =>
          isComparison ? (
            <ComparisonCard key={id} id={id} name={names.get(id) ?? id} runs={[run!, ...others]} />
          ) : (
            <RunCard
              key={id}
              run={run!}
              name={names.get(id) ?? id}
              chosen={chosen.has(id)}
              onToggle={toggle}
            />
          ),
        )}
      </ul>
    </>
  );
}

function EmptyFolder({ folder }: { folder: string }) {
  return (
    <section class="empty">
      <h1>No runs yet</h1>
      <p>
        Nothing below <code>{folder}</code> is a run of disback. A run appears here as soon as it starts:
      </p>
      <pre>disback distill --preset 2d --out {folder}/first</pre>
    </section>
  );
}

/** A card: a run, or all matching runs of a comparison. */
interface Entry {
  id: string;
  isComparison: boolean;
  runs: RunSummary[];
}

interface Wanted {
  text: string;
  state: string;
  order: Order;
}

const ALL: Wanted = { text: "", state: "", order: "newest" };

function entriesOf(all: readonly RunSummary[], wanted: Wanted): Entry[] {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = all.filter((run) => {
    const text = [run.id, run.title, run.how, run.command, run.preset, run.method, `seed ${run.seed}`];
    const searched = text.join(" ").toLowerCase();
    return (
      (wanted.state === "" || run.state === wanted.state) && words.every((word) => searched.includes(word))
    );
  });
  const entries = new Map<string, Entry>();
  for (const run of fits) {
    const isComparison = run.comparison !== undefined;
    const id = run.comparison ?? run.id;
    const entry = entries.get(`${isComparison} ${id}`) ?? { id, isComparison, runs: [] };
    entry.runs.push(run);
    entries.set(`${isComparison} ${id}`, entry);
  }
  const list = [...entries.values()];
  return wanted.order === "newest" ? list : list.sort(ORDERINGS[wanted.order]);
}

const best = ({ runs }: Entry) =>
  Math.min(...runs.map((run) => run.headline?.value ?? Number.POSITIVE_INFINITY));

const ORDERINGS = {
  name: (a: Entry, b: Entry) => a.id.localeCompare(b.id, "en", { numeric: true }),
  figure: (a: Entry, b: Entry) => best(a) - best(b) || 0,
};
