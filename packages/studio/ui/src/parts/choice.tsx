import { useState } from "preact/hooks";
import { compareLink } from "../route.ts";

export const MOST_COMPARED = 12;

/** Selected runs. */
export function useChoice(): [chosen: ReadonlySet<string>, toggle: (id: string) => void] {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  // Always the same function, so that unchanged cards are not drawn again.
  const [toggle] = useState(
    () => (id: string) =>
      setChosen((before) => {
        const after = new Set(before);
        if (!after.delete(id)) after.add(id);
        return after;
      }),
  );
  return [chosen, toggle];
}

export function CompareButton({ ids }: { ids: readonly string[] }) {
  if (ids.length < 2) return <span class="button disabled">Tick two runs to compare</span>;
  if (ids.length > MOST_COMPARED) return <span class="button disabled">At most {MOST_COMPARED} at once</span>;
  return (
    <a class="button" href={compareLink(ids)}>
      Compare {ids.length} runs
    </a>
  );
}
