import type { RunSummary } from "../../../src/wire.ts";
import { sampleUrl } from "../server.ts";

/** Samples along each side, few enough to be visible. */
const SHOWN = 4;

/** The first samples of a run's newest picture. */
export function Thumbnail({ run }: { run: RunSummary }) {
  const { picture } = run;
  if (!picture) return <span class="thumbnail none">no samples yet</span>;
  const { columns } = picture.grid ?? { columns: 1 };
  return (
    <span class="thumbnail">
      <img
        src={sampleUrl(run.id, picture.file)}
        alt=""
        class={picture.grid ? "grid" : ""}
        loading="lazy"
        style={{ width: `${100 * Math.max(1, columns / SHOWN)}%` }}
      />
    </span>
  );
}
