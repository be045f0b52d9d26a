import { useEffect, useRef, useState } from "preact/hooks";
import type { StudioFacts } from "../../src/wire.ts";
import { TokenForm } from "./parts/token-form.tsx";
import { type Route, useRoute } from "./route.ts";
import { type Runs, useRuns } from "./runs.ts";
import { getFacts, ServerError, signIn } from "./server.ts";
import { CompareView } from "./views/compare.tsx";
import { ComparisonView } from "./views/comparison.tsx";
import { ListView } from "./views/list.tsx";
import { RunView } from "./views/run.tsx";

/** The whole page. */
export function App() {
  const [facts, setFacts] = useState<StudioFacts>();
  const [refused, setRefused] = useState<string>();
  const route = useRoute();
  const runs = useRuns(facts !== undefined, () => {
    setFacts(undefined);
    setRefused("");
  });
  const enter = async (token?: string) => {
    try {
      await signIn(token).catch((error) => {
        // A token of an earlier studio must not prevent reading where it is free.
        if (token !== undefined) throw error;
      });
      setFacts(await getFacts());
      setRefused(undefined);
    } catch (error) {
      setRefused(error instanceof ServerError && error.status !== 401 ? error.message : "");
    }
  };
  useEffect(() => void enter(), []);
  useEffect(() => {
    const place =
      route.view === "run" ? route.id.split("/").at(-1) : route.view === "list" ? "" : "comparison";
    document.title = place ? `${place} – disback studio` : "disback studio";
  }, [route]);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <a class="brand" href="#/">
          disback <b>studio</b>
        </a>
        {facts && <span class="folder">{facts.folder}</span>}
        <ConnectionNote runs={runs} />
      </header>
      <main id="main" tabIndex={-1}>
        {refused !== undefined && <TokenForm error={refused} onToken={(token) => void enter(token)} />}
        {facts && !facts.mayAct && refused === undefined && (
          <ReadOnlyNote onToken={(token) => void enter(token)} />
        )}
        {facts && <View route={route} runs={runs} facts={facts} />}
        {!facts && refused === undefined && <p class="quiet">Connecting…</p>}
      </main>
      <Announcements runs={runs} />
    </>
  );
}

function View({ route, runs, facts }: { route: Route; runs: Runs; facts: StudioFacts }) {
  if (runs.connection === "loading") return <p class="quiet">Reading runs…</p>;
  // A studio for one run shows it at once.
  const only = runs.byId.get(".");
  if (route.view === "run" || (route.view === "list" && only))
    return (
      <RunView
        key={route.view === "run" ? route.id : "."}
        id={route.view === "run" ? route.id : "."}
        runs={runs}
        mayAct={facts.mayAct}
        mayWork={facts.presets !== undefined}
      />
    );
  if (route.view === "comparison") return <ComparisonView key={route.id} id={route.id} runs={runs} />;
  if (route.view === "compare") return <CompareView key={route.ids.join("/")} ids={route.ids} runs={runs} />;
  return <ListView runs={runs} facts={facts} />;
}

function ConnectionNote({ runs }: { runs: Runs }) {
  const text = {
    loading: "",
    live: "live",
    lost: "connection lost, trying again; this is the last known state",
  };
  return (
    <span class={`connection ${runs.connection}`} role="status">
      {text[runs.connection]}
    </span>
  );
}

function ReadOnlyNote({ onToken }: { onToken: (token: string) => void }) {
  return (
    <details class="note">
      <summary>
        Only looking: to start, stop and resume runs and to draw, give the token of the address in the
        terminal
      </summary>
      <TokenForm error="" onToken={onToken} />
    </details>
  );
}

/** Announces changes of run states to screen readers, but not every changing number. */
function Announcements({ runs }: { runs: Runs }) {
  const states = useRef(new Map<string, string>());
  const [text, setText] = useState("");
  useEffect(() => {
    for (const run of runs.all) {
      const before = states.current.get(run.id);
      if (before !== undefined && before !== run.state) setText(`${run.id}: ${run.state}`);
      states.current.set(run.id, run.state);
    }
  }, [runs]);
  return (
    <p class="unseen" role="status" aria-live="polite">
      {text}
    </p>
  );
}
