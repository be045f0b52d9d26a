import type { RunSummary } from "../../../src/wire.ts";
import { sampleUrl } from "../server.ts";
import { Texts } from "./texts.tsx";

/** Samples along each side, few enough to be visible. */
const SHOWN = 4;
const SHOWN_TEXTS = 3;

/** The first samples of a run's newest evaluation. */
export function Thumbnail({ run }: { run: RunSummary }) {
  const { picture } = run;
  if (!picture) return <span class="thumbnail none">no samples yet</span>;
  if (picture.texts !== undefined)
    return (
      <div class="thumbnail written">
        <Texts run={run.id} file={picture.texts} most={SHOWN_TEXTS} />
      </div>
    );
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
